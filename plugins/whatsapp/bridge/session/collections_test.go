package session

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waServerSync"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"
)

// phone shares what it knows, one patch at a time.
type phone struct {
	key     []byte
	writer  *appstate.Processor
	state   appstate.HashState
	patches []*waServerSync.SyncdPatch
	failure error // of whatever is asked
}

// newPhone that has passed its keys on.
func newPhone(t *testing.T, w *world, l *link) *phone {
	t.Helper()
	p := &phone{key: []byte("key 01")}
	key := store.AppStateSyncKey{Data: make([]byte, 32), Fingerprint: []byte("print"), Timestamp: 1}
	if err := w.device.AppStateKeys.PutAppStateSyncKey(t.Context(), p.key, key); err != nil {
		t.Fatal(err)
	}
	p.writer = appstate.NewProcessor(&store.Device{AppState: &macs{values: map[string][]byte{}},
		AppStateKeys: w.device.AppStateKeys}, warnings{w.session.bridge.Host})
	l.patches = p.answer
	return p
}

func (p *phone) share(t *testing.T, change appstate.PatchInfo) {
	t.Helper()
	written, err := p.writer.EncodePatch(t.Context(), p.key, p.state, change)
	if err != nil {
		t.Fatal(err)
	}
	patch := new(waServerSync.SyncdPatch)
	if err = proto.Unmarshal(written, patch); err != nil {
		t.Fatal(err)
	}
	patch.Version = &waServerSync.SyncdVersion{Version: proto.Uint64(p.state.Version + 1)}
	all := &appstate.PatchList{Name: change.Type, Patches: []*waServerSync.SyncdPatch{patch}}
	if _, p.state, err = p.writer.DecodePatches(t.Context(), all, p.state, true); err != nil {
		t.Fatal(err)
	}
	p.patches = append(p.patches, patch)
}

func (p *phone) answer(_ context.Context, name appstate.WAPatchName, behind uint64, _ bool) (
	*appstate.PatchList, error) {
	if p.failure != nil {
		return nil, p.failure
	}
	return &appstate.PatchList{Name: name, HasMorePatches: behind+1 < p.state.Version,
		Patches: p.patches[behind : behind+1]}, nil
}

func bobs() types.JID { return types.NewJID("15550002222", types.DefaultUserServer) }

func TestListingLabelsTellsNobodyAndLeavesWhatIsStoredAlone(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	p := newPhone(t, w, l)
	p.share(t, appstate.BuildLabelEdit("3", "Old", 1, false))
	p.share(t, appstate.BuildLabelChat(bobs(), "3", true))
	p.share(t, appstate.BuildLabelEdit("3", "VIP", 2, false))
	stored := [128]byte{1}
	w.device.AppState.PutAppStateVersion(t.Context(), string(appstate.WAPatchRegular), 2, stored)
	wanted := `{"chats":[{"chat":"` + bob + `","id":"3"}],"labels":[{"color":2,"id":"3","name":"VIP"}]}`
	for _, p.failure = range []error{nil, errRefused} {
		listed, err := listLabels(l, t.Context(), nil)
		if text, _ := json.Marshal(listed); (err != nil) != (p.failure != nil) || err == nil && string(text) != wanted {
			t.Fatal(string(text), err)
		}
		version, hash, err := w.device.AppState.GetAppStateVersion(t.Context(), string(appstate.WAPatchRegular))
		if err != nil || version != 2 || hash != stored {
			t.Fatal(version, err)
		}
	}
	if told := w.of("label.update"); len(told) > 0 {
		t.Fatal(told)
	}
}

