#!/usr/bin/env node
// The client that comes with the mock's own codec, so that what the mock does is tried by two that share no code.
// argv[2] is {url, rootPublicKey}. Standard input: {id, call, with}, a method of its socket; standard output:
// {id, result} or {id, error}, and {event, data} for all that happens. It ends with its standard input.
import { createInterface } from 'node:readline'
import makeWASocket, { ALL_WA_PATCH_NAMES, BufferJSON, decryptPollVote, DisconnectReason, downloadMediaMessage, initAuthCreds } from 'baileys'
import { WA_CERT_DETAILS } from 'baileys/lib/Defaults/index.js'

for (const level of ['log', 'info', 'warn', 'error']) console[level] = () => {} // libsignal prints session objects
const { url, rootPublicKey } = JSON.parse(process.argv[2])
WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(rootPublicKey, 'hex')

const say = object => process.stdout.write(JSON.stringify(object, BufferJSON.replacer) + '\n')
const silent = { level: 'silent', child: () => silent, ...Object.fromEntries(['trace', 'debug', 'info', 'warn', 'error'].map(l => [l, () => {}])) }
const kept = new Map() // keys, by type and id
const keys = {
	get: (type, ids) => Object.fromEntries(ids.map(id => [id, kept.get(`${type} ${id}`)]).filter(([, value]) => value)),
	set: data => { for (const [type, all] of Object.entries(data)) for (const [id, value] of Object.entries(all)) kept.set(`${type} ${id}`, value) }
}
// It has been synced before, or it would wait for a history.
const creds = { ...initAuthCreds(), accountSyncCounter: 1 }
const sent = new Map(), received = new Map()
let sock

const takes = {
	'creds.update'(update) {
		Object.assign(creds, update)
		if (update.myAppStateKeyId) sock.resyncAppState(ALL_WA_PATCH_NAMES, true)
	},
	'connection.update'({ lastDisconnect, ...update }) {
		const code = lastDisconnect?.error?.output?.statusCode
		say({ event: 'connection.update', data: { ...update, ...(code ? { code } : {}) } })
		const isLost = code === DisconnectReason.restartRequired || code === DisconnectReason.connectionClosed
		if (update.connection === 'close' && isLost && creds.account) open()
	},
	'messages.upsert'({ messages }) {
		for (const each of messages) {
			if (each.key.fromMe && each.message) sent.set(each.key.id, each.message)
			received.set(each.key.id, each)
			say({ event: 'message', data: each })
		}
	}
}
for (const name of ['messages.update', 'message-receipt.update', 'messaging-history.set', 'chats.update', 'contacts.upsert', 'labels.edit',
	'labels.association', 'groups.update', 'group-participants.update', 'call']) takes[name] = data => say({ event: name, data })

function open() {
	sock = makeWASocket({ waWebSocketUrl: url, auth: { creds, keys }, logger: silent, browser: ['Ubuntu', 'Chrome', '22.04.4'],
		shouldSyncHistoryMessage: () => true, getMessage: async key => sent.get(key.id), retryRequestDelayMs: 0 })
	for (const [name, take] of Object.entries(takes)) sock.ev.on(name, take)
}
const calls = {
	open: async () => open(),
	download: async id => ({ data: (await downloadMediaMessage(received.get(id), 'buffer', {})).toString('base64') }),
	reupload: async id => {
		await sock.refreshMediaConn() // or it would look for the file at WhatsApp's own server
		await sock.updateMediaMessage(received.get(id))
	},
	openVote: async (id, author, voter) => {
		const { vote, pollCreationMessageKey: poll } = received.get(id).message.pollUpdateMessage
		return decryptPollVote(vote, { pollCreatorJid: author, pollMsgId: poll.id, voterJid: voter, pollEncKey: sent.get(poll.id).messageContextInfo.messageSecret })
	}
}
createInterface({ input: process.stdin }).on('line', async line => {
	const { id, call, with: given } = JSON.parse(line, BufferJSON.reviver)
	try {
		const result = await (calls[call] ?? sock[call])(...given)
		if (result?.key && result.message) sent.set(result.key.id, result.message)
		say({ id, result: result ?? null })
	} catch (e) { say({ id, error: String(e.message ?? e) }) }
}).on('close', () => process.exit(0))
open()
