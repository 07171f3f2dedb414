#!/usr/bin/env node
// Stand-alone mock for test suites in any language: prints one JSON line {url, admin, rootPublicKey}, then serves
// POST /admin/<op> with a JSON body on a second loopback port.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import { proto } from 'baileys'
import { MockWhatsApp } from './server.mjs'

for (const k of ['log', 'info', 'warn', 'error']) if (!process.env.MOCK_VERBOSE) console[k] = () => {} // libsignal prints session objects
const tls = process.env.MOCK_TLS_KEY ? { key: readFileSync(process.env.MOCK_TLS_KEY), cert: readFileSync(process.env.MOCK_TLS_CERT) } : undefined
const mock = await new MockWhatsApp({ tls, certMode: process.env.MOCK_CERT ?? 'good', deflate: !!process.env.MOCK_DEFLATE }).listen(Number(process.env.MOCK_PORT ?? 0))
const log = []
for (const e of ['registration', 'paired', 'login', 'logout', 'pairing-code-requested', 'mock-error', 'retry-sent']) mock.on(e, x => log.push({ event: e, t: Date.now(), info: String(x?.device?.pnJid ?? x?.message ?? (typeof x === 'string' ? x : '')) }))
const con = p => mock.contacts.get(p) ?? mock.addContact(p)
// whoever asks waits until it is so
const until = (event, so) => new Promise(done => { const look = () => { if (so()) { mock.off(event, look); done() } }; mock.on(event, look); look() })
mock.setMaxListeners(0)
const ops = {
	account: b => { mock.addAccount(b.phone, b); return {} },
	contact: b => { const c = mock.addContact(b.phone, b); return { pn: c.pn, lid: c.lid } },
	scan: b => { if (!mock.accounts.has(b.phone)) mock.addAccount(b.phone); mock.scanQR(b.phone, b.qr); return {} },
	hangup: b => { mock.connOf(b.qr).ws.close(); return {} },
	passkey: b => { mock.scanQRPasskey(b.qr); return {} },
	code: async b => { if (!mock.accounts.has(b.phone)) mock.addAccount(b.phone); await mock.enterPairingCode(b.phone, b.code); return {} },
	message: async b => ({ id: await mock.sendMessage(con(b.from), b.to, proto.Message.fromObject(b.message), { garble: b.garble, group: b.group }) }),
	peers: () => ({ addresses: [...new Set(mock.peers.splice(0))] }),
	share: async b => { await mock.share(b.phone, b.name, b.before); await until('synced', () => mock.accounts.get(b.phone).appState.fetched.size === 5); return {} },
	change: async b => { await mock.change(b.phone, b.name, b.index, b.action); return {} },
	changegroup: b => { mock.changeGroup(con(b.from), b.to, b.group, b.changes); return {} },
	shared: b => ({ changes: mock.accounts.get(b.phone).appState.changes }),
	vote: async b => ({ id: await mock.vote(con(b.from), b.to, b.poll, b.options) }),
	edit: async b => ({ id: await mock.edit(con(b.from), b.to, b) }),
	typed: async b => ({ id: await mock.fromPhone(b.phone, proto.Message.fromObject({ deviceSentMessage: { destinationJid: b.to, message: b.message } }), { recipient: b.to }) }),
	history: async b => {
		const part = proto.HistorySync.encode(proto.HistorySync.fromObject(b.history)).finish()
		return { id: await mock.fromPhone(b.phone, proto.Message.fromObject({ protocolMessage: { type: 'HISTORY_SYNC_NOTIFICATION', historySyncNotification: { syncType: b.history.syncType, initialHistBootstrapInlinePayload: b.broken ? part : deflateSync(part) } } })) }
	},
	media: async b => { const { from, to, ...m } = b; return { id: await mock.sendMedia(con(from), to, m) } },
	lose: b => { mock.lost.lose(con(b.from), b.to, b.id, b.status); return {} },
	refused: async b => { await until('refused', () => mock.lost.timesRefused(con(b.from), b.to, b.id) >= b.times); return {} },
	reupload: b => { mock.lost.answer(con(b.from), b.to, b.id, b); return {} },
	openmedia: b => { const d = mock.openMedia(con(b.phone).inbox.findLast(m => Object.values(m.message).some(v => v?.mediaKey?.length)).message); return { size: d.length, sha256: createHash('sha256').update(d).digest('hex') } },
	flood: async b => { await mock.flood(con(b.from), b.to, b.n); return {} },
	pending: b => ({ ids: [...(mock.deviceOf(b.phone).pending ?? new Map()).keys()] }), // not yet acknowledged by the client
	forget: b => { con(b.phone).sessions.clear(); return {} }, // the phone loses its sessions: the next message to it needs a retry
	mute: b => { con(b.phone).muted = true; return {} },
	retry: b => { mock.askAgain(mock.deviceOf(b.to).conn, con(b.from), b.id); return {} },
	receipt: b => { mock.sendReceipt(con(b.from), b.to, b.ids, b.type); return {} },
	call: b => ({ callId: mock.sendCall(con(b.from), b.to, b) }),
	inbox: async b => { if (b.id) await until('delivered', () => con(b.phone).inbox.some(m => m.id === b.id)); return { messages: con(b.phone).inbox.map(m => ({ ...m, message: proto.Message.toObject(m.message, { bytes: String, longs: Number, enums: String }) })) } },
	acknowledged: async b => { await until('acknowledged', () => !mock.deviceOf(b.phone).pending?.size); return {} },
	heard: async b => { await until('heard', () => mock.seen.some(n => n.tag === b.tag && (!b.child || (Array.isArray(n.content) && n.content.some(c => c.tag === b.child))) && Object.entries(b.attrs ?? {}).every(([k, v]) => n.attrs[k] === v))); return {} },
	ban: b => { mock.ban(b.phone, b.reason); return {} },
	tempban: b => { mock.tempBan(b.phone, b); return {} },
	unlink: b => { mock.unlink(b.phone); return {} },
	replace: b => { mock.replace(mock.deviceOf(b.phone)); return {} },
	raw: b => { const c = mock.deviceOf(b.phone).conn; c.ws.send(c.noise.frame(Buffer.from(b.hex, 'hex'))); return {} }, // any bytes inside the encrypted channel: malformed stanzas
	poison: b => { mock.accounts.get(b.phone).poison = b.hex; return {} }, // the same at each login
	outdate: b => { mock.outdate(b.phone, b.revision); return {} },
	drop: b => { mock.drop(b.phone); return {} },
	seen: b => ({ nodes: mock.seen.splice(0).filter(n => !b.tag || n.tag === b.tag).map(n => ({ tag: n.tag, attrs: n.attrs, children: Array.isArray(n.content) ? n.content.map(c => c.tag) : [] })) }),
	log: () => ({ log: log.splice(0), open: mock.conns.size }),
	quit: () => { setTimeout(() => process.exit(0), 20); return {} }
}
const admin = createServer((req, res) => {
	let s = ''
	req.on('data', c => { s += c }).on('end', async () => {
		try { const r = await ops[req.url.replace('/admin/', '')](s ? JSON.parse(s) : {}); res.end(JSON.stringify(r)) }
		catch (e) { res.statusCode = 400; res.end(JSON.stringify({ error: String(e.message ?? e) })) }
	})
})
await new Promise(r => admin.listen(0, '127.0.0.1', r))
process.stdout.write(JSON.stringify({ url: mock.url, admin: `http://127.0.0.1:${admin.address().port}/admin`, rootPublicKey: Buffer.from(mock.rootPublicKey).toString('hex') }) + '\n')
process.stdin.resume().on('end', () => process.exit(0)) // dies with its parent
