package session

import (
	"slices"
	"sync"
	"testing"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/state"
)

// The devices that two phones link, each by a scan.
var onePhone, otherPhone = types.NewADJID("15550001111", 0, 7), types.NewADJID("15550003333", 0, 8)

// scanned by a phone: whether the library may go on. If not, it says so.
func (l *link) scanned(by types.JID) bool {
	if l.client.PrePairCallback(by, "", "") {
		return true
	}
	l.handle(&events.PairError{ID: by, Error: whatsmeow.ErrPairRejectedLocally})
	return false
}

// beingScanned is a link by which a phone has just scanned a code.
func (w *world) beingScanned(t *testing.T) *link {
	t.Helper()
	l := w.pairing(t)
	w.session.set(l)
	connected := make(chan struct{})
	w.whatsapp.dialled = sync.OnceFunc(func() { close(connected) })
	go l.run()
	<-connected
	l.handle(sixCodes("a"))
	if !l.scanned(onePhone) {
		t.Fatal("the phone is refused")
	}
	return l
}

// states that were told until the last of them, in their order.
func (w *world) statesBefore() (all []string) {
	w.session.news.tell(w.session, nil, Object{"state": "keepalive_restored"})
	w.awaitState("keepalive_restored")
	for _, each := range w.of("instance.state") {
		if state := each["state"].(string); state != "qr_ready" && state != "keepalive_restored" {
			all = append(all, state)
		}
	}
	return all
}

func TestACodeThatIsScannedJustBeforeItIsGivenUpLinksTheInstance(t *testing.T) {
	for name, givenUp := range map[string]func(*world, *link){
		"three minutes are over":     func(w *world, _ *link) { w.clock.pass(scanTime) },
		"WhatsApp closes":            func(_ *world, l *link) { l.handle(&events.Disconnected{}) },
		"there would be other codes": func(_ *world, l *link) { l.dial() },
		"another phone is too late":  func(_ *world, l *link) { l.scanned(otherPhone) },
		"another phone is forged": func(_ *world, l *link) {
			l.handle(&events.PairError{ID: otherPhone, Error: whatsmeow.ErrPairInvalidDeviceIdentityHMAC})
		},
		"a passkey is asked for late": func(_ *world, l *link) { l.handle(&events.PairPasskeyRequest{}) },
	} {
		w := newWorld(t)
		l := w.pairing(t)
		l.rejoined.Store(false)
		l.handle(sixCodes("a"))
		if !l.scanned(onePhone) {
			t.Fatal(name, "it was not given up")
		}
		givenUp(w, l)
		if asked := w.whatsapp.requests(); len(asked) != 0 {
			t.Fatal(name, "there is another connection", asked)
		}
		if l.over.Load() {
			t.Fatal(name, "the link is over")
		}
		l.handle(&events.PairSuccess{ID: onePhone})
		if told := w.statesBefore(); !slices.Equal(told, []string{"pair_success"}) || l.ctx.Err() != nil {
			t.Fatal(name, told)
		}
	}
}

func TestACodeThatIsScannedAfterItWasGivenUpLinksNobody(t *testing.T) {
	w := newWorld(t)
	l := w.pairing(t)
	l.handle(sixCodes("a"))
	w.clock.pass(scanTime)
	if l.scanned(onePhone) {
		t.Fatal("it is kept")
	}
	<-l.ctx.Done()
	if told := w.statesBefore(); !slices.Equal(told, []string{"disconnected"}) || l.void.Load() {
		t.Fatal(told)
	}
}

func TestAPhoneWhoseAnswerFailsAfterAScanIsToldOf(t *testing.T) {
	w := newWorld(t)
	l := w.beingScanned(t)
	l.handle(&events.PairError{ID: onePhone})
	<-l.ctx.Done()
	w.session.Disconnect()
	if told := w.statesBefore(); !slices.Equal(told, []string{"pair_error"}) {
		t.Fatal(told)
	}
}

