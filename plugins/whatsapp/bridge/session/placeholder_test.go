package session

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/host"
	"pombo/bridge/state"
)

// types of all messages that were told, in their order.
func (w *world) types() (all []string) {
	for _, each := range w.of("message.exchange") {
		all = append(all, each["message"].(Object)["type"].(string))
	}
	return all
}

func (w *world) requireTypes(t *testing.T, wanted ...string) {
	t.Helper()
	if told := w.types(); !slices.Equal(told, wanted) {
		t.Fatalf("told %q, not %q", told, wanted)
	}
}

// restart the process: it knows nothing but what is kept.
func (w *world) restart() { w.session.read.ids, w.session.accepted.ids = nil, nil }

// reads a message, once more, and is about to tell of it.
func (l *link) reads(id string) (letGo func(accepted bool)) {
	evt := inTeam(id, hello("hi"))
	evt.RetryCount = 1
	letGo = l.holdUnreadable(id)
	l.noteRead(evt)
	return letGo
}

func TestAMessageThatWasToldOfHasNoPlaceholderHoweverOftenItComes(t *testing.T) {
	w := newWorld(t)
	w.whatsapp.set(errRefused)
	l := w.linked(t)
	l.handle(unreadable("A"))
	l.handle(inTeam("A", hello("hi")))
	l.handle(inTeam("B", hello("hi")))
	for range 2 {
		l.handle(unreadable("A")) // as it came first
		l.handle(unreadable("B"))
		w.clock.pass(time.Hour)
		w.requireTypes(t, "text", "text")
		l.cancel()
		l = w.linked(t)
	}
	w.restart()
	l.handle(unreadable("A"))
	w.clock.pass(time.Hour)
	w.requireTypes(t, "text", "text")
}

func TestAPlaceholderThatIsNotTakenIsGivenUpForTheMessageItself(t *testing.T) {
	w := newWorld(t)
	w.whatsapp.set(errRefused)
	l := w.linked(t)
	l.handle(unreadable("A"))
	read := make(chan bool)
	w.mutex.Lock()
	w.refuses = func() error {
		go func() { read <- l.handle(inTeam("A", hello("hi"))) }()
		for !l.unread.isHeld("A") {
			runtime.Gosched()
		}
		return host.Fail("unavailable", "not now")
	}
	w.mutex.Unlock()
	w.clock.at = w.clock.at.Add(readableWithin)
	l.tellUnreadables()
	if !<-read {
		t.Fatal("it was not accepted")
	}
	w.clock.pass(time.Hour)
	w.requireTypes(t, "text")
	if w.resets() != 0 {
		t.Fatal("the placeholder is asked for again")
	}
}

func TestAProcessThatEndsWhileItTellsOfAMessageLeavesNoPlaceholderOfIt(t *testing.T) {
	w := newWorld(t)
	w.whatsapp.set(errRefused)
	first := w.linked(t)
	first.handle(unreadable("A"))
	first.reads("A")
	first.cancel()
	w.restart()
	second := w.linked(t)
	second.handle(unreadable("A"))
	w.clock.pass(time.Hour)
	second.tellUnreadables()
	w.requireTypes(t)
	second.handle(inTeam("A", hello("hi"))) // it was not acknowledged
	w.clock.pass(time.Hour)
	w.requireTypes(t, "text")
	if all, _, err := w.opened.Unreadables(t.Context()); err != nil || len(all) != 0 {
		t.Fatal(all, err)
	}
}

func TestAMessageThatIsNotAcceptedAfterAllHasAPlaceholder(t *testing.T) {
	w := newWorld(t)
	w.whatsapp.set(errRefused)
	l := w.linked(t)
	l.handle(unreadable("A"))
	l.reads("A")(false)
	l.cancel()
	w.restart()
	l = w.linked(t)
	l.tellUnreadables()
	w.requireTypes(t, "unavailable")
}

func TestAMessageThatTwoLinksInARowCouldNotTellOfHasAPlaceholder(t *testing.T) {
	w := newWorld(t)
	w.whatsapp.set(errRefused)
	first := w.linked(t)
	first.handle(unreadable("A"))
	letGo := first.reads("A")
	first.cancel()
	letGo(false)
	second := w.linked(t)
	second.reads("A")(false) // and it comes no more
	second.cancel()
	w.restart()
	w.linked(t).tellUnreadables()
	w.requireTypes(t, "unavailable")
}

