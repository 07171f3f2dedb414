// Minimal local mock of the WhatsApp Web multi-device server, for tests only. Binds to 127.0.0.1.
// Speaks: ws(s) + Noise XX + binary nodes, QR pairing, pairing code, login, prekeys, usync, 1:1 messages, acks,
// receipts, calls, groups metadata, media_conn, logout / ban / replaced injections.
import { createServer as createHttp } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { WebSocketServer } from 'ws'
import {
	aesDecryptCTR, aesDecryptGCM, aesEncryptCTR, aesEncryptGCM, Curve, decodeBinaryNode, derivePairingCodeKey, encodeBinaryNode, generateSignalPubKey,
	getBinaryNodeChild as child, getBinaryNodeChildren as children, hkdf, hmacSign, jidDecode, proto, sha256
} from 'baileys'
import { makeCertAuthority } from './cert.mjs'
import { AppState } from './app-state.mjs'
import { LostFiles } from './lost-files.mjs'
import { NoiseServer } from './noise-server.mjs'
import { Contact, u24 } from './contact.mjs'

const S = 's.whatsapp.net'
const SRV = `@${S}`         // the server's own address: must go out as a JID, a bare string is another token and whatsmeow ignores the stanza
const now = () => Math.floor(Date.now() / 1000)
const u32 = b => Buffer.from(b).readUInt32BE(0)
const buf = c => typeof c === 'string' ? Buffer.from(c) : Buffer.from(c ?? [])

