package session

import (
	"context"
	"testing"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/convert"
	"pombo/bridge/host"
)

func lostFile() convert.MediaKey {
	return convert.MediaKey{Path: "/m/1?a", Key: make([]byte, 32), ID: "A", Chat: bob, Sender: bob}
}

// failed is the phone's answer that is not sealed.
func failed(chat types.JID, fromMe bool, code int) *events.MediaRetry {
	return &events.MediaRetry{MessageID: "A", ChatID: chat, FromMe: fromMe, Error: &events.MediaRetryError{Code: code}}
}

func TestAnAnswerThatIsNotSealedIsOfTheChatInEitherFormOfItsAddress(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	number, _ := types.ParseJID(bob)
	hidden := types.NewJID("950002222", types.HiddenUserServer)
	if err := l.client.Store.LIDs.PutLIDMapping(t.Context(), hidden, number); err != nil {
		t.Fatal(err)
	}
	other := types.NewJID("15550003333", types.DefaultUserServer)
	for _, form := range []types.JID{number, hidden} {
		w.whatsapp.wanted = func() {
			l.handle(failed(other, false, 1))
			l.handle(failed(form, true, 1))
			l.handle(failed(form, false, 2))
		}
		if _, err := l.askPhone(t.Context(), lostFile()); host.Code(err) != "notFound" {
			t.Fatal(form, err)
		}
	}
}

func TestNobodyWaitsForAPhoneLongerThanForTheCallOrTheLink(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	call, hangUp := context.WithCancel(t.Context())
	for _, each := range []struct {
		ctx context.Context
		end func()
	}{{call, hangUp}, {t.Context(), l.cancel}} {
		w.whatsapp.wanted = each.end
		if _, err := l.askPhone(each.ctx, lostFile()); host.Code(err) != "timedOut" {
			t.Fatal(err)
		}
	}
	if len(l.retries.waiting) != 0 {
		t.Fatal("somebody still waits")
	}
	l.handle(failed(types.NewJID("15550002222", types.DefaultUserServer), false, 2)) // too late, and harmless
}
