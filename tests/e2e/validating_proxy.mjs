// Stands before servers, and holds every exchange against the server's own /openapi.json with
// Prism's router and validators. The bytes pass as they are; what is wrong with them is told in the
// header "sl-violations", as Prism does.
//   node validating_proxy.mjs <node_modules>
// A line with a server's port on standard input is answered by a line with the port before it, or
// with what is wrong with its description. Ends with its standard input.
import http from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.argv[2] + "/");
const prism = require("@stoplight/prism-http");
const { right: taskOf } = require("fp-ts/TaskEither");

const host = "127.0.0.1";
const silent = { info() {}, warn() {}, error() {}, debug() {}, trace() {}, success() {},
                 child: () => silent };
const severities = ["Error", "Warning", "Information", "Hint"];
// Prism would make up an answer where a server says 501, and parse and write again what passes: so
// it is given what the server has answered.
const judge = prism.createInstance(
    { isProxy: true, checkSecurity: true, validateRequest: true, validateResponse: true,
      errors: false, mock: {}, upstream: new URL(`http://${host}`) },
    { logger: silent, forward: ({ data }) => () => taskOf(data.answer) });

function received(stream) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    stream.on("data", chunk => chunks.push(chunk));
    stream.on("end", () => resolve(Buffer.concat(chunks)));
    stream.on("error", reject);
    stream.on("aborted", () => reject(new Error("aborted")));
  });
}

function bodyIn(bytes) {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return bytes.toString();
  }
}

// Prism decodes the parts of a path, and gives up when they are no UTF-8. What has a comma its router
// makes a list of already, which what reads lists then cannot read.
function decodable(path) {
  try {
    decodeURIComponent(path);
    return path.replaceAll(/,|%2c/gi, "%252C");
  } catch {
    return path.replaceAll("%", "%25");
  }
}

function exchangeOf(request, sent, answer, got) {
  const url = new URL(request.url, "http://server");
  const query = {};
  for (const [name, value] of url.searchParams) query[name] = value;
  return {
    method: request.method.toLowerCase(),
    url: { path: decodable(url.pathname.replace(/(.)\/$/, "$1")), query },
    headers: request.headers,
    body: bodyIn(sent),
    answer: { statusCode: answer.statusCode, headers: answer.headers, body: bodyIn(got) },
  };
}

async function violationsOf(operations, exchange) {
  const judged = await judge.request(exchange, operations)();
  if (judged._tag === "Left") return [{ location: ["proxy"], message: String(judged.left) }];
  const { input, output } = judged.right.validations;
  const told = where => each => ({ location: [where, ...(each.path ?? [])], code: each.code,
                                   severity: severities[each.severity], message: each.message });
  return [...input.map(told("request")), ...output.map(told("response"))];
}

// From the address that the client has: what servers count is counted by address.
async function ask(port, request, sent) {
  const upstream = http.request({ host, port, method: request.method, path: request.url,
                                  headers: request.rawHeaders, setDefaultHeaders: false,
                                  agent: false, localAddress: request.socket.remoteAddress });
  const answered = new Promise((resolve, reject) => {
    upstream.on("response", resolve);
    upstream.on("error", reject);
  });
  upstream.end(sent);
  const answer = await answered;
  return [answer, await received(answer)];
}

async function pass(port, operations, request, response) {
  const sent = await received(request);
  const [answer, got] = await ask(port, request, sent);
  const headers = [...answer.rawHeaders];
  if (!["HEAD", "OPTIONS"].includes(request.method)) {
    const wrong = await violationsOf(operations, exchangeOf(request, sent, answer, got));
    if (wrong.length > 0)
      headers.push("sl-violations", encodeURIComponent(JSON.stringify(wrong.slice(0, 20))));
  }
  response.sendDate = false;
  response.writeHead(answer.statusCode, answer.statusMessage, headers);
  response.end(got);
}

async function described(port) {
  const request = http.get({ host, port, path: "/openapi.json", agent: false });
  const answer = await new Promise((resolve, reject) => {
    request.on("response", resolve);
    request.on("error", reject);
  });
  const bytes = await received(answer);
  if (answer.statusCode !== 200) throw new Error(`/openapi.json: ${answer.statusCode}`);
  return prism.getHttpOperationsFromSpec(JSON.parse(bytes.toString()));
}

async function standBefore(port) {
  const operations = await described(port);
  const server = http.createServer((request, response) => {
    // Whoever has left, or is gone, is told to the other side in the only way there is.
    pass(port, operations, request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 0;
  await new Promise(resolve => server.listen(0, host, resolve));
  return server.address().port;
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify({ port: await standBefore(Number(line)) }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
process.exit(0);