func TestALinkThatIsClosedWhileItIsScannedIsToldOfAsLinkedFirst(t *testing.T) {
	w := newWorld(t)
	l := w.beingScanned(t)
	paired := watched{l.paired, make(chan struct{}, 1)}
	l.paired = paired
	closed := make(chan struct{})
	go func() {
		w.session.Disconnect()
		close(closed)
	}()
	select {
	case <-paired.waits:
	case <-closed:
		t.Fatal("it is closed at once")
	}
	l.handle(&events.PairSuccess{})
	<-closed
	w.awaitState("disconnected")
	told := w.of("instance.state")
	if at := len(told) - 1; told[at]["state"] != "disconnected" || !slices.ContainsFunc(told[:at], func(each Object) bool {
		return each["state"] == "pair_success"
	}) {
		t.Fatal(told)
	}
}

// close the link, and open another.
func (w *world) next(t *testing.T) *link {
	t.Helper()
	w.session.turn.Lock()
	defer w.session.turn.Unlock()
	w.session.close(true)
	var err error
	if w.opened, err = state.Open(t.Context(), w.session.bridge.Folder, w.session.id.Value, key); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.opened.Close)
	l := w.linked(t)
	w.session.set(l)
	return l
}

func TestALinkThatWasClosedWipesNothingOfTheNextOne(t *testing.T) {
	for name, fails := range map[string]func(*link){
		"the phone's answer is not kept": func(l *link) {
			l.handle(&events.PairError{ID: onePhone, Error: &whatsmeow.PairDatabaseError{DBErr: l.ctx.Err()}})
		},
		"it was unlinked just before": func(l *link) { l.unlinked(Object{"state": "logged_out"}) },
	} {
		w := newWorld(t)
		l := w.beingScanned(t)
		l.tellPaired() // that takes too long, and is waited for no more
		next := w.next(t)
		fails(l)
		if told := w.statesBefore(); len(told) != 0 {
			t.Fatal(name, told)
		}
		if w.session.current() != next || !state.Exists(w.session.bridge.Folder, w.session.id.Value) {
			t.Fatal(name, "it is gone")
		}
	}
}

// waitsToLogIn, while others do, with codes that can be scanned: until it is let go.
func (w *world) waitsToLogIn(t *testing.T, l *link) (letGo func() error) {
	t.Helper()
	others, err := w.session.bridge.beginLogin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, dialled := watched{l.ctx, make(chan struct{}, 1)}, make(chan error)
	l.ctx = ctx
	go func() { dialled <- l.dial() }()
	<-ctx.waits
	return func() error {
		others.end()
		return <-dialled
	}
}

func TestACodeThatIsScannedWhileAnotherConnectionWaitsForItsTurnLinksTheInstance(t *testing.T) {
	w := newWorld(t)
	w.session.bridge.logins = make(chan struct{}, 1)
	l := w.pairing(t)
	l.handle(sixCodes("a"))
	letGo := w.waitsToLogIn(t, l)
	if !l.scanned(onePhone) {
		t.Fatal("the phone is refused")
	}
	if err := letGo(); err != nil || len(w.whatsapp.requests()) != 0 || l.dialled.Load() != 0 {
		t.Fatal("its connection is cut", err, w.whatsapp.requests())
	}
	if len(w.session.bridge.logins) != 0 {
		t.Fatal("it keeps others from logging in")
	}
	l.handle(&events.PairSuccess{ID: onePhone})
	if told := w.statesBefore(); !slices.Equal(told, []string{"pair_success"}) {
		t.Fatal(told)
	}
}

func TestACodeOfAConnectionThatIsGoneLinksNobodyAndIsFollowedByOthers(t *testing.T) {
	w := newWorld(t)
	l := w.pairing(t)
	l.handle(sixCodes("a"))
	w.whatsapp.dialled = func() {
		if l.scanned(onePhone) {
			t.Error("it would be answered by the next connection")
		}
	}
	if err := l.dial(); err != nil || l.over.Load() {
		t.Fatal("the link is over", err)
	}
	if len(l.lost) != 1 {
		t.Fatal("the connection that is cut for that is not opened again")
	}
	l.handle(sixCodes("b"))
	if !l.scanned(otherPhone) {
		t.Fatal("the phone is refused")
	}
}
