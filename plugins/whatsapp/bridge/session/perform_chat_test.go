package session

import (
	"context"
	"fmt"
	"testing"

	"go.mau.fi/whatsmeow"

	"pombo/bridge/host"
)

func TestAChangeWhoseAnswerIsLostMayHaveBeenMade(t *testing.T) {
	for _, each := range []struct {
		failure error
		code    string
	}{
		{whatsmeow.ErrIQTimedOut, "timedOut"},
		{whatsmeow.ErrIQDisconnected, "timedOut"},
		{&whatsmeow.DisconnectedError{Action: "info query (retry)"}, "timedOut"},
		{fmt.Errorf("after it was sent: %w", context.DeadlineExceeded), "timedOut"},
		{whatsmeow.ErrAppStateUpdate, "internal"},
	} {
		w := newWorld(t)
		l := w.linked(t)
		newPhone(t, w, l)
		w.whatsapp.set(each.failure)
		_, err := archive(l, t.Context(), raw(t, Object{"chat": bob, "archive": true}))
		if host.Code(err) != each.code {
			t.Fatal(each.failure, err)
		}
	}
}

func TestAMessageOfAGroupIsDeletedByItsSender(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	newPhone(t, w, l)
	given := Object{"chat": "120363000000000001@g.us", "messageId": "3EB0", "fromMe": false}
	_, err := deleteMessage(l, t.Context(), raw(t, given))
	if host.Code(err) != "invalid" || len(w.whatsapp.shared) > 0 {
		t.Fatal(err, w.whatsapp.shared)
	}
}

func TestAMessageIsDeletedWithoutATimeThatIsNotKnown(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	newPhone(t, w, l)
	given := Object{"chat": bob, "messageId": "3EB0", "fromMe": true}
	if _, err := deleteMessage(l, t.Context(), raw(t, given)); err != nil {
		t.Fatal(err)
	}
	if told := w.whatsapp.shared[0].Mutations[0].Value.DeleteMessageForMeAction; told.MessageTimestamp != nil {
		t.Fatal(told)
	}
}
