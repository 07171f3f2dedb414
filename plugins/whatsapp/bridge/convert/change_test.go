package convert

import (
	"testing"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"
)

func editing(id string, now *waE2E.Message) *waE2E.Message {
	return &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(),
		Key: &waCommon.MessageKey{ID: &id}, EditedMessage: now}}
}

func edited(text string, context any) Object {
	return whole(Object{"type": "message_edit", "content": text, "isEdit": true, "context": context,
		"edit": Object{"original_id": "OLD", "text": text}})
}

// What an edited message is now, and its text.
var nows = map[string]struct {
	now  *waE2E.Message
	text string
}{
	"text":     {&waE2E.Message{Conversation: proto.String("new")}, "new"},
	"caption":  {&waE2E.Message{ImageMessage: &waE2E.ImageMessage{Caption: proto.String("new")}}, "new"},
	"no more":  {&waE2E.Message{VideoMessage: new(waE2E.VideoMessage)}, ""},
	"event":    {&waE2E.Message{EventMessage: &waE2E.EventMessage{Name: proto.String("Later")}}, "Later"},
	"question": {&waE2E.Message{PollCreationMessageV3: &waE2E.PollCreationMessage{Name: proto.String("Tea?")}}, "Tea?"},
	"document": {&waE2E.Message{DocumentWithCaptionMessage: in(&waE2E.Message{
		DocumentMessage: &waE2E.DocumentMessage{Caption: proto.String("new")}})}, "new"},
}

func TestAnEditIsToldByTheTextThatThereIsNow(t *testing.T) {
	for name, each := range nows {
		for _, message := range []*waE2E.Message{editing("OLD", each.now),
			{EditedMessage: in(editing("OLD", each.now))}} {
			got := written(t, ExchangeOf(ctx, book{}, received(message), "").Data["message"])
			if wanted := written(t, edited(each.text, nil)); got != wanted {
				t.Errorf("%s: %s, not %s", name, got, wanted)
			}
		}
	}
}

func TestAnEditThatWasSealedIsToldAsAnyOther(t *testing.T) {
	for name, each := range nows {
		for _, message := range []*waE2E.Message{each.now, editing("OLD", each.now), editing("", each.now),
			editing("ANOTHER", each.now), editing("ANOTHER", editing("ANOTHER", each.now)),
			{EditedMessage: in(editing("OLD", each.now))}} {
			got := written(t, EditOf(ctx, book{}, received(message), "OLD").Data["message"])
			if wanted := written(t, edited(each.text, nil)); got != wanted {
				t.Errorf("%s: %s, not %s", name, got, wanted)
			}
		}
	}
}

func TestAnEditWithoutATextIsNone(t *testing.T) {
	for _, now := range []*waE2E.Message{nil, {}} {
		for _, evt := range []Exchange{ExchangeOf(ctx, book{}, received(editing("OLD", now)), ""),
			EditOf(ctx, book{}, received(editing("OLD", now)), "OLD")} {
			if evt.Data != nil {
				t.Error(written(t, evt.Data))
			}
		}
	}
	option := &waE2E.Message{PollAddOptionMessage: new(waE2E.PollAddOptionMessage)}
	got := written(t, EditOf(ctx, book{}, received(option), "OLD").Data["message"])
	if got != written(t, whole(Object{"type": "unsupported", "rawType": "pollAddOptionMessage"})) {
		t.Error(got)
	}
}

func TestAnEditMentionsPeopleByTheirNumbers(t *testing.T) {
	now := &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String("@915550002222!"),
		ContextInfo: &waE2E.ContextInfo{MentionedJID: []string{bobs.String()}}}}
	data := ExchangeOf(ctx, book{}, received(editing("OLD", now)), "").Data
	if got := written(t, data["message"]); got != written(t, edited("@15550002222!", noQuote)) {
		t.Error(got)
	}
	if got := written(t, data["mentions"]); got != `{"mentionedUsers":["`+bob.String()+`"]}` {
		t.Error(got)
	}
}
