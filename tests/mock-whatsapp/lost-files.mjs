// Files that the media server has lost, and the account's own phone, which has them yet, or not, and is asked for them.
import { createHash, randomBytes } from 'node:crypto'
import { aesDecryptGCM, aesEncryptGCM, getBinaryNodeChild as child, hkdf, jidDecode, proto } from 'baileys'

const keyOf = file => Buffer.from(hkdf(file.mediaKey, 32, { info: 'WhatsApp Media Retry Notification' }))
const kind = proto.MediaRetryNotification.ResultType

export class LostFiles {
	constructor(mock) {
		this.mock = mock
		this.files = new Map() // by who sent it to whom, and its message
	}
	find(contact, phone, id) {
		const file = this.files.get(`${contact?.pn} ${phone} ${id}`)
		if (!file) throw new Error(`nobody knows the file of ${id}`)
		return file
	}
	remember(contact, phone, id, file) { this.files.set(`${contact.pn} ${phone} ${id}`, { ...file, asks: [] }) }
	/** from now on the media server answers that status */
	lose(contact, phone, id, status = 404) {
		const file = this.find(contact, phone, id)
		this.mock.media.set(file.place, { status, times: 0 })
	}
	timesRefused(contact, phone, id) { return this.mock.media.get(this.find(contact, phone, id).place).times }
	/** what the phone says to whoever has asked for the file, and to whoever will: a result, or the code of an error */
	answer(contact, phone, id, { result = 'SUCCESS', code } = {}) {
		const file = this.find(contact, phone, id)
		file.answer = { result, code }
		for (const ask of file.asks.splice(0)) this.say(file, ask)
	}
	onReceipt(conn, node) {
		const rmr = child(node, 'rmr').attrs, { id } = node.attrs
		const file = this.find(this.mock.contacts.get(jidDecode(rmr.participant ?? rmr.jid).user), conn.account.phone, id)
		const [sealed, iv] = ['enc_p', 'enc_iv'].map(tag => Buffer.from(child(child(node, 'encrypt'), tag).content))
		const asked = proto.ServerErrorReceipt.decode(aesDecryptGCM(sealed, keyOf(file), iv, Buffer.from(id)))
		if (asked.stanzaId !== id) throw new Error('another file is asked for than is said')
		file.asks.push({ conn, rmr, id })
		if (file.answer) this.say(file, file.asks.pop())
	}
	say(file, { conn, rmr, id }) {
		const { result, code } = file.answer, iv = randomBytes(12)
		const told = { stanzaId: id, result: kind[result] }
		if (result === 'SUCCESS') {
			const place = createHash('sha256').update(`${file.place}${id}`).digest('hex').slice(0, 16)
			this.mock.media.set(place, file.bytes)
			told.directPath = `/m/${place}?ccb=2`
		}
		const sealed = aesEncryptGCM(proto.MediaRetryNotification.encode(told).finish(), keyOf(file), iv, Buffer.from(id))
		const leaf = (tag, content) => ({ tag, attrs: {}, content })
		conn.send({ tag: 'notification', attrs: { from: conn.device.pnJid.replace(/:\d+/, ''), type: 'mediaretry', id, t: `${Math.floor(Date.now() / 1000)}` }, content: [
			code ? { tag: 'error', attrs: { code: `${code}` } } : leaf('encrypt', [leaf('enc_p', sealed), leaf('enc_iv', iv)]), { tag: 'rmr', attrs: rmr }] })
	}
}
