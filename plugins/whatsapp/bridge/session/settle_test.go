package session

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/host"
)

func (w *world) requireTold(t *testing.T, wanted ...string) {
	t.Helper()
	if told := w.told(); !slices.Equal(told, wanted) {
		t.Fatalf("told %q, not %q", told, wanted)
	}
}

func TestALinkThatStaysUpSendsAgainEachMinuteUnderTheSameId(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t, "A")
	w.answer = whatsmeow.ErrMessageTimedOut
	l.settle()
	w.clock.pass(settlePause - 1)
	if len(w.handed) != 1 {
		t.Fatal(w.handed)
	}
	w.clock.pass(2 * settlePause)
	w.answer = nil
	w.clock.pass(settlePause)
	if !slices.Equal(w.handed, []string{"A", "A", "A", "A"}) {
		t.Fatal(w.handed)
	}
	w.requireTold(t, "message.exchange A")
	w.clock.pass(settledWithin)
	if len(w.handed) != 4 || len(w.clock.alarm) != 0 || w.letters(t) != 0 {
		t.Fatal("it goes on", w.handed)
	}
}

func TestWhatIsSentAndNotAnsweredIsSettledByTheLinkItWasSentBy(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	w.answer = &whatsmeow.DisconnectedError{}
	_, err := l.send(t.Context(), "message.text",
		raw(t, Object{"id": "A", "chat": bob, "source": "api", "message": "hello"}), nil)
	if err == nil {
		t.Fatal("it was answered")
	}
	w.answer = nil
	w.clock.pass(settlePause)
	w.requireTold(t, "message.exchange A")
}

func TestAfterAQuarterOfAnHourItIsGivenUpOnce(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t, "A")
	w.answer = whatsmeow.ErrMessageTimedOut
	l.settle()
	w.clock.pass(settledWithin - 1)
	w.requireTold(t)
	w.clock.pass(1)
	w.requireTold(t, "message.status server_error")
	w.clock.pass(settledWithin)
	w.requireTold(t, "message.status server_error")
	if len(w.handed) != 15 || w.letters(t) != 0 {
		t.Fatal(w.handed)
	}
}

func TestWhatWasToldOfWhileAnotherWasSettledIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t, "A", "B")
	l.hand = func(ctx context.Context, chat types.JID, message *waE2E.Message,
		extra ...whatsmeow.SendRequestExtra) (whatsmeow.SendResponse, error) {
		if extra[0].ID == "A" {
			l.handle(receiptOf("B", types.ReceiptTypeDelivered))
		}
		return w.hand(ctx, chat, message, extra...)
	}
	l.settle()
	w.requireTold(t, "message.exchange B", "message.status delivered", "message.exchange A")
	if !slices.Equal(w.handed, []string{"A"}) || w.letters(t) != 0 {
		t.Fatal(w.handed)
	}
}

// ending just after it was looked at.
type ending struct {
	context.Context
	end func()
}

func (e ending) Err() error {
	defer e.end()
	return e.Context.Err()
}

func TestAMessageIsKeptOrItIsNotWheneverTheCallEnds(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	over, cancel := context.WithCancel(t.Context())
	w.keep(t, ending{over, cancel}, l, "A", bob)
	if w.letters(t) != 1 {
		t.Fatal("it was not kept")
	}
	err := l.keep(over, "message.text", letter{ID: "B", Chat: bob}, new(waE2E.Message))
	if host.Code(err) != "unavailable" || w.letters(t) != 1 {
		t.Fatal(err)
	}
}

func TestWhatWhatsAppRefusesWhenTheCallIsOverIsTold(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	l.hand = func(context.Context, types.JID, *waE2E.Message, ...whatsmeow.SendRequestExtra) (
		whatsmeow.SendResponse, error) {
		cancel()
		<-over
		return whatsmeow.SendResponse{}, errRefused
	}
	_, err := l.send(ctx, "message.text", raw(t, Object{"id": "A", "chat": bob, "message": "hello"}), nil)
	close(over)
	l.sends.wait()
	if host.Code(err) != "timedOut" || w.letters(t) != 0 {
		t.Fatal(err)
	}
	w.requireTold(t, "message.status server_error")
}

