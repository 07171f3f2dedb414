package session

import (
	"testing"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

const card = "BEGIN:VCARD\nFN:Bia\nEND:VCARD"

func TestAQuoteIsOfTheKindOfWhatItQuotes(t *testing.T) {
	text := "y"
	bia := Object{"display_name": "Bia", "vcard": card, "phone_number": nil}
	contact := &waE2E.ContactMessage{DisplayName: proto.String("Bia"), Vcard: proto.String(card)}
	jpeg, name := proto.String("image/jpeg"), proto.String("a.pdf")
	for _, each := range []struct {
		said   any
		wanted *waE2E.Message
	}{
		{nil, &waE2E.Message{Conversation: &text}},
		{"nonsense", &waE2E.Message{Conversation: &text}},
		{Object{"type": "text", "content": "y", "context": nil}, &waE2E.Message{Conversation: &text}},
		{Object{"type": "unsupported", "rawType": "orderMessage"}, &waE2E.Message{Conversation: &text}},
		{Object{"type": "image", "media": Object{"type": "image", "mimetype": "image/jpeg", "fileName": ""}},
			&waE2E.Message{ImageMessage: &waE2E.ImageMessage{Caption: &text, Mimetype: jpeg}}},
		{Object{"type": "image"}, &waE2E.Message{ImageMessage: &waE2E.ImageMessage{Caption: &text}}},
		{Object{"type": "video", "media": Object{"type": "video"}},
			&waE2E.Message{VideoMessage: &waE2E.VideoMessage{Caption: &text}}},
		{Object{"type": "video", "media": Object{"type": "ptv"}},
			&waE2E.Message{PtvMessage: &waE2E.VideoMessage{Caption: &text}}},
		{Object{"type": "audio", "media": Object{"type": "audio"}},
			&waE2E.Message{AudioMessage: &waE2E.AudioMessage{PTT: proto.Bool(false)}}},
		{Object{"type": "audio", "media": Object{"type": "ptt"}},
			&waE2E.Message{AudioMessage: &waE2E.AudioMessage{PTT: proto.Bool(true)}}},
		{Object{"type": "document", "media": Object{"type": "document", "fileName": "a.pdf"}},
			&waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{Caption: &text, FileName: name, Title: name}}},
		{Object{"type": "sticker", "media": Object{"type": "sticker", "mimetype": "image/jpeg"}},
			&waE2E.Message{StickerMessage: &waE2E.StickerMessage{Mimetype: jpeg}}},
		{Object{"type": "location", "location": Object{"latitude": 1.5, "longitude": 2.5, "name": "y", "address": "Av. 1",
			"live": false}}, &waE2E.Message{LocationMessage: &waE2E.LocationMessage{Name: &text,
			DegreesLatitude: proto.Float64(1.5), DegreesLongitude: proto.Float64(2.5), Address: proto.String("Av. 1")}}},
		{Object{"type": "location", "location": Object{"latitude": 1.5, "longitude": 2.5, "live": true}},
			&waE2E.Message{LiveLocationMessage: &waE2E.LiveLocationMessage{Caption: &text,
				DegreesLatitude: proto.Float64(1.5), DegreesLongitude: proto.Float64(2.5)}}},
		{Object{"type": "contact", "contact": bia, "contacts": []Object{bia}},
			&waE2E.Message{ContactMessage: contact}},
		{Object{"type": "contact", "contact": bia, "contacts": []Object{bia, bia}},
			&waE2E.Message{ContactsArrayMessage: &waE2E.ContactsArrayMessage{DisplayName: proto.String("2 contacts"),
				Contacts: []*waE2E.ContactMessage{contact, contact}}}},
		{Object{"type": "contact"}, &waE2E.Message{Conversation: &text}},
		{Object{"type": "poll", "poll": Object{"title": "y", "options": []Object{{"name": "Pizza"}}, "maxAnswer": 1}},
			&waE2E.Message{PollCreationMessage: &waE2E.PollCreationMessage{Name: &text,
				Options:                []*waE2E.PollCreationMessage_Option{{OptionName: proto.String("Pizza")}},
				SelectableOptionsCount: proto.Uint32(1)}}},
		{Object{"type": "event", "event": Object{"name": "y", "startAt": "2023-11-14T22:13:20Z", "endAt": nil,
			"description": "d", "location": nil, "joinLink": nil, "isCanceled": false}},
			&waE2E.Message{EventMessage: &waE2E.EventMessage{Name: &text, StartTime: proto.Int64(1_700_000_000),
				Description: proto.String("d"), IsCanceled: proto.Bool(false)}}},
		{Object{"type": "event", "event": Object{"startAt": nil}}, &waE2E.Message{EventMessage: &waE2E.EventMessage{
			Name: &text, IsCanceled: proto.Bool(false)}}},
		{Object{"type": "group_invite", "group_invite": Object{"groupJid": "1@g.us", "groupName": "Team"}},
			&waE2E.Message{GroupInviteMessage: &waE2E.GroupInviteMessage{Caption: &text,
				GroupJID: proto.String("1@g.us"), GroupName: proto.String("Team")}}},
		{Object{"type": "buttons"}, &waE2E.Message{ButtonsMessage: &waE2E.ButtonsMessage{ContentText: &text}}},
		{Object{"type": "list"}, &waE2E.Message{ListMessage: &waE2E.ListMessage{Description: &text}}},
		{Object{"type": "buttons_response", "interactive": Object{"title": "Yes"}},
			&waE2E.Message{ButtonsResponseMessage: &waE2E.ButtonsResponseMessage{
				Response: &waE2E.ButtonsResponseMessage_SelectedDisplayText{SelectedDisplayText: "Yes"}}}},
		{Object{"type": "template_button_reply", "interactive": Object{"title": "Yes"}},
			&waE2E.Message{TemplateButtonReplyMessage: &waE2E.TemplateButtonReplyMessage{
				SelectedDisplayText: proto.String("Yes")}}},
		{Object{"type": "list_response", "interactive": Object{"title": "Yes"}},
			&waE2E.Message{ListResponseMessage: &waE2E.ListResponseMessage{Title: proto.String("Yes")}}},
	} {
		if got := (quote{Text: text, Message: raw(t, each.said)}).message(); !proto.Equal(got, each.wanted) {
			t.Errorf("%v: %v, not %v", each.said, got, each.wanted)
		}
	}
	if got := (quote{Text: text}).message(); got.GetConversation() != text {
		t.Error(got)
	}
	if got := (quote{Message: raw(t, Object{"type": "image"})}).message(); got.ImageMessage.Caption != nil {
		t.Error(got)
	}
}

// Where a message was said that is answered elsewhere: phones find it by that.
func TestAQuoteNamesTheChatThatItComesFrom(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	private, _ := types.ParseJID(bob)
	for _, each := range []struct {
		chat   types.JID
		from   string
		wanted *string
	}{
		{private, "", nil},
		{private, bob, nil},
		{private, "915550002222@lid", nil},
		{private, "@", nil},
		{private, team.String(), proto.String(team.String())},
		{private, "status@broadcast", proto.String("status@broadcast")},
		{team, team.String(), nil},
	} {
		message := hello("Yes")
		message = &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: message.Conversation}}
		given := letter{Reply: &quote{MessageID: "3EB0", Chat: each.from, SenderJID: bob, Text: "y"}}
		if err := l.addContext(t.Context(), message, each.chat, given); err != nil {
			t.Fatal(err)
		}
		wanted := &waE2E.ContextInfo{StanzaID: proto.String("3EB0"), Participant: proto.String(bob),
			QuotedMessage: hello("y"), RemoteJID: each.wanted}
		if got := message.ExtendedTextMessage.ContextInfo; !proto.Equal(got, wanted) {
			t.Errorf("%s from %s: %v", each.chat, each.from, got)
		}
	}
}
