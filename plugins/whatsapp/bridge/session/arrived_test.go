package session

import (
	"context"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/state"
)

func receiptOf(id string, kind types.ReceiptType) *events.Receipt {
	from, _ := types.ParseJID(bob)
	return &events.Receipt{MessageSource: types.MessageSource{Chat: from, Sender: from},
		MessageIDs: []string{id}, Type: kind, Timestamp: time.Unix(1_795_000_000, 0)}
}

func TestAReceiptSettlesWhatWasNeverAnswered(t *testing.T) {
	for _, kind := range []types.ReceiptType{types.ReceiptTypeDelivered, types.ReceiptTypeRead} {
		w := newWorld(t)
		l := w.linked(t, "A", "B")
		w.clock.pass(2 * settledWithin)
		l.change(&events.Disconnected{})
		l.up() // what has waited for it comes now
		l.settle()
		w.requireTold(t)
		if !l.handle(receiptOf("A", kind)) {
			t.Fatal("it was not accepted")
		}
		status := map[types.ReceiptType]string{types.ReceiptTypeDelivered: "delivered", types.ReceiptTypeRead: "read"}
		w.clock.pass(heardWithin - 1)
		w.requireTold(t, "message.exchange A", "message.status "+status[kind])
		l.handle(&events.OfflineSyncCompleted{})
		w.clock.pass(settlePause)
		w.requireTold(t, "message.exchange A", "message.status "+status[kind], "message.status server_error")
		if len(w.handed) != 0 || w.letters(t) != 0 {
			t.Fatal(w.handed)
		}
	}
}

// watched says when somebody waits for its end.
type watched struct {
	context.Context
	waits chan struct{}
}

func (w watched) Done() <-chan struct{} {
	select {
	case w.waits <- struct{}{}:
	default:
	}
	return w.Context.Done()
}

// arrives while it is being sent.
func (w *world) arrives(t *testing.T, ctx context.Context, l *link, id string) <-chan bool {
	t.Helper()
	seen, told := watched{ctx, make(chan struct{}, 1)}, make(chan bool, 1)
	go func() { told <- l.tellArrived(seen, id) }()
	select {
	case <-seen.waits:
	case <-told:
		t.Fatal("it did not wait")
	}
	w.requireTold(t)
	return told
}

func TestWhatArrivesWhileItIsBeingSentIsSettledAfterThat(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t, "A")
	l.sends.begin("A")
	told := w.arrives(t, t.Context(), l, "A")
	l.sends.end("A")
	if !<-told || w.letters(t) != 0 || l.sends.count() != 0 {
		t.Fatal("it was not settled")
	}
	w.requireTold(t, "message.exchange A")
}

func TestAReceiptIsLeftToWhatsAppWhenSendingTakesTooLong(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t, "A")
	l.sends.begin("A")
	ctx, cancel := context.WithCancel(t.Context())
	told := w.arrives(t, ctx, l, "A")
	cancel()
	if <-told || w.letters(t) != 1 {
		t.Fatal("it was settled")
	}
}

func TestAReceiptSettlesWhatWasSentToWhoeverIsIgnored(t *testing.T) {
	for _, chat := range []types.JID{team, types.StatusBroadcastJID} {
		w := newWorld(t)
		l := w.linked(t)
		if err := l.apply(t.Context(), state.Settings{IgnoreGroups: true, IgnoreStatus: true}); err != nil {
			t.Fatal(err)
		}
		w.keep(t, t.Context(), l, "A", chat.String())
		receipt := receiptOf("A", types.ReceiptTypeDelivered)
		receipt.Chat = chat
		if !l.handle(receipt) || w.letters(t) != 0 {
			t.Fatal("it was not settled")
		}
		w.requireTold(t, "message.exchange A")
	}
}

func TestAReceiptOfWhatWasGivenUpIsTold(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t, "A")
	w.clock.pass(2 * settledWithin)
	l.settle()
	l.handle(receiptOf("A", types.ReceiptTypeDelivered))
	w.requireTold(t, "message.status server_error", "message.status delivered")
}

func TestAReceiptThatDoesNotSayThatItArrivedSettlesNothing(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t, "A")
	l.handle(receiptOf("A", types.ReceiptTypeRetry))
	own := receiptOf("A", types.ReceiptTypeRead)
	own.IsFromMe = true
	l.handle(own)
	if w.letters(t) != 1 {
		t.Fatal(w.told())
	}
}