export class MockWhatsApp extends EventEmitter {
	constructor({ tls, certMode = 'good', deflate = false, log = () => {} } = {}) {
		super()
		this.log = log
		this.ca = makeCertAuthority()
		this.staticKey = Curve.generateKeyPair()
		const bad = { wrongRoot: { signer: Curve.generateKeyPair().private }, wrongSerial: { issuerSerial: 7 } }[certMode]
		this.certChain = this.ca.issue(this.staticKey.public, bad)
		this.accounts = new Map()  // phone -> {phone, lid, identity, devices: Map(id -> device), banned}
		this.contacts = new Map()  // user part (pn or lid) -> Contact
		this.groups = new Map()
		this.invites = 0
		this.refs = new Map()      // qr ref -> conn
		this.linkCodes = new Map() // phone -> {conn, wrapped, ref, companionNoise}
		this.conns = new Set()
		this.media = new Map()     // place -> bytes, or the status that a lost file is refused with
		this.lost = new LostFiles(this)
		this.seen = []             // every stanza received, for assertions
		this.http = tls ? createHttps(tls, this.onHttp) : createHttp(this.onHttp)
		this.peers = []            // where each connection came from
		this.http.on('connection', s => this.peers.push(s.remoteAddress))
		this.wss = new WebSocketServer({ server: this.http, path: '/ws/chat', perMessageDeflate: deflate })
		this.wss.on('connection', (ws, req) => this.onConnection(ws, req))
		this.tls = !!tls
	}
	get rootPublicKey() { return this.ca.rootPublic }
	async listen(port = 0) {
		await new Promise(r => this.http.listen(port, '127.0.0.1', r))
		this.port = this.http.address().port
		this.url = `${this.tls ? 'wss' : 'ws'}://127.0.0.1:${this.port}/ws/chat`
		return this
	}
	async close() {
		for (const c of this.conns) c.ws.terminate()
		this.wss.close()
		this.http.closeAllConnections?.()
		await new Promise(r => this.http.close(r))
	}
	/** media "CDN": POST /mms/<type>/<token> stores, GET /m/<id> returns */
	onHttp = (req, res) => {
		const chunks = []
		req.on('data', c => chunks.push(c)).on('end', () => {
			if (req.method === 'POST') {
				const id = randomBytes(8).toString('hex')
				this.media.set(id, Buffer.concat(chunks))
				const base = `${this.tls ? 'https' : 'http'}://127.0.0.1:${this.port}`
				res.setHeader('content-type', 'application/json')
				return res.end(JSON.stringify({ url: `${base}/m/${id}?ccb=1`, direct_path: `/m/${id}?ccb=1`, handle: id })) // clients append '&hash=…' to it
			}
			if (req.url === '/' && this.revision) return res.end(`{"client_revision":${this.revision},}`)
			const m = this.media.get(req.url.split('?')[0].replace('/m/', ''))
			if (!m) { res.statusCode = 404; return res.end() }
			if (m.status) {
				res.statusCode = m.status
				res.end()
				m.times++
				return this.emit('refused')
			}
			res.end(m)
		})
	}
	// ---------------------------------------------------------------- world set-up
	addAccount(phone, { lid = `8${phone}`, name = 'Me', hasty = false, picture } = {}) {
		const a = { phone, lid, name, hasty, picture, identity: Curve.generateKeyPair(), devices: new Map(), nextDevice: 1, banned: false }
		this.accounts.set(phone, a)
		return a
	}
	addContact(phone, opts) {
		const c = new Contact(phone, opts)
		this.contacts.set(phone, c)
		this.contacts.set(jidDecode(c.lid).user, c)
		return c
	}
	// ---------------------------------------------------------------- transport
	onConnection(ws, req) {
		const conn = { ws, stage: 'hello', noise: new NoiseServer(this), ip: req.socket.remotePort, headers: req.headers, iq: 0 }
		this.conns.add(conn)
		conn.send = node => { if (ws.readyState === 1) ws.send(conn.noise.frame(encodeBinaryNode(node))) }
		let chain = Promise.resolve()
		ws.on('message', data => {
			chain = chain.then(async () => {
				for (const f of conn.noise.feed(data)) await this.onFrame(conn, f)
			}).catch(e => { this.log('mock error', e); this.emit('mock-error', e); ws.terminate() })
		})
		ws.on('close', () => { this.conns.delete(conn); if (conn.device?.conn === conn) conn.device.conn = null })
		ws.on('error', () => {})
	}
	async onFrame(conn, f) {
		if (conn.stage === 'hello') {
			ws_send(conn, conn.noise.frame(conn.noise.onClientHello(f)))
			conn.stage = 'finish'
		} else if (conn.stage === 'finish') {
			const payload = conn.noise.onClientFinish(f)
			conn.stage = 'open'
			conn.payload = payload
			return payload.devicePairingData ? this.onRegistration(conn, payload) : this.onLogin(conn, payload)
		} else {
			const node = await decodeBinaryNode(f)
			this.seen.push(node)
			if (this.seen.length > 10_000) this.seen.shift()
			this.log('<<', node.tag, JSON.stringify(node.attrs), Array.isArray(node.content) ? node.content.map(c => c.tag).join(',') : '')
			await this.onNode(conn, node)
			this.emit('heard', node)
		}
	}
	// ---------------------------------------------------------------- pairing
	onRegistration(conn, payload) {
		const d = payload.devicePairingData
		conn.reg = {
			registrationId: u32(d.eRegid), identity: buf(d.eIdent),
			skey: { id: u24(d.eSkeyId), value: buf(d.eSkeyVal), signature: buf(d.eSkeySig) },
			noise: conn.noise.clientStatic, props: proto.DeviceProps.decode(d.deviceProps)
		}
		const refs = Array.from({ length: 6 }, () => `2@${randomBytes(24).toString('base64')}`)
		for (const r of refs) this.refs.set(r, conn)
		conn.send({ tag: 'iq', attrs: { from: SRV, type: 'set', id: `pd${++conn.iq}`, xmlns: 'md' },
			content: [{ tag: 'pair-device', attrs: {}, content: refs.map(r => ({ tag: 'ref', attrs: {}, content: Buffer.from(r) })) }] })
		this.emit('registration', conn)
	}
	/** of whoever shows that code */
	connOf(qr) { return this.refs.get(qr.replace(/^.*#/, '').split(',')[0]) }
	/** account enrolled in passkey linking: the server asks for a WebAuthn step instead of completing the pairing */
	scanQRPasskey(qr) { const conn = this.connOf(qr); conn.send({ tag: 'notification', attrs: { from: SRV, type: 'passkey_prologue_request', id: `n${++conn.iq}`, t: `${now()}` }, content: [
		{ tag: 'passkey_request_options', attrs: {}, content: Buffer.from(JSON.stringify({ challenge: randomBytes(32).toString('base64url'), timeout: 60000, rpId: 'web.whatsapp.com', allowCredentials: [{ id: randomBytes(16).toString('base64url'), type: 'public-key', transports: ['hybrid'] }], userVerification: 'preferred' })) }] }) }
	/** what a phone does when it scans the QR */
	scanQR(phone, qr) {
		const [ref, , identityB64, advB64] = qr.replace(/^.*#/, '').split(',')
		const conn = this.refs.get(ref)
		if (!conn) throw new Error('unknown QR ref')
		if (!Buffer.from(identityB64, 'base64').equals(conn.reg.identity)) throw new Error('identity mismatch')
		this.sendPairSuccess(conn, this.accounts.get(phone), Buffer.from(advB64, 'base64'))
	}
	sendPairSuccess(conn, account, advSecret) {
		const id = account.nextDevice++
		const details = Buffer.from(proto.ADVDeviceIdentity.encode({ rawId: randomBytes(4).readUInt32BE(), timestamp: now(), keyIndex: id }).finish())
		const accountSignature = Curve.sign(account.identity.private, Buffer.concat([Buffer.from([6, 0]), details, conn.reg.identity]))
		const signed = Buffer.from(proto.ADVSignedDeviceIdentity.encode({
			details, accountSignatureKey: account.identity.public, accountSignature }).finish())
		const hmacMsg = Buffer.from(proto.ADVSignedDeviceIdentityHMAC.encode({ details: signed, hmac: hmacSign(signed, advSecret) }).finish())
		const device = { id, user: account.phone, preKeys: [], ...conn.reg, details, pnJid: `${account.phone}:${id}@${S}`, lidJid: `${account.lid}:${id}@lid` }
		account.devices.set(id, device)
		conn.pendingPair = { account, device, iqId: `ps${++conn.iq}` }
		conn.send({ tag: 'iq', attrs: { from: SRV, type: 'set', id: conn.pendingPair.iqId, t: `${now()}`, xmlns: 'md' }, content: [
			{ tag: 'pair-success', attrs: {}, content: [
				{ tag: 'device-identity', attrs: {}, content: hmacMsg },
				{ tag: 'device', attrs: { jid: device.pnJid, lid: device.lidJid } },
				{ tag: 'platform', attrs: { name: 'android' } }] }] })
	}
	onPairDeviceSign(conn, node) {
		const { account, device } = conn.pendingPair
		const di = child(child(node, 'pair-device-sign'), 'device-identity')
		const signed = proto.ADVSignedDeviceIdentity.decode(di.content)
		device.deviceSignature = signed.deviceSignature
		const ok = verifyStrict(device.identity, Buffer.concat([Buffer.from([6, 1]), device.details, device.identity, account.identity.public]), buf(signed.deviceSignature))
		this.emit('paired', { account, device, deviceSignatureValid: ok })
		if (account.hasty) return conn.ws.close() // and the client is left to find out why
		conn.send({ tag: 'stream:error', attrs: { code: '515' } })
		setTimeout(() => conn.ws.close(), 50)
	}
	/** phone side of the pairing-code flow: user typed `code` on the phone */
	async enterPairingCode(phone, code) {
		const link = this.linkCodes.get(phone), account = this.accounts.get(phone)
		if (!link) throw new Error('no pairing request for ' + phone)
		const salt = link.wrapped.subarray(0, 32), iv = link.wrapped.subarray(32, 48)
		const companionEph = aesDecryptCTR(link.wrapped.subarray(48), await derivePairingCodeKey(code, salt), iv)
		const eph = Curve.generateKeyPair(), salt2 = randomBytes(32), iv2 = randomBytes(16)
		link.shared = Curve.sharedKey(eph.private, companionEph)
		const wrappedPrimary = Buffer.concat([salt2, iv2, aesEncryptCTR(eph.public, await derivePairingCodeKey(code, salt2), iv2)])
		link.account = account
		link.conn.send({ tag: 'notification', attrs: { from: SRV, type: 'link_code_companion_reg', id: `n${++link.conn.iq}`, t: `${now()}` }, content: [
			{ tag: 'link_code_companion_reg', attrs: { stage: 'primary_hello' }, content: [
				{ tag: 'link_code_pairing_wrapped_primary_ephemeral_pub', attrs: {}, content: wrappedPrimary },
				{ tag: 'primary_identity_pub', attrs: {}, content: account.identity.public },
				{ tag: 'link_code_pairing_ref', attrs: {}, content: link.ref }] }] })
	}
	onLinkCode(conn, node) {
		const n = child(node, 'link_code_companion_reg'), phone = jidDecode(n.attrs.jid).user
		const result = content => conn.send({ tag: 'iq', attrs: { from: SRV, type: 'result', id: node.attrs.id }, content })
		if (n.attrs.stage === 'companion_hello') {
			if (!/^(Chrome|Firefox|Edge|Safari|Opera) \((Windows|Mac OS|Ubuntu|Linux)\)$/.test(buf(child(n, 'companion_platform_display').content).toString())) return conn.send({ tag: 'iq', attrs: { from: SRV, type: 'error', id: node.attrs.id }, content: [{ tag: 'error', attrs: { code: '400', text: 'bad-request' } }] })
			const link = { conn, ref: randomBytes(16), wrapped: buf(child(n, 'link_code_pairing_wrapped_companion_ephemeral_pub').content) }
			this.linkCodes.set(phone, link)
			result([{ tag: 'link_code_companion_reg', attrs: { stage: 'companion_hello' }, content: [{ tag: 'link_code_pairing_ref', attrs: {}, content: link.ref }] }])
			return this.emit('pairing-code-requested', phone)
		}
		const link = this.linkCodes.get(phone), bundle = buf(child(n, 'link_code_pairing_wrapped_key_bundle').content)
		const key = Buffer.from(hkdf(link.shared, 32, { salt: bundle.subarray(0, 32), info: 'link_code_pairing_key_bundle_encryption_key' }))
		const plain = aesDecryptGCM(bundle.subarray(44), key, bundle.subarray(32, 44), Buffer.alloc(0)) // throws on a wrong code
		const [compIdentity, , random] = [plain.subarray(0, 32), plain.subarray(32, 64), plain.subarray(64)]
		const idShared = Curve.sharedKey(link.account.identity.private, compIdentity)
		const adv = Buffer.from(hkdf(Buffer.concat([link.shared, idShared, random]), 32, { info: 'adv_secret' }))
		result()
		this.sendPairSuccess(conn, link.account, adv)
	}
	// ---------------------------------------------------------------- login
	onLogin(conn, payload) {
		const account = this.accounts.get(String(payload.username)), device = account?.devices.get(payload.device)
		const fail = (reason, attrs = {}) => { conn.send({ tag: 'failure', attrs: { reason: `${reason}`, ...attrs } }); setTimeout(() => conn.ws.close(), 50) }
		if (account?.revision > payload.userAgent.appVersion.tertiary) return fail(405)
		if (account?.banned) return fail(account.banned, { expire: '0' })
		if (account?.tempBan) return fail(402, account.tempBan)
		if (!device || !device.noise.equals(conn.noise.clientStatic)) return fail(401, { location: 'frc' })
		if (device.conn) this.replace(device)
		Object.assign(conn, { account, device })
		device.conn = conn
		conn.send({ tag: 'success', attrs: { t: `${now()}`, props: '1', companion_enc_static: '', lid: device.lidJid, display_name: account.name } })
		if (account.poison !== undefined) conn.ws.send(conn.noise.frame(Buffer.from(account.poison, 'hex')))
		const waiting = [...(device.pending ?? new Map()).values()]
		for (const n of waiting) conn.send({ ...n, attrs: { ...n.attrs, offline: '0' } })
		conn.send({ tag: 'ib', attrs: { from: SRV }, content: [{ tag: 'offline', attrs: { count: `${waiting.length}` } }] })
		this.emit('login', { account, device })
	}
	// ---------------------------------------------------------------- stanzas
	async onNode(conn, node) {
		this.emit('node', { conn, node })
		if (node.tag === 'iq') return this.onIQ(conn, node)
		if (node.tag === 'message') return this.onMessage(conn, node)
		if (node.tag === 'receipt' && !['retry', 'read', 'read-self', 'server-error'].includes(node.attrs.type)) this.acknowledge(conn, node)
		if (node.tag === 'ack' && node.attrs.class === 'message') this.acknowledge(conn, node)
		if (node.tag === 'receipt' && node.attrs.type === 'retry') await this.onRetry(conn, node)
		if (node.tag === 'receipt' && node.attrs.type === 'server-error') this.lost.onReceipt(conn, node)
		if (node.tag === 'receipt') return conn.send({ tag: 'ack', attrs: { class: 'receipt', id: node.attrs.id, from: node.attrs.to, ...(node.attrs.type ? { type: node.attrs.type } : {}) } })
		if (node.tag === 'call') return conn.send({ tag: 'ack', attrs: { class: 'call', id: node.attrs.id, from: node.attrs.to } })
	}
	acknowledge(conn, node) { if (conn.device?.pending?.delete(node.attrs.id)) this.emit('acknowledged') }
	onIQ(conn, node) {
		const { id, xmlns, type } = node.attrs
		const first = Array.isArray(node.content) ? node.content[0] : undefined
		const result = (content, extra = {}) => conn.send({ tag: 'iq', attrs: { from: SRV, type: 'result', id, ...extra }, ...(content ? { content } : {}) })
		if (type === 'result') return conn.pendingPair?.iqId === id && first ? this.onPairDeviceSign(conn, node) : undefined
		const dev = conn.device
		switch (xmlns) {
			case 'w:p': return result()
			case 'passive': return result()
			case 'abt': return result([{ tag: 'props', attrs: { hash: 'mock' }, content: [] }])
			case 'w:profile:picture': return result([{ tag: 'picture', attrs: conn.account.picture ? { id: '1', type: 'image', direct_path: '/a', url: conn.account.picture } : { status: '204' } }])
			case 'blocklist': return result([{ tag: 'list', attrs: {}, content: [] }])
			case 'privacy': return result([{ tag: 'privacy', attrs: {}, content: [{ tag: 'category', attrs: { name: 'readreceipts', value: 'all' } }] }])
			case 'w:m': return result([{ tag: 'media_conn', attrs: { auth: 'mock-auth', ttl: '3600', auth_ttl: '21600', max_buckets: '12' }, content: [{ tag: 'host', attrs: { hostname: `127.0.0.1:${this.port}`, maxContentLengthBytes: '104857600' } }] }])
			case 'encrypt':
				if (first?.tag === 'count') return result([{ tag: 'count', attrs: { value: `${dev.preKeys.length}` } }])
				if (first?.tag === 'digest') return result([{ tag: 'digest', attrs: {}, content: [] }])
				if (first?.tag === 'key') return result([{ tag: 'list', attrs: {}, content: children(first, 'user').map(u => this.bundle(u.attrs.jid)) }])
				if (first?.tag === 'rotate') return result()
				for (const k of children(child(node, 'list'), 'key')) dev.preKeys.push({ id: u24(child(k, 'id').content), value: buf(child(k, 'value').content) })
				return result()
			case 'usync': return this.onUSync(conn, node, result)
			case 'w:g2': return this.onGroup(conn, node, result)
			case 'w:sync:app:state': return (conn.account.appState ??= new AppState()).answer(first).then(content => { result(content); this.emit('synced') }, e => this.emit('mock-error', e))
			case 'md':
				if (first?.tag === 'link_code_companion_reg') return this.onLinkCode(conn, node)
				if (first?.tag === 'remove-companion-device') { conn.account?.devices.delete(dev.id); result(); this.emit('logout', dev); return }
		}
		result()
	}
	bundle(jid) {
		const { user, device } = jidDecode(jid), c = this.contacts.get(user)
		if (c) return c.bundleNode(jid)
		const d = [...this.accounts.values()].find(a => a.phone === user || a.lid === user)?.devices.get(device ?? 0)
		if (!d) return { tag: 'user', attrs: { jid }, content: [{ tag: 'error', attrs: { code: '404', text: 'not-found' } }] }
		const n3 = n => { const b = Buffer.alloc(3); b.writeUIntBE(n, 0, 3); return b }, n4 = n => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b }
		const leaf = (tag, content) => ({ tag, attrs: {}, content }), pk = d.preKeys.shift()
		return { tag: 'user', attrs: { jid }, content: [leaf('registration', n4(d.registrationId)), leaf('type', Buffer.from([5])), leaf('identity', d.identity),
			leaf('skey', [leaf('id', n3(d.skey.id)), leaf('value', d.skey.value), leaf('signature', d.skey.signature)]),
			...(pk ? [leaf('key', [leaf('id', n3(pk.id)), leaf('value', pk.value)])] : [])] }
	}
	devicesOf(user) {
		const acc = [...this.accounts.values()].find(a => a.phone === user || a.lid === user)
		if (acc) return { pn: `${acc.phone}@${S}`, lid: `${acc.lid}@lid`, ids: [...acc.devices.keys()] } // phone itself omitted: no bundle for device 0
		const c = this.contacts.get(user)
		return c ? { pn: c.pn, lid: c.lid, ids: [0] } : undefined
	}
	onUSync(conn, node, result) {
		const usync = child(node, 'usync'), wants = (child(usync, 'query').content || []).map(n => n.tag)
		const lidMode = child(child(usync, 'query'), 'contact')?.attrs.addressing_mode === 'lid'
		const users = children(child(usync, 'list'), 'user').map(u => {
			const query = child(u, 'contact')?.content // '+555…' or '+555…@c.us'
			const asked = u.attrs.jid ?? `${buf(query).toString().replace('+', '').replace(/@.*/, '')}@${S}`
			const d = this.devicesOf(jidDecode(asked).user)
			const content = []
			if (wants.includes('contact')) content.push({ tag: 'contact', attrs: { type: d ? 'in' : 'out' }, content: query && buf(query) })
			if (d && wants.includes('devices')) content.push({ tag: 'devices', attrs: { version: '2' }, content: [{ tag: 'device-list', attrs: {}, content: d.ids.map(i => ({ tag: 'device', attrs: { id: `${i}`, ...(i ? { 'key-index': `${i}` } : {}) } })) }] })
			if (d && wants.includes('lid')) content.push({ tag: 'lid', attrs: { val: d.lid } })
			return { tag: 'user', attrs: !lidMode ? { jid: asked } : { ...(d ? { jid: d.lid } : {}), pn_jid: d?.pn ?? asked }, content }
		})
		result([{ tag: 'usync', attrs: {}, content: [{ tag: 'list', attrs: {}, content: users }] }])
	}
	onGroup(conn, node, result) {
		const g = this.groups.get(node.attrs.to), op = node.content?.[0]
		const info = grp => ({ tag: 'group', attrs: { id: grp.id.split('@')[0], subject: grp.subject, creation: `${grp.creation}`, creator: grp.owner, s_t: `${grp.creation}`, addressing_mode: 'lid' }, content: [...(grp.locked ? [{ tag: 'locked', attrs: {} }] : []), ...(grp.announce ? [{ tag: 'announcement', attrs: {} }] : []), ...grp.participants.map((p, i) => ({ tag: 'participant', attrs: { jid: p, ...(this.contacts.has(jidDecode(p).user) ? { phone_number: this.contacts.get(jidDecode(p).user).pn } : {}), ...(i ? {} : { type: 'superadmin' }) } }))] })
		if (op?.tag === 'create') {
			const grp = { id: `1203630${Date.now()}@g.us`, subject: op.attrs.subject, creation: now(), owner: conn.device.pnJid.replace(/:\d+/, ''), participants: [`${conn.account.lid}@lid`, ...children(op, 'participant').map(p => this.contacts.get(jidDecode(p.attrs.jid).user)?.lid ?? p.attrs.jid)] }
			this.groups.set(grp.id, grp)
			return result([info(grp)])
		}
		if (op?.tag === 'participating') return result([{ tag: 'groups', attrs: {}, content: [...this.groups.values()].map(info) }])
		const update = fields => { Object.assign(g, fields); return result() }
		switch (g && op?.tag) {
			case 'subject': return update({ subject: buf(op.content).toString() })
			case 'locked': return update({ locked: true })
			case 'unlocked': return update({ locked: false })
			case 'announcement': return update({ announce: true })
			case 'not_announcement': return update({ announce: false })
			case 'invite': return result([{ tag: 'invite', attrs: { code: `Code${++this.invites}` } }])
			case 'add': case 'remove': case 'promote': case 'demote': return result([{ tag: op.tag, attrs: {}, content: children(op, 'participant').map(p => ({ tag: 'participant', attrs: this.contacts.has(jidDecode(p.attrs.jid).user) ? { jid: p.attrs.jid } : { jid: p.attrs.jid, error: '404' } })) }])
		}
		if (!g && node.attrs.to.endsWith('@g.us')) return conn.send({ tag: 'iq', attrs: { from: node.attrs.to, type: 'error', id: node.attrs.id }, content: [{ tag: 'error', attrs: { code: '404', text: 'item-not-found' } }] })
		return g ? result([info(g)]) : result()
	}
	async onMessage(conn, node) {
		const { id, to } = node.attrs
		conn.send({ tag: 'ack', attrs: { class: 'message', id, from: to, t: `${now()}` } })
		const from = { user: conn.device.user, id: conn.device.id }, whole = child(node, 'enc'), members = new Set()
		for (const t of children(child(node, 'participants'), 'to')) {
			const c = this.contacts.get(jidDecode(t.attrs.jid).user), enc = child(t, 'enc')
			if (!c) continue
			try {
				const message = await c.decrypt(from, enc.attrs.type, enc.content)
				members.add(c)
				if (message.senderKeyDistributionMessage) { await c.takeSenderKey(from, message.senderKeyDistributionMessage); continue }
				const rec = { id, to, type: enc.attrs.type, mediatype: enc.attrs.mediatype, message, hasDeviceIdentity: !!child(node, 'device-identity') }
				c.inbox.push(rec)
				this.emit('delivered', { contact: c, ...rec })
			} catch (e) { // what a phone does: ask for the message again
				this.emit('mock-error', e); this.emit('retry-sent', id)
				if (!c.muted) this.askAgain(conn, c, id)
			}
		}
		const sk = whole
		if (sk && sk.attrs.type !== 'skmsg') {
			const c = this.contacts.get(jidDecode(to).user)
			try { const message = await c.decrypt(from, sk.attrs.type, sk.content); c.inbox.push({ id, to, type: sk.attrs.type, message, retry: sk.attrs.count }); this.emit('delivered', { contact: c, id, to, message }) }
			catch (e) { this.emit('mock-error', e) }
		} else if (sk) {
			const group = this.groups.get(to)
			for (const c of new Set([...members, ...(group?.participants ?? []).map(p => this.contacts.get(jidDecode(p).user)).filter(Boolean)])) {
				try { const message = await c.decryptGroup(from, to, sk.content); c.inbox.push({ id, to, type: sk.attrs.type, message }); this.emit('delivered', { contact: c, id, to, message }) }
				catch (e) { this.emit('mock-error', e) }
			}
		}
	}
	/** what a phone does with a message that it cannot read */
	askAgain(conn, c, id) {
		c.retries.set(id, (c.retries.get(id) ?? 0) + 1)
		const reg = Buffer.alloc(4); reg.writeUInt32BE(c.registrationId)
		conn.send({ tag: 'receipt', attrs: { from: c.pn, id, type: 'retry', t: `${now()}` }, content: [
			{ tag: 'retry', attrs: { count: `${c.retries.get(id)}`, id, t: `${now()}`, v: '1' } }, { tag: 'registration', attrs: {}, content: reg }] })
	}
	/** the client could not decrypt: the phone starts a new session and sends the same message again */
	async onRetry(conn, node) {
		const id = child(node, 'retry')?.attrs.id, sent = conn.device?.sent?.get(id), phone = conn.account?.phone
		if (!sent || sent.resent++ > 3) return
		sent.contact.sessions.clear()
		await this.sendMessage(sent.contact, phone, sent.message, { id, deviceId: conn.device.id, count: Number(child(node, 'retry').attrs.count) })
		this.emit('resent', id)
	}
	// ---------------------------------------------------------------- injections used by tests
	deviceOf(phone, id) { const a = this.accounts.get(phone); return a.devices.get(id ?? [...a.devices.keys()].pop()) }
	async sendMessage(contact, phone, message, { id = randomBytes(8).toString('hex').toUpperCase(), deviceId, count, garble, group, own } = {}) {
		const dev = this.deviceOf(phone, deviceId)
		const { type, ciphertext } = await contact.encryptTo(dev, message)
		if (garble) ciphertext[ciphertext.length - 12] ^= 1 // the client must ask for it again
		if (!count) (dev.sent ??= new Map()).set(id, { contact, message, resent: 0 })
		const from = group ? { from: group, participant: contact.lid, participant_pn: contact.pn, addressing_mode: 'lid' } : own ? { from: contact.pn, ...own } : { from: contact.pn, sender_lid: contact.lid }
		const node = { tag: 'message', attrs: { ...from, id, t: `${now()}`, type: 'text', notify: contact.name },
			content: [{ tag: 'enc', attrs: { v: '2', type, ...(count ? { count: `${count}` } : {}) }, content: ciphertext }] }
		;(dev.pending ??= new Map()).set(id, node)
		dev.conn?.send(node)
		return id
	}
	/** what the account's own phone tells its companions: history, or what was typed on it for `recipient` */
	fromPhone(phone, message, { recipient } = {}) {
		const account = this.accounts.get(phone)
		account.device0 ??= new Contact(phone, { lid: account.lid, name: account.name, identity: { pubKey: generateSignalPubKey(account.identity.public), privKey: account.identity.private } })
		return this.sendMessage(account.device0, phone, message, { own: { recipient, ...(recipient ? {} : { category: 'peer' }) } })
	}
	/** the phone shares what it knows of chats, and its name, from now on; and what it has changed before */
	async share(phone, name, before = []) {
		const state = this.accounts.get(phone).appState ??= new AppState()
		await state.begin(name)
		for (const change of before) await state.change(...change)
		return this.fromPhone(phone, proto.Message.fromObject(state.share()))
	}
	/** something changes on the phone, and companions are told to look */
	async change(phone, name, index, action) {
		const account = this.accounts.get(phone), conn = this.deviceOf(phone).conn
		await account.appState.change(name, index, action)
		conn.send({ tag: 'notification', attrs: { from: SRV, type: 'server_sync', id: `n${++conn.iq}`, t: `${now()}` }, content: [
			{ tag: 'collection', attrs: { name, version: `${account.appState.collections.get(name).length}` } }] })
	}
	/** somebody changes a group: nodes as WhatsApp has them, [{tag, attrs, content}], contents as text or nodes */
	changeGroup(contact, phone, group, changes) {
		const conn = this.deviceOf(phone).conn
		const made = n => ({ tag: n.tag, attrs: n.attrs ?? {}, ...(n.content ? { content: Array.isArray(n.content) ? n.content.map(made) : Buffer.from(n.content) } : {}) })
		conn.send({ tag: 'notification', attrs: { from: group, type: 'w:gp2', id: `n${++conn.iq}`, t: `${now()}`, participant: contact.lid, participant_pn: contact.pn, notify: contact.name }, content: changes.map(made) })
	}
	/** a vote in a poll that this phone has received: sealed by the secret that came with it */
	async vote(contact, phone, poll, options) {
		const { message } = contact.inbox.find(m => m.id === poll), author = `${phone}@${S}`
		const vote = proto.Message.PollVoteMessage.encode({ selectedOptions: options.map(o => hash(Buffer.from(o))) }).finish()
		return this.sendMessage(contact, phone, proto.Message.fromObject({ pollUpdateMessage: { pollCreationMessageKey: { remoteJid: author, fromMe: false, id: poll },
			vote: sealed(message, `${poll}${author}${contact.pn}Poll Vote`, vote, `${poll}\0${contact.pn}`), senderTimestampMs: Date.now() } }))
	}
	/** what a message that this phone has sent is now: sealed by the secret that went with it, under either address of the sender's */
	async edit(contact, phone, { id, message, type = 'MESSAGE_EDIT', by = 'pn' }) {
		const original = this.deviceOf(phone).sent.get(id).message, who = contact[by], word = type === 'EVENT_EDIT' ? 'Event Edit' : 'Message Edit'
		const now = proto.Message.encode(proto.Message.fromObject({ protocolMessage: { type: 'MESSAGE_EDIT', key: { remoteJid: `${phone}@${S}`, fromMe: true, id }, editedMessage: message } })).finish()
		return this.sendMessage(contact, phone, proto.Message.fromObject({ secretEncryptedMessage: { targetMessageKey: { remoteJid: `${phone}@${S}`, fromMe: true, id }, secretEncType: type,
			...sealed(original, `${id}${who}${who}${word}`, now, '') } }))
	}
	/** a file as a phone sends it: encrypted, uploaded, referred to from a message of that type */
	async sendMedia(contact, phone, { type = 'image', data, mimetype = 'application/octet-stream', id, group, ...rest }) {
		const plain = Buffer.from(data, 'base64'), mediaKey = randomBytes(32), k = mediaKeys(mediaKey, type), place = randomBytes(8).toString('hex')
		const c = createCipheriv('aes-256-cbc', k.key, k.iv), enc = Buffer.concat([c.update(plain), c.final()])
		const file = Buffer.concat([enc, k.mac(enc)])
		this.media.set(place, file)
		const message = proto.Message.fromObject({ [`${type}Message`]: { url: `https://127.0.0.1:${this.port}/m/${place}?ccb=1`, directPath: `/m/${place}?ccb=1`, mimetype, mediaKey,
			fileLength: plain.length, fileSha256: hash(plain), fileEncSha256: hash(file), mediaKeyTimestamp: now(), ...rest } })
		const sent = await this.sendMessage(contact, phone, message, { id, group })
		this.lost.remember(contact, phone, sent, { place, mediaKey, bytes: file })
		return sent
	}
	/** the file of a message that the phone received; throws unless every hash and the MAC are right */
	openMedia(message) {
		const [name, m] = Object.entries(message).find(([, v]) => v?.mediaKey?.length), file = this.media.get(m.directPath.split('?')[0].replace('/m/', ''))
		const k = mediaKeys(Buffer.from(m.mediaKey), name.replace('Message', '')), enc = file.subarray(0, -10)
		if (!hash(file).equals(Buffer.from(m.fileEncSha256))) throw new Error('fileEncSha256 differs')
		if (!k.mac(enc).equals(file.subarray(-10))) throw new Error('MAC differs')
		const d = createDecipheriv('aes-256-cbc', k.key, k.iv), plain = Buffer.concat([d.update(enc), d.final()])
		if (!hash(plain).equals(Buffer.from(m.fileSha256)) || plain.length !== Number(m.fileLength)) throw new Error('fileSha256 or fileLength differs')
		return plain
	}
	/** n texts, encrypted first and then sent without a pause; kept for later when the device is away */
	async flood(contact, phone, n) {
		const dev = this.deviceOf(phone), conn = dev.conn, nodes = []
		dev.conn = null
		for (let i = 0; i < n; i++) nodes.push(await this.sendMessage(contact, phone, proto.Message.fromObject({ conversation: `flood ${i}` })))
		dev.conn = conn
		for (const id of nodes) conn?.send(dev.pending.get(id))
	}
	sendReceipt(contact, phone, ids, type) { // type: undefined = delivered, 'read', 'played'
		const [id, ...rest] = [].concat(ids)
		this.deviceOf(phone).conn.send({ tag: 'receipt', attrs: { from: contact.pn, id, t: `${now()}`, ...(type ? { type } : {}) },
			...(rest.length ? { content: [{ tag: 'list', attrs: {}, content: rest.map(i => ({ tag: 'item', attrs: { id: i } })) }] } : {}) })
	}
	sendCall(contact, phone, { callId = randomBytes(8).toString('hex'), video = false } = {}) {
		this.deviceOf(phone).conn.send({ tag: 'call', attrs: { from: contact.pn, id: randomBytes(8).toString('hex'), t: `${now()}` }, content: [
			{ tag: 'offer', attrs: { 'call-id': callId, 'call-creator': contact.pn }, content: video ? [{ tag: 'video', attrs: {} }] : [{ tag: 'audio', attrs: {} }] }] })
		return callId
	}
	/** say why, then hang up: a client may wait for the server to close */
	end(conn, node) { conn?.send(node); setTimeout(() => conn?.ws.close(), 50) }
	/** any login failure: 401, 403, 405, 406, 409, 413, 414, 5xx; 0 lifts it */
	ban(phone, reason = 403) { const a = this.accounts.get(phone); a.banned = reason; if (reason) for (const d of a.devices.values()) this.end(d.conn, { tag: 'failure', attrs: { reason: `${reason}` } }) }
	tempBan(phone, { code = 101, expire = 3600 } = {}) { // code 0 lifts it
		const a = this.accounts.get(phone); a.tempBan = code ? { reason: '402', code: `${code}`, expire: `${expire}` } : null
		if (code) for (const d of a.devices.values()) this.end(d.conn, { tag: 'failure', attrs: a.tempBan })
	}
	unlink(phone) { // user removed the device on the phone
		const d = this.deviceOf(phone); this.accounts.get(phone).devices.delete(d.id)
		this.end(d.conn, { tag: 'stream:error', attrs: { code: '401' }, content: [{ tag: 'conflict', attrs: { type: 'device_removed' } }] })
	}
	replace(device) { const c = device.conn; device.conn = null; this.end(c, { tag: 'stream:error', attrs: {}, content: [{ tag: 'conflict', attrs: { type: 'replaced' } }] }) }
	/** from now on this account needs a client of that revision, which browsers are served; 0 lifts it */
	outdate(phone, revision) { this.revision = this.accounts.get(phone).revision = revision; this.drop(phone) }
	drop(phone) { this.deviceOf(phone).conn?.ws.terminate() }
}
/** what is said of a message, by its secret */
const sealed = (message, info, plain, beside) => {
	const key = Buffer.from(hkdf(Buffer.from(message.messageContextInfo.messageSecret), 32, { info })), encIv = randomBytes(12)
	return { encIv, encPayload: aesEncryptGCM(plain, key, encIv, Buffer.from(beside)) }
}
const hash = b => createHash('sha256').update(b).digest()
const mediaKeys = (mediaKey, type) => {
	const info = `WhatsApp ${{ image: 'Image', sticker: 'Image', video: 'Video', ptv: 'Video', audio: 'Audio', document: 'Document' }[type]} Keys`
	const x = Buffer.from(hkdf(mediaKey, 112, { info })), iv = x.subarray(0, 16), macKey = x.subarray(48, 80)
	return { iv, key: x.subarray(16, 48), mac: enc => createHmac('sha256', macKey).update(iv).update(enc).digest().subarray(0, 10) }
}
function ws_send(conn, b) { conn.ws.send(b) }
import { createRequire } from 'node:module'
const ls = createRequire(import.meta.url)('libsignal')
export const verifyStrict = (pub, msg, sig) => { try { return ls.curve.verifySignature(Buffer.concat([Buffer.from([5]), Buffer.from(pub)]), msg, sig) === true } catch { return false } }
