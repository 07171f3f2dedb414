package session

import (
	"context"
	"errors"
	"slices"
	"sync"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/host"
)

// collection of what phones share that is told of as a whole, up to a version, once it has been taken in.
type collection struct {
	name appstate.WAPatchName
	tell func(_ *link, until uint64) bool
	turn func(*turns) *sync.Mutex
}

// turns to tell. Of each collection its own: a label that is changed does not wait for thousands of contacts.
type turns struct{ labels, contacts sync.Mutex }

var collections = []collection{
	{appstate.WAPatchRegular, (*link).tellLabels, func(t *turns) *sync.Mutex { return &t.labels }},
	{appstate.WAPatchCriticalUnblockLow, (*link).tellContacts, func(t *turns) *sync.Mutex { return &t.contacts }},
}

func (c collection) fact() string { return "told " + string(c.name) }

// takenIn by the library, which does not come back to it.
func (l *link) takenIn(evt *events.AppStateSyncComplete) {
	for _, each := range collections {
		if each.name == evt.Name {
			l.inTurn(each, func() {
				if l.state.KeepFact(l.ctx, each.fact(), false) == nil {
					l.tellCollection(each, evt.Version)
				}
			})
		}
	}
}

func (l *link) inTurn(c collection, do func()) {
	turn := c.turn(&l.telling)
	turn.Lock()
	defer turn.Unlock()
	do()
}

// tellCollections that were taken in and could not be told then, by a crash or a gateway that was away.
func (l *link) tellCollections() {
	for _, each := range collections {
		l.inTurn(each, func() { l.tellUntold(each) })
	}
}

func (l *link) tellUntold(c collection) {
	version, _, err := l.client.Store.AppState.GetAppStateVersion(l.ctx, string(c.name))
	told := false
	if err == nil {
		err = l.state.FindFact(l.ctx, c.fact(), &told)
	}
	if err == nil && version > 0 && !told {
		l.tellCollection(c, version)
	}
}

func (l *link) tellCollection(c collection, until uint64) {
	l.guarded(func() {
		if c.tell(l, until) {
			l.state.KeepFact(context.WithoutCancel(l.ctx), c.fact(), true)
		}
	})
}

func (l *link) publishInParts(all []host.Event) bool {
	for part := range slices.Chunk(all, historyAtOnce) {
		if !l.publishBeside(part...) {
			return false
		}
	}
	return true
}

// patches of a collection behind a version, and the snapshot before them if that is wanted.
type patches func(_ context.Context, _ appstate.WAPatchName, behind uint64, snapshot bool) (
	*appstate.PatchList, error)

var errNoEnd = errors.New("a collection has no end")

// readCollection from its beginning, and which version its snapshot is of; 0: it has none. This is beside what the
// library has stored: if that forgot its version, a change that comes meanwhile would be none to it.
func (l *link) readCollection(ctx context.Context, name appstate.WAPatchName) (
	all []appstate.Mutation, snapshot uint64, err error) {
	reader := appstate.NewProcessor(&store.Device{AppState: &macs{values: map[string][]byte{}},
		AppStateKeys: l.client.Store.AppStateKeys}, warnings{l.s.bridge.Host})
	var state appstate.HashState
	for isFirst := true; ; isFirst = false {
		part, err := l.patches(ctx, name, state.Version, isFirst)
		if err != nil {
			return nil, 0, err
		}
		changes, next, err := reader.DecodePatches(ctx, part, state, true)
		if err != nil {
			return nil, 0, err
		}
		all = append(all, changes...)
		snapshot = max(snapshot, part.Snapshot.GetVersion().GetVersion())
		if !part.HasMorePatches {
			return all, snapshot, nil
		}
		if next.Version == state.Version {
			return nil, 0, errNoEnd
		}
		state = next
	}
}

// macs of what has been read so far: each patch is checked against them.
type macs struct {
	store.NoopStore
	values map[string][]byte
}

func (m *macs) PutAppStateMutationMACs(_ context.Context, _ string, _ uint64,
	added []store.AppStateMutationMAC) error {
	for _, each := range added {
		m.values[string(each.IndexMAC)] = each.ValueMAC
	}
	return nil
}

func (m *macs) DeleteAppStateMutationMACs(_ context.Context, _ string, indexes [][]byte) error {
	for _, each := range indexes {
		delete(m.values, string(each))
	}
	return nil
}

func (m *macs) GetAppStateMutationMAC(_ context.Context, _ string, index []byte) ([]byte, error) {
	return m.values[string(index)], nil
}
