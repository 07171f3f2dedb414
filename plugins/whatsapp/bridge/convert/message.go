package convert

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/reflect/protoreflect"

	"pombo/bridge/host"
)

// shape is `data.message`, and what stands beside it.
type shape struct {
	message Object
	medium  *medium
	context *waE2E.ContextInfo
	// id of the event, when it is another than the message's own
	id string
}

func plain(kind, content string) *shape {
	return &shape{message: Object{"type": kind, "content": content}}
}

func (s *shape) with(key string, value any) *shape {
	s.message[key] = value
	return s
}

func (s *shape) in(context *waE2E.ContextInfo) *shape {
	s.context = context
	return s
}

// shapeOf is nil for what is no message to anybody: keys, timers, pins.
func shapeOf(ctx context.Context, d Directory, info *types.MessageInfo, m *waE2E.Message) *shape {
	m = within(m)
	if found, kind, content := mediumOf(m); found != nil {
		made := plain(kind, content).in(contextOf(found.file))
		made.medium = found
		return made
	}
	for _, try := range []func(*waE2E.Message) *shape{textOf, placeOf, contactOf, answerOf, otherOf} {
		if made := try(m); made != nil {
			return made
		}
	}
	if made := changeOf(ctx, d, info, m); made != nil {
		return made
	}
	if name := contentName(m); name != "" {
		return plain("unsupported", "").with("rawType", name)
	}
	return nil
}

// unwrapped from whatever says how it is to be shown.
func unwrapped(m *waE2E.Message) *waE2E.Message {
	if m == nil {
		return &waE2E.Message{}
	}
	return (&events.Message{RawMessage: m}).UnwrapRaw().Message
}

// within what the library leaves wrapped: a text that mentions a group, a photo that belongs to another message.
func within(m *waE2E.Message) *waE2E.Message {
	for _, wrap := range []*waE2E.FutureProofMessage{m.GetGroupMentionedMessage(), m.GetAssociatedChildMessage()} {
		if wrap.GetMessage() != nil {
			return unwrapped(wrap.GetMessage())
		}
	}
	return m
}

func contextOf(part any) *waE2E.ContextInfo {
	if has, can := part.(interface{ GetContextInfo() *waE2E.ContextInfo }); can {
		return has.GetContextInfo()
	}
	return nil
}

func textOf(m *waE2E.Message) *shape {
	if m.Conversation != nil {
		return plain("text", m.GetConversation())
	}
	if text := m.GetExtendedTextMessage(); text != nil {
		return plain("text", text.GetText()).in(text.GetContextInfo())
	}
	return nil
}

// Numbers in messages are whatever their senders make them, and what is no number is no JSON.
func isPlace(latitude, longitude float64) bool {
	return math.Abs(latitude) <= 90 && math.Abs(longitude) <= 180
}

func placeOf(m *waE2E.Message) *shape {
	if at := m.GetLocationMessage(); at != nil && isPlace(at.GetDegreesLatitude(), at.GetDegreesLongitude()) {
		return plain("location", at.GetName()).in(at.GetContextInfo()).with("location",
			Object{"latitude": at.GetDegreesLatitude(), "longitude": at.GetDegreesLongitude(),
				"name": at.GetName(), "address": at.GetAddress(), "live": at.GetIsLive()})
	}
	if at := m.GetLiveLocationMessage(); at != nil && isPlace(at.GetDegreesLatitude(), at.GetDegreesLongitude()) {
		return plain("location", at.GetCaption()).in(at.GetContextInfo()).with("location",
			Object{"latitude": at.GetDegreesLatitude(), "longitude": at.GetDegreesLongitude(),
				"name": at.GetCaption(), "address": "", "live": true})
	}
	return nil
}

func contactOf(m *waE2E.Message) *shape {
	all, context := m.GetContactsArrayMessage().GetContacts(), m.GetContactsArrayMessage().GetContextInfo()
	if one := m.GetContactMessage(); one != nil {
		all, context = []*waE2E.ContactMessage{one}, one.GetContextInfo()
	}
	if len(all) == 0 {
		return nil
	}
	var names []string
	var contacts []Object
	for _, each := range all {
		names = append(names, each.GetDisplayName())
		contacts = append(contacts, Object{"display_name": each.GetDisplayName(),
			"phone_number": phoneIn(each.GetVcard()), "vcard": each.GetVcard()})
	}
	return plain("contact", strings.Join(names, ", ")).in(context).
		with("contact", contacts[0]).with("contacts", contacts)
}

