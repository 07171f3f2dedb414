// Holds deliveries against the verifiers that receivers use.
//   node webhook_verifiers.mjs <node_modules>
// A line {"secret", "headers", "body": base64} on standard input is answered by one with what each
// verifier says: null when it accepts. Ends with its standard input.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.argv[2] + "/");
const verifiers = { standardwebhooks: require("standardwebhooks").Webhook,
                    svix: require("svix").Webhook };

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line);
  const said = {};
  for (const [name, Webhook] of Object.entries(verifiers)) {
    try {
      new Webhook(secret).verify(Buffer.from(body, "base64").toString(), headers);
      said[name] = null;
    } catch (refusal) {
      said[name] = refusal.message;
    }
  }
  console.log(JSON.stringify(said));
}
