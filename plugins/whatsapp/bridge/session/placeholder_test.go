package session

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"pombo/bridge/host"
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
	first.noteRead(inTeam("A", hello("hi")))
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
	letGo := l.holdUnreadable("A")
	l.noteRead(inTeam("A", hello("hi")))(false)
	letGo(false)
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
	told := first.noteRead(inTeam("A", hello("hi")))
	first.cancel()
	told(false)
	second := w.linked(t)
	letGo := second.holdUnreadable("A")
	second.noteRead(inTeam("A", hello("hi")))(false) // and it comes no more
	letGo(false)
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
	again := inTeam("A", hello("hi"))
	again.RetryCount = 1
	for range 2 {
		l.noteRead(again)(false)
		l.handle(unreadable("A")) // as it came first
		w.clock.pass(time.Hour)
		w.requireTypes(t, "text")
		l.cancel()
		l = w.linked(t)
	}
}
