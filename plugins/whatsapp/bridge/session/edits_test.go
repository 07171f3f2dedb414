package session

import (
	"bytes"
	"testing"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// sealedEdit of Bob's message OLD, under one of his addresses.
func sealedEdit(t *testing.T, l *link, by types.JID, kind waE2E.SecretEncryptedMessage_SecretEncType,
	word whatsmeow.MsgSecretType, now *waE2E.Message) *waE2E.Message {
	t.Helper()
	plain, err := proto.Marshal(now)
	if err != nil {
		t.Fatal(err)
	}
	// What the library seals by the address that the secret is kept under, the original's sender's.
	secrets := l.client.Store.MsgSecrets
	if err = secrets.PutMessageSecret(t.Context(), team, by, "OLD", bytes.Repeat([]byte{7}, 32)); err != nil {
		t.Fatal(err)
	}
	payload, iv, err := l.client.DangerousInternals().EncryptMsgSecret(t.Context(), by, team, by, "OLD", word, plain)
	if err != nil {
		t.Fatal(err)
	}
	return &waE2E.Message{SecretEncryptedMessage: &waE2E.SecretEncryptedMessage{SecretEncType: &kind,
		EncPayload: payload, EncIV: iv, TargetMessageKey: &waCommon.MessageKey{FromMe: proto.Bool(true),
			ID: proto.String("OLD"), RemoteJID: proto.String(team.String())}}}
}

func TestWhatWasSealedByTheSecretOfAMessageIsAnEditOfIt(t *testing.T) {
	number, _ := types.ParseJID(bob)
	hidden := types.NewJID("915550002222", types.HiddenUserServer)
	event := &waE2E.Message{EventMessage: &waE2E.EventMessage{Name: proto.String("new"), IsCanceled: proto.Bool(true)}}
	change := func(id string, now *waE2E.Message) *waE2E.Message {
		return &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{EditedMessage: now,
			Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(), Key: &waCommon.MessageKey{ID: &id}}}
	}
	for _, by := range []types.JID{number, hidden} {
		edit, editWord := waE2E.SecretEncryptedMessage_MESSAGE_EDIT, whatsmeow.EncSecretMessageEdit
		ofEvent, eventWord := waE2E.SecretEncryptedMessage_EVENT_EDIT, whatsmeow.EncSecretEventEdit
		for name, each := range map[string]struct {
			kind waE2E.SecretEncryptedMessage_SecretEncType
			word whatsmeow.MsgSecretType
			now  *waE2E.Message
		}{
			"a message":    {edit, editWord, change("OLD", hello("new"))},
			"another's":    {edit, editWord, change("3EB0", hello("new"))},
			"its own":      {edit, editWord, hello("new")},
			"an event":     {ofEvent, eventWord, event},
			"event, again": {ofEvent, eventWord, change("OLD", event)},
			"wrapped": {edit, editWord, &waE2E.Message{
				EditedMessage: &waE2E.FutureProofMessage{Message: change("OLD", hello("new"))}}},
		} {
			w := newWorld(t)
			l := w.linked(t)
			w.whatsapp.set(errRefused)
			evt := inTeam("NEW", sealedEdit(t, l, by, each.kind, each.word, each.now))
			evt.Info.SenderAlt = hidden
			if !l.handle(evt) {
				t.Fatal(name, "was not accepted")
			}
			told := w.of("message.exchange")
			if len(told) != 1 || told[0]["id"] != "NEW" {
				t.Fatal(name, told)
			}
			shown := told[0]["message"].(Object)
			if edit := string(raw(t, shown["edit"])); edit != `{"original_id":"OLD","text":"new"}` ||
				shown["type"] != "message_edit" || shown["content"] != "new" || shown["isEdit"] != true {
				t.Fatal(name, by, shown)
			}
		}
	}
}

func TestAnEditOfWhatWasNeverSeenIsNotTold(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	number, _ := types.ParseJID(bob)
	message := sealedEdit(t, l, number, waE2E.SecretEncryptedMessage_MESSAGE_EDIT, whatsmeow.EncSecretMessageEdit,
		hello("new"))
	message.SecretEncryptedMessage.TargetMessageKey.ID = proto.String("UNSEEN")
	if !l.handle(inTeam("NEW", message)) || len(w.of("message.exchange")) > 0 {
		t.Fatal(w.told())
	}
}