// The number that WhatsApp knows it by, else the first.
func phoneIn(vcard string) any {
	var first any
	for _, line := range strings.Split(vcard, "\n") {
		line = strings.TrimSpace(line)
		name, number, found := strings.Cut(line, ":")
		if !found || !strings.Contains(strings.ToUpper(name), "TEL") {
			continue
		}
		if _, id, has := strings.Cut(name, "waid="); has {
			id, _, _ = strings.Cut(id, ";")
			return id
		}
		if first == nil {
			first = strings.TrimLeft(strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(number), "+")
		}
	}
	return first
}

func answerOf(m *waE2E.Message) *shape {
	if to := m.GetButtonsResponseMessage(); to != nil {
		return plain("buttons_response", "").in(to.GetContextInfo()).with("interactive",
			Object{"selectedButtonId": to.GetSelectedButtonID(),
				"title": to.GetSelectedDisplayText(), "message_id": to.GetContextInfo().GetStanzaID()})
	}
	if to := m.GetTemplateButtonReplyMessage(); to != nil {
		return plain("template_button_reply", to.GetSelectedDisplayText()).in(to.GetContextInfo()).
			with("interactive", Object{"selectedButtonId": to.GetSelectedID(),
				"selectedIndex": to.GetSelectedIndex(), "title": to.GetSelectedDisplayText(),
				"message_id": to.GetContextInfo().GetStanzaID()})
	}
	if to := m.GetListResponseMessage(); to != nil {
		id := to.GetSingleSelectReply().GetSelectedRowID()
		return plain("list_response", to.GetTitle()).in(to.GetContextInfo()).with("interactive",
			Object{"selectedRowId": id, "selectedReply": Object{"selectedRowID": id},
				"title": to.GetTitle(), "description": to.GetDescription(),
				"message_id": to.GetContextInfo().GetStanzaID()})
	}
	if to := m.GetInteractiveResponseMessage(); to != nil {
		return interactiveAnswer(to)
	}
	return nil
}

func interactiveAnswer(to *waE2E.InteractiveResponseMessage) *shape {
	flow, text := to.GetNativeFlowResponseMessage(), to.GetBody().GetText()
	var chosen struct {
		ID        *string `json:"id"`
		CardIndex *int    `json:"carousel_card_index"`
		FlowToken *string `json:"flow_token"`
	}
	var response any
	if json.Unmarshal([]byte(flow.GetParamsJSON()), &response) == nil {
		json.Unmarshal([]byte(flow.GetParamsJSON()), &chosen)
	}
	id := to.GetContextInfo().GetStanzaID()
	if flow.GetName() == "quick_reply" && chosen.ID != nil && chosen.CardIndex == nil {
		return plain("buttons_response", "").in(to.GetContextInfo()).with("interactive",
			Object{"selectedButtonId": *chosen.ID, "title": text, "message_id": id})
	}
	if _, isObject := response.(map[string]any); !isObject || chosen.ID != nil {
		response = nil
	}
	return plain("interactive", text).in(to.GetContextInfo()).with("interactive",
		Object{"name": flow.GetName(), "selectedButtonId": chosen.ID,
			"selectedCarouselCardIndex": chosen.CardIndex, "title": text,
			"flow_token": chosen.FlowToken, "response": response, "message_id": id})
}

func pollIn(m *waE2E.Message) *waE2E.PollCreationMessage {
	for _, m := range []*waE2E.Message{m, m.GetPollCreationMessageV4().GetMessage()} {
		for _, poll := range []*waE2E.PollCreationMessage{m.GetPollCreationMessage(),
			m.GetPollCreationMessageV2(), m.GetPollCreationMessageV3(), m.GetPollCreationMessageV5(),
			m.GetPollCreationMessageV6()} {
			if poll != nil {
				return poll
			}
		}
	}
	return nil
}