func TestWhatWhatsAppRefusesIsKeptUntilThatIsTold(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t, "A")
	w.answer = errRefused
	kept := make(chan bool, 1)
	w.mutex.Lock()
	w.accepts = func() {
		_, is, _ := w.opened.FindLetter(context.Background(), "A")
		kept <- is
	}
	w.mutex.Unlock()
	l.settle()
	if !<-kept || w.letters(t) != 0 {
		t.Fatal("a crash would have lost it")
	}
	w.requireTold(t, "message.status server_error")
}

func TestALinkThatEndsBeforeItSettlesHasNothingToReport(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t, "A")
	l.cancel()
	l.settle()
	if lines := w.lines(t); len(lines) > 0 {
		t.Fatal(lines)
	}
}

func TestNothingIsGivenUpWithoutAConnection(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t, "A")
	l.handle(&events.OfflineSyncCompleted{})
	l.change(&events.Disconnected{})
	w.answer = whatsmeow.ErrNotConnected
	l.settle()
	w.clock.pass(2 * settledWithin)
	w.requireTold(t)
	l.up()
	w.clock.pass(heardWithin - settlePause)
	w.requireTold(t)
	w.clock.pass(settlePause)
	w.requireTold(t, "message.status server_error")
}

func TestWhatHasWaitedMayAllBeHereBeforeTheConnectionIsTold(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t, "A")
	w.clock.pass(2 * settledWithin)
	l.change(&events.Disconnected{})
	l.handle(&events.OfflineSyncCompleted{})
	l.up()
	l.settle()
	w.requireTold(t, "message.status server_error")
}

func TestWhatTheLastConnectionHasHeardIsNothingToTheNext(t *testing.T) {
	w := newWorld(t)
	w.allowed = func(context.Context) error { return nil }
	l := w.linked(t, "A")
	l.handle(&events.OfflineSyncCompleted{})
	w.clock.pass(2 * settledWithin)
	w.whatsapp.set(errRefused)
	if l.dial() == nil {
		t.Fatal("there is nobody")
	}
	l.up()
	l.settle()
	w.requireTold(t)
}

func TestAnIdIsFreeAgainAfterABugInWhatMakesTheMessage(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	builders["test.bug"] = func(*link, context.Context, types.JID, json.RawMessage, []*os.File) (*waE2E.Message, error) {
		panic("a bug")
	}
	defer delete(builders, "test.bug")
	func() {
		defer func() { recover() }() // as whoever serves the call does
		l.send(t.Context(), "test.bug", raw(t, Object{"id": "A", "chat": bob}), nil)
		t.Error("no bug")
	}()
	if l.sends.count() != 0 {
		t.Fatal("it is being sent still")
	}
	_, err := l.send(t.Context(), "message.text", raw(t, Object{"id": "A", "chat": bob, "message": "hello"}), nil)
	if err != nil {
		t.Fatal(err)
	}
}

func TestABugInOneEndsNeitherTheProcessNorWhatIsSettledBehindIt(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t, "A", "B")
	l.hand = func(ctx context.Context, to types.JID, message *waE2E.Message, extra ...whatsmeow.SendRequestExtra) (
		whatsmeow.SendResponse, error) {
		if extra[0].ID == "A" {
			panic("a bug")
		}
		return w.hand(ctx, to, message, extra...)
	}
	l.settle()
	w.requireTold(t, "message.exchange B")
	if w.letters(t) != 0 || !slices.Contains(w.lines(t), "A bug in the bridge") {
		t.Fatal(w.letters(t), w.lines(t))
	}
}

func TestWhatHasFailedForGoodIsNotSentAgain(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	builders["test.nothing"] = func(*link, context.Context, types.JID, json.RawMessage, []*os.File) (*waE2E.Message, error) {
		return new(waE2E.Message), nil
	}
	defer delete(builders, "test.nothing")
	_, err := l.send(t.Context(), "test.nothing", raw(t, Object{"id": "A", "chat": bob}), nil)
	if host.Code(err) != "internal" || w.letters(t) != 0 {
		t.Fatal(err, w.letters(t))
	}
	w.requireTold(t)
}

func TestAnIdIsFreeAgainWhateverHappensWhileItIsSettled(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	bug := errors.New("a bug")
	func() {
		defer func() { recover() }()
		l.once("A", func() { panic(bug) })
	}()
	free := false
	l.once("A", func() { free = true })
	if !free {
		t.Fatal("it is not")
	}
}
