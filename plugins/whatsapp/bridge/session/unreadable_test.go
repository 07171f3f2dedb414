package session

import (
	"database/sql"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/seal"
)

func unreadable(id string) *events.UndecryptableMessage {
	return &events.UndecryptableMessage{Info: inTeam(id, nil).Info, IsUnavailable: true,
		UnavailableType: events.UnavailableTypeViewOnce}
}

func TestAMessageThatStaysUnreadableIsToldOfAndComesWhenItCanBeRead(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	w.whatsapp.set(errRefused)
	l.handle(unreadable("A"))
	l.handle(unreadable("A"))
	w.clock.pass(time.Minute - 1)
	w.requireTold(t)
	w.clock.pass(1)
	w.requireTold(t, "message.exchange A")
	wanted := `{"contact":null,"content":"","context":null,"edit":null,"interactive":null,"isEdit":false,` +
		`"location":null,"media":null,"rawType":"view_once","reaction":null,"source":"","type":"unavailable"}`
	if got := string(raw(t, w.of("message.exchange")[0]["message"])); got != wanted {
		t.Fatal(got)
	}
	l.handle(inTeam("A", hello("hi")))
	w.requireTold(t, "message.exchange A", "message.exchange A")
}

func TestAMessageThatIsReadInTimeHasNoPlaceholder(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	w.whatsapp.set(errRefused)
	l.handle(unreadable("A"))
	l.handle(inTeam("A", hello("hi")))
	w.clock.pass(time.Hour)
	w.requireTold(t, "message.exchange A")
	l.handle(&events.UndecryptableMessage{Info: inTeam("B", nil).Info, DecryptFailMode: events.DecryptFailHide})
	w.clock.pass(time.Hour)
	w.requireTold(t, "message.exchange A")
}

func TestALaterLinkTellsOfWhatHasStayedUnreadable(t *testing.T) {
	w := newWorld(t)
	w.whatsapp.set(errRefused)
	first := w.linked(t)
	for _, id := range []string{"A", "B", "C"} {
		first.handle(unreadable(id))
	}
	first.cancel()
	w.clock.pass(time.Hour)
	w.requireTold(t)
	second := w.linked(t)
	second.handle(&events.Connected{})
	second.handle(inTeam("B", hello("hi"))) // has waited for the connection
	second.handle(unreadable("C"))          // again
	w.requireTold(t, "message.exchange B")
	w.clock.pass(readableWithin)
	w.requireTold(t, "message.exchange B", "message.exchange A", "message.exchange C")
	second.cancel()
	third := w.linked(t)
	third.handle(&events.Connected{})
	w.clock.pass(time.Hour)
	w.requireTold(t, "message.exchange B", "message.exchange A", "message.exchange C")
}

func TestWhatCannotBeKeptAsUnreadableIsRememberedAndToldOf(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	w.whatsapp.set(errRefused)
	w.opened.Close()
	l.handle(unreadable("A"))
	w.clock.pass(readableWithin)
	w.requireTold(t, "message.exchange A")
	w.clock.pass(time.Hour)
	w.requireTold(t, "message.exchange A")
}

func TestAMessageThatIsReadAndNotAcceptedIsToldOfAsUnreadable(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	w.whatsapp.set(errRefused)
	l.handle(unreadable("A"))
	letGo := l.holdUnreadable("A")
	w.clock.pass(time.Hour)
	w.requireTold(t)
	letGo(false) // WhatsApp does not send it again
	w.clock.pass(readableWithin - 1)
	w.requireTold(t)
	w.clock.pass(1)
	w.requireTold(t, "message.exchange A")
	l.holdUnreadable("A")(true)
	w.clock.pass(time.Hour)
	w.requireTold(t, "message.exchange A")
}

// spoil what is kept of a message: other text, or other bits where the key is not the session's.
func (w *world) spoil(t *testing.T, id, text string, key [seal.KeySize]byte) {
	t.Helper()
	path := filepath.Join(w.session.bridge.Folder, w.session.id.Value, "session.db")
	db := sql.OpenDB(&seal.Connector{DSN: "file:" + path, Cipher: seal.New(key)})
	defer db.Close()
	_, err := db.ExecContext(t.Context(), "UPDATE bridge_unreadable SET told = ? WHERE id = ?", []byte(text), id)
	if err != nil {
		t.Fatal(err)
	}
}

func TestARowThatSaysNothingAnyMoreIsLeftOutOnceAndTheOthersAreToldOf(t *testing.T) {
	const warning = "What was kept of messages that nobody could read is spoiled"
	w := newWorld(t)
	w.whatsapp.set(errRefused)
	first := w.linked(t)
	for _, id := range []string{"A", "B", "C", "D", "E"} {
		first.handle(unreadable(id))
	}
	first.cancel()
	w.spoil(t, "A", `{"id": "A", "chat": "", "data": {}}`, [seal.KeySize]byte{2})
	w.spoil(t, "B", "{}", key)
	w.spoil(t, "C", `{"id": "E", "chat": "", "data": {}}`, key)
	for range 2 {
		l := w.linked(t)
		l.handle(&events.Connected{})
		w.clock.pass(readableWithin)
		w.requireTold(t, "message.exchange D", "message.exchange E")
		if lines := w.lines(t); !slices.Equal(lines, []string{warning}) {
			t.Fatal(lines)
		}
		l.cancel()
	}
}