func TestAMessageThatWasToldOfStaysSoWhenItIsNotAcceptedOnceMore(t *testing.T) {
	w := newWorld(t)
	w.whatsapp.set(errRefused)
	l := w.linked(t)
	l.handle(unreadable("A"))
	l.handle(inTeam("A", hello("hi")))
	for range 2 {
		l.reads("A")(false)
		l.handle(unreadable("A")) // as it came first
		w.clock.pass(time.Hour)
		w.requireTypes(t, "text")
		l.cancel()
		l = w.linked(t)
	}
}

func TestAMessageThatTwoHandlersTellOfHasAPlaceholderWhenBothHaveFailed(t *testing.T) {
	for name, each := range map[string]struct {
		ends func(older, newer func(accepted bool))
		told []string
	}{
		"the older one fails":          {func(older, _ func(bool)) { older(false) }, nil},
		"the newer one fails":          {func(_, newer func(bool)) { newer(false) }, nil},
		"the newer one tells after it": {func(older, newer func(bool)) { older(false); newer(true) }, nil},
		"the older one fails at last":  {func(older, newer func(bool)) { newer(true); older(false) }, nil},
		"both fail": {func(older, newer func(bool)) { older(false); newer(false) },
			[]string{"unavailable"}},
	} {
		w := newWorld(t)
		w.whatsapp.set(errRefused)
		l := w.linked(t)
		l.handle(unreadable("A"))
		each.ends(l.reads("A"), l.reads("A"))
		l.handle(unreadable("A")) // as it came first
		w.clock.pass(time.Hour)
		if told := w.types(); !slices.Equal(told, each.told) {
			t.Fatal(name, told)
		}
		l.cancel()
		w.restart()
		w.linked(t).tellUnreadables()
		if told := w.types(); !slices.Equal(told, each.told) {
			t.Fatal(name, "by the next link", told)
		}
	}
}

func TestAMessageThatWasReadHasNoPlaceholderThoughThereIsNothingToTellOfIt(t *testing.T) {
	notice := inTeam("A", &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		HistorySyncNotification: &waE2E.HistorySyncNotification{}}})
	notice.Info.IsFromMe = true
	ignored := inTeam("A", hello("hi"))
	ignored.Info.Chat = types.StatusBroadcastJID
	vote := inTeam("A", &waE2E.Message{PollUpdateMessage: &waE2E.PollUpdateMessage{}})
	for name, read := range map[string]*events.Message{"a notice": notice, "of an ignored chat": ignored,
		"a vote that cannot be opened": vote, "nothing": inTeam("A", &waE2E.Message{})} {
		w := newWorld(t)
		w.whatsapp.set(errRefused)
		l := w.linked(t)
		if err := l.apply(t.Context(), state.Settings{DisableHistorySync: true, IgnoreStatus: true}); err != nil {
			t.Fatal(err)
		}
		l.handle(unreadable("A"))
		if !l.handle(read) {
			t.Fatal(name, "it was not accepted")
		}
		l.handle(unreadable("A")) // as it came first
		w.clock.pass(time.Hour)
		l.cancel()
		w.restart()
		l = w.linked(t)
		l.handle(unreadable("A"))
		w.clock.pass(time.Hour)
		l.tellUnreadables()
		if told := w.types(); len(told) != 0 {
			t.Fatal(name, told)
		}
	}
}

func TestKeysThatComeWithAMessageAreNotTheMessage(t *testing.T) {
	w := newWorld(t)
	w.whatsapp.set(errRefused)
	l := w.linked(t)
	keys := inTeam("A", &waE2E.Message{SenderKeyDistributionMessage: &waE2E.SenderKeyDistributionMessage{}})
	for range 2 {
		l.handle(keys)
		l.handle(unreadable("A"))
	}
	l.handle(keys)
	w.clock.pass(readableWithin)
	w.requireTypes(t, "unavailable")
}