func TestALabelThatWasRemovedIsNotListed(t *testing.T) {
	l := newWorld(t).linked(t)
	shared := func(is waServerSync.SyncdMutation_SyncdOperation, index ...string) appstate.Mutation {
		return appstate.Mutation{Operation: is, Index: index, Action: &waSyncAction.SyncActionValue{
			LabelEditAction:        &waSyncAction.LabelEditAction{Name: proto.String("VIP")},
			LabelAssociationAction: &waSyncAction.LabelAssociationAction{Labeled: proto.Bool(true)}}}
	}
	const set, remove = waServerSync.SyncdMutation_SET, waServerSync.SyncdMutation_REMOVE
	listed := l.labelsIn(t.Context(), []appstate.Mutation{
		shared(set, "label_edit", "1"), shared(set, "label_edit", "2"), shared(set, "label_jid", "2", bob),
		shared(remove, "label_edit", "1"), shared(remove, "label_jid", "2", bob),
		shared(set, "label_edit"), shared(set, "label_jid", "2"), shared(set, "mute", bob)})
	vip := Object{"id": "2", "name": "VIP", "color": int32(0)}
	if !reflect.DeepEqual(listed, Object{"labels": []Object{vip}, "chats": []Object{}}) {
		t.Fatal(listed)
	}
}

// collected is a world in which the library has taken in what phones share, and nobody was told.
func collected(t *testing.T) (*world, *link, *phone) {
	t.Helper()
	w := newWorld(t)
	l := w.linked(t)
	p := newPhone(t, w, l)
	p.share(t, appstate.BuildLabelEdit("3", "VIP", 2, false))
	if err := w.device.Contacts.PutContactName(t.Context(), bobs(), "Bob", "Bob Li"); err != nil {
		t.Fatal(err)
	}
	for _, each := range collections {
		if err := w.device.AppState.PutAppStateVersion(t.Context(), string(each.name), 1, [128]byte{}); err != nil {
			t.Fatal(err)
		}
	}
	return w, l, p
}

func TestWhatPhonesShareIsToldOnceHoweverOftenItCannotBe(t *testing.T) {
	w, l, p := collected(t)
	p.failure = errRefused
	l.tellCollections()
	if told := w.of("label.update"); len(told) > 0 {
		t.Fatal(told)
	}
	p.failure = nil
	l.handle(&events.Connected{})
	is := func(key string, value any) func(Object) bool {
		return func(data Object) bool { return data[key] == value }
	}
	if told := w.await("label.update", is("labelId", "3")); told["isHistory"] != true || told["name"] != "VIP" {
		t.Fatal(told)
	}
	l.tellCollections()
	next := w.linked(t) // of a process that comes after
	next.patches = p.answer
	next.tellCollections()
	if labels, contacts := w.of("label.update"), w.of("contact.update"); len(labels) != 1 || len(contacts) != 1 {
		t.Fatal(labels, contacts)
	}
}

func TestACollectionThatIsTakenInAnewIsToldAnew(t *testing.T) {
	w, l, _ := collected(t)
	l.tellCollections()
	w.device.Contacts.PutContactName(t.Context(), bobs(), "Robert", "Robert Li")
	l.handle(&events.AppStateSyncComplete{Name: appstate.WAPatchCriticalUnblockLow, Version: 2})
	w.await("contact.update", func(data Object) bool { return data["firstName"] == "Robert" })
	if labels := w.of("label.update"); len(labels) != 1 {
		t.Fatal(labels)
	}
}

func TestALabelThatIsChangedMeanwhileIsNotToldAsHistory(t *testing.T) {
	w, l, p := collected(t)
	p.share(t, appstate.BuildLabelEdit("4", "New", 1, false))
	l.takenIn(&events.AppStateSyncComplete{Name: appstate.WAPatchRegular, Version: 1})
	if told := w.of("label.update"); len(told) != 1 || told[0]["labelId"] != "3" {
		t.Fatal(told)
	}
}

func TestContactsAreToldWhateverBecomesOfLabels(t *testing.T) {
	w, l, _ := collected(t)
	l.patches = func(context.Context, appstate.WAPatchName, uint64, bool) (*appstate.PatchList, error) { panic("bug") }
	l.tellCollections()
	if labels, contacts := w.of("label.update"), w.of("contact.update"); len(labels) != 0 || len(contacts) != 1 {
		t.Fatal(labels, contacts)
	}
}

func TestContactsAreStoredTogether(t *testing.T) {
	if newWorld(t).linked(t).client.EmitAppStateEventsOnFullSync {
		t.Fatal("the library stores them one by one")
	}
}
