package session

import (
	"testing"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"
)

// resets of the connection that were asked for.
func (w *world) resets() (count int) {
	for _, each := range w.whatsapp.requests() {
		if each == "reset" {
			count++
		}
	}
	return count
}

func TestWhateverIsNotAcceptedIsAskedForByAnotherConnection(t *testing.T) {
	var broken *events.GroupInfo
	poll := &waE2E.Message{PollCreationMessage: &waE2E.PollCreationMessage{Name: proto.String("Lunch?")}}
	notice := inTeam("B", &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		HistorySyncNotification: &waE2E.HistorySyncNotification{}}})
	notice.Info.IsFromMe = true
	for name, evt := range map[string]any{"a bug": broken, "a poll": inTeam("A", poll), "a notice": notice} {
		w := newWorld(t)
		l := w.linked(t)
		w.opened.Close() // nothing can be kept
		if l.handle(evt) || w.resets() != 1 {
			t.Fatal(name, w.whatsapp.requests())
		}
		if l.handle(evt) || w.resets() != 1 {
			t.Fatal(name, "the connection is being opened already")
		}
	}
}

func TestWhatCannotBeAcceptedIsAskedForEachTimeLaterAndABugNotForEver(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	var broken *events.GroupInfo
	for count := 1; count <= mostForBugs; count++ {
		l.handle(broken)
		l.dial()
		l.handle(&events.Connected{})
		if w.resets() != count || l.failures.Load() != int64(count) {
			t.Fatal(count, w.whatsapp.requests(), l.failures.Load())
		}
	}
	l.handle(broken)
	if w.resets() != mostForBugs {
		t.Fatal("it goes on")
	}
	l.handle(&events.OfflineSyncCompleted{})
	if l.failures.Load() != 0 {
		t.Fatal("all else has come")
	}
}

func TestWhatIsNotAcceptedOfAnOlderConnectionIsNothingToTheNewerOne(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	l.dial()
	w.opened.Close() // nothing can be kept
	poll := inTeam("A", &waE2E.Message{PollCreationMessage: &waE2E.PollCreationMessage{Name: proto.String("Lunch?")}})
	w.whatsapp.named = func() {
		w.whatsapp.named = nil
		l.dial() // before its handler is done
	}
	if l.handle(poll) || w.resets() != 0 || l.asking.Load() || l.refused.Load() != 0 {
		t.Fatal(w.whatsapp.requests(), l.asking.Load(), l.refused.Load())
	}
	if l.handle(poll) || w.resets() != 1 || l.refused.Load() != 1 {
		t.Fatal("it is no better than the older one", w.whatsapp.requests())
	}
}