// PollIn a message, to be kept for its votes.
func PollIn(m *waE2E.Message) (title string, options []string, is bool) {
	poll := pollIn(m)
	if poll == nil {
		return "", nil, false
	}
	for _, option := range poll.GetOptions() {
		options = append(options, option.GetOptionName())
	}
	return poll.GetName(), options, true
}

func otherOf(m *waE2E.Message) *shape {
	if title, options, is := PollIn(m); is {
		poll := pollIn(m)
		return plain("poll", title).in(poll.GetContextInfo()).with("poll",
			Object{"title": title, "options": named(options),
				"maxAnswer": poll.GetSelectableOptionsCount()})
	}
	if event := m.GetEventMessage(); event != nil {
		return plain("event", event.GetName()).in(event.GetContextInfo()).with("event", calendar(event))
	}
	if invite := m.GetGroupInviteMessage(); invite != nil {
		return plain("group_invite", invite.GetCaption()).in(invite.GetContextInfo()).with("group_invite",
			Object{"groupJid": invite.GetGroupJID(), "groupName": invite.GetGroupName(),
				"code": invite.GetInviteCode(), "expiresAt": timeOrNull(invite.GetInviteExpiration())})
	}
	if own := m.GetButtonsMessage(); own != nil {
		return plain("buttons", own.GetContentText()).in(own.GetContextInfo())
	}
	if own := m.GetListMessage(); own != nil {
		return plain("list", own.GetDescription()).in(own.GetContextInfo())
	}
	if own := m.GetInteractiveMessage(); own != nil {
		return plain("interactive", own.GetBody().GetText()).in(own.GetContextInfo()).
			with("interactive", Object{})
	}
	return nil
}

func named(options []string) []Object {
	all := []Object{}
	for _, option := range options {
		all = append(all, Object{"name": option})
	}
	return all
}

func calendar(event *waE2E.EventMessage) Object {
	shown := Object{"name": event.GetName(), "startAt": timeOrNull(event.GetStartTime()),
		"endAt": timeOrNull(event.GetEndTime()), "description": event.GetDescription(),
		"location": nil, "joinLink": nil, "isCanceled": event.GetIsCanceled()}
	if link := event.GetJoinLink(); link != "" {
		shown["joinLink"] = link
	}
	if at := event.GetLocation(); at != nil {
		place := Object{"name": at.GetName(), "latitude": nil, "longitude": nil}
		isKnown := at.DegreesLatitude != nil && at.DegreesLongitude != nil
		if isKnown && isPlace(at.GetDegreesLatitude(), at.GetDegreesLongitude()) {
			place["latitude"], place["longitude"] = at.GetDegreesLatitude(), at.GetDegreesLongitude()
		}
		shown["location"] = place
	}
	return shown
}

// The end of the year 9999: later times cannot be written.
const lastSecond = 253_402_300_799

func timeOrNull(seconds int64) any {
	if seconds <= 0 || seconds > lastSecond {
		return nil
	}
	return host.Time(time.Unix(seconds, 0))
}

func momentOrNull(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return host.Time(at)
}

// IsKeys is true of what a message to a group may be preceded by, under the same id: nothing but keys to read it with.
func IsKeys(m *waE2E.Message) bool {
	keys, others := 0, 0
	m.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		switch field.Name() {
		case "senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage":
			keys++
		case "messageContextInfo":
		default:
			others++
		}
		return true
	})
	return keys > 0 && others == 0
}

// What carries content, but is none that this program knows.
func contentName(m *waE2E.Message) string {
	unspoken := map[protoreflect.Name]bool{"messageContextInfo": true,
		"senderKeyDistributionMessage": true, "fastRatchetKeySenderKeyDistributionMessage": true,
		"protocolMessage": true, "pinInChatMessage": true, "keepInChatMessage": true, "call": true,
		"callLogMesssage": true, "deviceSentMessage": true, "stickerSyncRmrMessage": true,
		"encReactionMessage": true, "pollUpdateMessage": true, "secretEncryptedMessage": true, "chat": true,
		"albumMessage":         true, // its photos come by themselves
		"messageHistoryNotice": true, "messageHistoryBundle": true, "placeholderMessage": true}
	name := ""
	m.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if unspoken[field.Name()] {
			return true
		}
		name = string(field.Name())
		return false
	})
	return name
}
