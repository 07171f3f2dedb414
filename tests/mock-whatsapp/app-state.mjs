// What an account's phones share about chats: patches, by collection, under a key that the phone passes on.
import { decodeSyncdPatch, encodeSyncdPatch, getBinaryNodeChild as child, getBinaryNodeChildren as children, newLTHashState, proto } from 'baileys'
import { randomBytes } from 'node:crypto'

const keyId = Buffer.from([0, 0, 0, 0, 0, 1])
const NAMES = ['critical_block', 'critical_unblock_low', 'regular_high', 'regular', 'regular_low']

const patchesAfter = (all, version) => {
	const patches = all.slice(Number(version ?? 0)).map(content => ({ tag: 'patch', attrs: {}, content }))
	return patches.length ? [{ tag: 'patches', attrs: {}, content: patches }] : []
}

export class AppState {
	constructor() {
		this.key = { keyData: randomBytes(32), fingerprint: { rawId: 1, currentIndex: 0, deviceIndexes: [0] }, timestamp: Date.now() }
		this.collections = new Map() // name -> patches, in order; each at the version that is its place
		this.states = new Map()      // name -> hash, by which the next one is made or checked
		this.changes = []            // what each patch of a companion's has said
		this.fetched = new Set()
	}
	share() {
		return { protocolMessage: { type: 'APP_STATE_SYNC_KEY_SHARE', appStateSyncKeyShare: { keys: [{ keyId: { keyId }, keyData: this.key }] } } }
	}
	find = async id => id === keyId.toString('base64') ? this.key : undefined
	/** the phone changes something itself; a client that has seen no version of a collection takes what is in it for old */
	async change(name, index, syncAction) {
		const { patch, state } = await encodeSyncdPatch({ type: name, index, syncAction, apiVersion: 1, operation: 0 },
			keyId.toString('base64'), this.states.get(name) ?? newLTHashState(), this.find)
		this.add(name, proto.SyncdPatch.fromObject(patch), state)
	}
	async begin(pushName) {
		for (const name of NAMES.slice(1)) await this.change(name, ['setting_locale'], { localeSetting: { locale: 'en' } })
		await this.change('critical_block', ['setting_pushName'], { pushNameSetting: { name: pushName } })
	}
	add(name, patch, state) {
		const all = this.collections.get(name) ?? []
		patch.version = { version: all.length + 1 }
		all.push(Buffer.from(proto.SyncdPatch.encode(patch).finish()))
		this.collections.set(name, all)
		this.states.set(name, { ...state, version: all.length })
	}
	/** one collection of a request: what is new comes in and is checked, what is newer goes out */
	async sync(collection) {
		const { name, version } = collection.attrs, sent = child(collection, 'patch')
		const all = this.collections.get(name) ?? []
		const answer = (attrs, content = []) => ({ tag: 'collection', attrs: { name, version: `${(this.collections.get(name) ?? []).length}`, ...attrs }, content })
		if (sent) {
			if (Number(version) !== all.length) return answer({ type: 'error' }, [{ tag: 'error', attrs: { code: '409', text: 'conflict' } }, ...patchesAfter(all, version)])
			const patch = proto.SyncdPatch.decode(sent.content)
			patch.version = { version: all.length + 1 }
			const state = this.states.get(name) ?? newLTHashState()
			const next = await decodeSyncdPatch(patch, name, state, this.find, m => this.changes.push({ index: m.index, value: proto.SyncActionValue.toObject(m.syncAction.value, { longs: Number, enums: String, bytes: String }) }), true)
			this.add(name, patch, { ...state, ...next })
			return answer({ type: 'result' })
		}
		this.fetched.add(name)
		return answer({ type: 'result' }, patchesAfter(all, version))
	}
	async answer(sync) {
		const content = []
		for (const each of children(sync, 'collection')) content.push(await this.sync(each))
		return [{ tag: 'sync', attrs: {}, content }]
	}
}
