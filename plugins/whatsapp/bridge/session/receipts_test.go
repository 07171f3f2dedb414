package session

import (
	"testing"

	"go.mau.fi/whatsmeow/types"

	"pombo/bridge/host"
	"pombo/bridge/state"
)

const me = "15550001111@s.whatsapp.net"

func TestEveryKindOfReceiptIsToldByItsWord(t *testing.T) {
	for kind, word := range map[types.ReceiptType]string{"": "delivered", "sender": "sender", "read": "read",
		"read-self": "read_self", "played": "played", "played-self": "played_self", "retry": "retry",
		"inactive": "inactive", "server-error": "server_error"} {
		w := newWorld(t)
		if !w.linked(t).handle(receiptOf("A", kind)) {
			t.Fatal("it was not accepted")
		}
		wanted := `[{"chat":{"jid":"` + bob + `","lid":null,"type":"private"},"messageIds":["A"],` +
			`"recipient":{"jid":"` + bob + `","lid":null,"name":""},"status":"` + word +
			`","timestamp":"2026-11-18T11:06:40Z"}]`
		if got := string(raw(t, w.of("message.status"))); got != wanted {
			t.Errorf("%s, not %s", got, wanted)
		}
	}
}

func TestReceiptsBetweenDevicesAreNotTold(t *testing.T) {
	for _, kind := range []types.ReceiptType{"peer_msg", "hist_sync"} {
		w := newWorld(t)
		if !w.linked(t).handle(receiptOf("A", kind)) || len(w.of("message.status")) != 0 {
			t.Fatal(kind)
		}
	}
}

func readBySelf(chat, sender string) string {
	return `[{"chat":` + chat + `,"messageIds":["A"],` + sender + `"recipient":{"jid":"` + me +
		`","lid":null,"name":""},"status":"read_self","timestamp":"2026-11-18T11:06:40Z"}]`
}

func TestWhatTheInstanceMarksAsReadIsTold(t *testing.T) {
	for chat, wanted := range map[string]string{
		bob: readBySelf(`{"jid":"`+bob+`","lid":null,"type":"private"}`, ""),
		team.String(): readBySelf(`{"jid":"`+team.String()+`","lid":null,"type":"group"}`,
			`"messageSender":"`+bob+`",`),
	} {
		w := newWorld(t)
		l := w.linked(t)
		arguments := raw(t, Object{"chat": chat, "messageId": "A", "sender": bob})
		if _, err := markRead(l, t.Context(), arguments); err != nil {
			t.Fatal(err)
		}
		if got := string(raw(t, w.of("message.status"))); got != wanted {
			t.Errorf("%s, not %s", got, wanted)
		}
	}
}

func TestWhatCouldNotBeMarkedIsNotTold(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	w.whatsapp.set(errRefused)
	_, err := markRead(l, t.Context(), raw(t, Object{"chat": bob, "messageId": "A"}))
	if host.Code(err) != "internal" || len(w.of("message.status")) != 0 {
		t.Fatal(err)
	}
}

func TestWhatTheInstanceMarksAsReadByItselfIsTold(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	if err := l.apply(t.Context(), state.Settings{AutoReadMessages: true}); err != nil {
		t.Fatal(err)
	}
	l.handle(inTeam("A", hello("hi")))
	read := w.await("message.status", func(data Object) bool { return data["status"] == "read_self" })
	if read["messageSender"] != bob {
		t.Fatal(read)
	}
}
