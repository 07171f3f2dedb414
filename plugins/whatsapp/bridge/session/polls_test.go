package session

import (
	"testing"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"
)

func TestVotesInPollsOfEveryVersionHaveNames(t *testing.T) {
	poll := &waE2E.PollCreationMessage{Name: proto.String("Lunch?"), SelectableOptionsCount: proto.Uint32(1),
		Options: []*waE2E.PollCreationMessage_Option{{OptionName: proto.String("Pizza")}, {OptionName: proto.String("Salad")}}}
	secret := func(m *waE2E.Message) *waE2E.Message {
		m.MessageContextInfo = &waE2E.MessageContextInfo{MessageSecret: make([]byte, 32)}
		return m
	}
	for name, message := range map[string]*waE2E.Message{
		"V1": secret(&waE2E.Message{PollCreationMessage: poll}),
		"V2": secret(&waE2E.Message{PollCreationMessageV2: poll}),
		"V3": secret(&waE2E.Message{PollCreationMessageV3: poll}),
		"V4": {PollCreationMessageV4: &waE2E.FutureProofMessage{
			Message: secret(&waE2E.Message{PollCreationMessageV3: poll})}},
		"V5": secret(&waE2E.Message{PollCreationMessageV5: poll}),
		"V6": secret(&waE2E.Message{PollCreationMessageV6: poll}),
	} {
		w := newWorld(t)
		l := w.linked(t)
		w.whatsapp.set(errRefused)
		asked := inTeam("POLL", message)
		if outer := message.GetMessageContextInfo().GetMessageSecret(); outer != nil { // as the library does
			l.client.Store.MsgSecrets.PutMessageSecret(t.Context(), team, asked.Info.Sender, "POLL", outer)
		}
		l.handle(asked)
		shown := w.of("message.exchange")[0]["message"].(Object)
		wanted := `{"maxAnswer":1,"options":[{"name":"Pizza"},{"name":"Salad"}],"title":"Lunch?"}`
		if got := string(raw(t, shown["poll"])); shown["type"] != "poll" || shown["content"] != "Lunch?" || got != wanted {
			t.Fatal(name, shown)
		}
		vote, err := l.client.BuildPollVote(t.Context(), &asked.Info, []string{"Salad"})
		if err != nil {
			t.Fatal(name, err)
		}
		voted := inTeam("VOTE", vote)
		voted.Info.Sender = l.client.Store.GetJID().ToNonAD()
		voted.Info.IsFromMe = true
		l.handle(voted)
		shown = w.of("message.exchange")[1]["message"].(Object)
		if shown["type"] != "poll_update" || shown["content"] != "Salad" {
			t.Fatal(name, shown)
		}
	}
}
