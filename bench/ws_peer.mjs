// npm's ws doing what the server does: a text, made once, to everyone. Prints {"port": N}; each
// line on standard input, "N TEXT", sends TEXT N times to all who are connected.
import {createInterface} from 'node:readline';
import {createRequire} from 'node:module';

// Packages are those of the tests.
const require = createRequire(new URL('../build/npm/package.json', import.meta.url));
const {WebSocketServer} = require('ws');

const server = new WebSocketServer(
    {host: '127.0.0.1', port: 0, perMessageDeflate: false, backlog: 4096});
server.on('listening', () => console.log(JSON.stringify({port: server.address().port})));
// As often as ours.
setInterval(() => server.clients.forEach(client => client.ping()), 25_000);

createInterface({input: process.stdin}).on('line', line => {
  const at = line.indexOf(' ');
  const text = Buffer.from(line.slice(at + 1));
  for (let i = Number(line.slice(0, at)); i > 0; --i)
    for (const client of server.clients) client.send(text, {binary: false});
}).on('close', () => process.exit());
