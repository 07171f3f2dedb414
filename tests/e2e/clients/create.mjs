// create.mjs URL TOKEN: creates an instance with fetch and prints its name.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

const [url, token] = process.argv.slice(2);
const fields = JSON.parse(await readFile(new URL("request.json", import.meta.url), "utf8"));
const answer = await fetch(`${url}/api/instance/new`, {
  method: "POST",
  headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
  body: JSON.stringify({ ...fields, name: "from-node" }),
});
assert.equal(answer.status, 201);
const created = await answer.json();
assert.deepEqual(Object.keys(created).sort(), ["instance", "message", "success"]);
assert.deepEqual(Object.keys(created.instance).sort(), [
  "chatwoot", "createdAt", "id", "name", "numberJid", "proxy", "s3", "settings", "status",
  "token", "updatedAt", "webhook", "websocket"]);
console.log(created.instance.name);
