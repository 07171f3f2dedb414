// Listens on a WebSocket with npm's ws, and prints what it hears: listen.mjs URL TOKEN
import {createRequire} from 'node:module';

const require = createRequire(new URL('../../../build/npm/package.json', import.meta.url));
const {WebSocket} = require('ws');

const tell = said => console.log(JSON.stringify(said));
const [url, token] = process.argv.slice(2);
const socket = new WebSocket(url, {headers: {token}});
socket.on('open', () => tell({open: socket.extensions}));
socket.on('message', (data, isBinary) => tell({isBinary, event: JSON.parse(data)}));
socket.on('unexpected-response', (_, answer) => {
  tell({status: answer.statusCode});
  process.exit();
});
socket.on('pong', data => tell({pong: data.toString()}));
socket.on('close', (code, reason) => tell({code, reason: reason.toString()}));
process.stdin.on('data', line => {
  const [what] = line.toString().split('\n');
  if (what === 'ping') socket.ping('hi');
  else if (what === 'text') socket.send('so long that it is deflated, '.repeat(1000));
  else socket.close(4001);
});
process.stdin.on('end', () => process.exit());
