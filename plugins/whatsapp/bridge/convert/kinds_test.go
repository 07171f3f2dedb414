package convert

import (
	"maps"
	"math"
	"testing"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"
)

// whole `data.message` of which a test names what is not always the same.
func whole(part Object) Object {
	all := Object{"content": "", "source": "", "isEdit": false, "media": nil, "context": nil, "edit": nil,
		"location": nil, "contact": nil, "reaction": nil, "interactive": nil}
	maps.Copy(all, part)
	return all
}

// media that have nothing but what a test names.
func media(kind string, part Object) Object {
	all := Object{"type": kind, "url": nil, "directUrl": nil, "s3Url": nil, "base64": nil,
		"mimetype": "application/octet-stream", "mimeType": "application/octet-stream", "fileName": "", "caption": "",
		"size": nil, "duration": nil, "width": nil, "height": nil, "sha256": nil, "isVoiceNote": kind == "ptt"}
	maps.Copy(all, part)
	return all
}

func answering(id string) *waE2E.ContextInfo { return &waE2E.ContextInfo{StanzaID: &id} }

var noQuote = Object{"isForwarded": false, "forwardingScore": 0, "expiration": 0, "quotedType": nil}

const (
	bia = "BEGIN:VCARD\nVERSION:3.0\nFN:Bia Souza\nTEL;waid=5511977770000:+55 11 97777-0000\nEND:VCARD"
	rui = "BEGIN:VCARD\nVERSION:3.0\nFN:Rui\nEND:VCARD"
)

var kinds = map[string]struct {
	message *waE2E.Message
	wanted  Object
}{
	"several contacts": {&waE2E.Message{ContactsArrayMessage: &waE2E.ContactsArrayMessage{
		DisplayName: proto.String("2 contacts"), Contacts: []*waE2E.ContactMessage{
			{DisplayName: proto.String("Bia Souza"), Vcard: proto.String(bia)},
			{DisplayName: proto.String("Rui"), Vcard: proto.String(rui)}}}},
		Object{"type": "contact", "content": "Bia Souza, Rui",
			"contact": Object{"display_name": "Bia Souza", "phone_number": "5511977770000", "vcard": bia},
			"contacts": []Object{{"display_name": "Bia Souza", "phone_number": "5511977770000", "vcard": bia},
				{"display_name": "Rui", "phone_number": nil, "vcard": rui}}}},
	"a live location": {&waE2E.Message{LiveLocationMessage: &waE2E.LiveLocationMessage{
		DegreesLatitude: proto.Float64(-23.5), DegreesLongitude: proto.Float64(-46.5), Caption: proto.String("Coming")}},
		Object{"type": "location", "content": "Coming", "location": Object{"latitude": -23.5, "longitude": -46.5,
			"name": "Coming", "address": "", "live": true}}},
	"a location of its old kind that is live": {&waE2E.Message{LocationMessage: &waE2E.LocationMessage{
		IsLive: proto.Bool(true)}}, Object{"type": "location", "location": Object{"latitude": 0, "longitude": 0,
		"name": "", "address": "", "live": true}}},
	"a round video": {&waE2E.Message{PtvMessage: &waE2E.VideoMessage{Mimetype: proto.String("video/mp4"),
		DirectPath: proto.String("/v"), Seconds: proto.Uint32(14), Width: proto.Uint32(400),
		Height: proto.Uint32(400), FileLength: proto.Uint64(9), FileSHA256: []byte{0x77, 0xab}}},
		Object{"type": "video", "media": media("ptv", Object{"mimetype": "video/mp4", "mimeType": "video/mp4",
			"directUrl": "https://mmg.whatsapp.net/v", "size": 9, "duration": 14, "width": 400, "height": 400,
			"sha256": "77ab"})}},
	"an answer to a template": {&waE2E.Message{TemplateButtonReplyMessage: &waE2E.TemplateButtonReplyMessage{
		SelectedID: proto.String("track"), SelectedDisplayText: proto.String("Track order"),
		SelectedIndex: proto.Uint32(0), ContextInfo: answering("3EB0TPL")}},
		Object{"type": "template_button_reply", "content": "Track order", "context": noQuote, "interactive": Object{
			"selectedButtonId": "track", "selectedIndex": 0, "title": "Track order", "message_id": "3EB0TPL"}}},
	"an event": {&waE2E.Message{EventMessage: &waE2E.EventMessage{Name: proto.String("Opening"),
		StartTime: proto.Int64(1_700_000_000), Location: &waE2E.LocationMessage{Name: proto.String("Shop")}}},
		Object{"type": "event", "content": "Opening", "event": Object{"name": "Opening",
			"startAt": "2023-11-14T22:13:20Z", "endAt": nil, "description": "",
			"location": Object{"name": "Shop", "latitude": nil, "longitude": nil}, "joinLink": nil,
			"isCanceled": false}}},
	"an event with all it can have": {&waE2E.Message{EventMessage: &waE2E.EventMessage{Name: proto.String("Call"),
		StartTime: proto.Int64(1_700_000_000), EndTime: proto.Int64(1_700_003_600),
		Description: proto.String("All of us"), JoinLink: proto.String("https://call.example"),
		IsCanceled: proto.Bool(true), Location: &waE2E.LocationMessage{DegreesLatitude: proto.Float64(1.5),
			DegreesLongitude: proto.Float64(2.5)}}},
		Object{"type": "event", "content": "Call", "event": Object{"name": "Call", "startAt": "2023-11-14T22:13:20Z",
			"endAt": "2023-11-14T23:13:20Z", "description": "All of us",
			"location": Object{"name": "", "latitude": 1.5, "longitude": 2.5}, "joinLink": "https://call.example",
			"isCanceled": true}}},
	"an invitation": {&waE2E.Message{GroupInviteMessage: &waE2E.GroupInviteMessage{
		GroupJID: proto.String("12036300000000@g.us"), GroupName: proto.String("Team"),
		InviteCode: proto.String("AbC"), InviteExpiration: proto.Int64(1_700_000_000), Caption: proto.String("Join us")}},
		Object{"type": "group_invite", "content": "Join us", "group_invite": Object{"groupJid": "12036300000000@g.us",
			"groupName": "Team", "code": "AbC", "expiresAt": "2023-11-14T22:13:20Z"}}},
	"a sticker": {&waE2E.Message{StickerMessage: &waE2E.StickerMessage{Width: proto.Uint32(512),
		Height: proto.Uint32(512)}}, Object{"type": "sticker", "media": media("sticker", Object{"width": 512,
		"height": 512, "isAnimated": false})}},
	"a sticker that moves": {&waE2E.Message{StickerMessage: &waE2E.StickerMessage{IsAnimated: proto.Bool(true)}},
		Object{"type": "sticker", "media": media("sticker", Object{"isAnimated": true})}},
	"a drawing that moves": {&waE2E.Message{LottieStickerMessage: &waE2E.FutureProofMessage{
		Message: &waE2E.Message{StickerMessage: &waE2E.StickerMessage{IsLottie: proto.Bool(true),
			Mimetype: proto.String("application/was")}}}},
		Object{"type": "sticker", "media": media("sticker", Object{"isAnimated": true, "mimetype": "application/was",
			"mimeType": "application/was"})}},
}

func TestEachKindIsToldWhole(t *testing.T) {
	for name, each := range kinds {
		data := ExchangeOf(ctx, book{}, received(each.message), "").Data
		if got, wanted := written(t, data["message"]), written(t, whole(each.wanted)); got != wanted {
			t.Errorf("%s:\n%s, not\n%s", name, got, wanted)
		}
		if data["reply"] != nil || data["mentions"] != nil {
			t.Errorf("%s: %s", name, written(t, data))
		}
	}
}

// own message, as it comes from the phone.
func own(message *waE2E.Message) *events.Message {
	evt := received(&waE2E.Message{DeviceSentMessage: &waE2E.DeviceSentMessage{Message: message}})
	evt.Info.Sender, evt.Info.IsFromMe, evt.Info.PushName = me, true, "Me"
	return evt
}

func TestWhatThePhonesOwnerSendsWithButtonsIsOutgoing(t *testing.T) {
	for _, each := range []struct {
		message *waE2E.Message
		wanted  Object
	}{
		{&waE2E.Message{ButtonsMessage: &waE2E.ButtonsMessage{ContentText: proto.String("Choose one")}},
			Object{"type": "buttons", "content": "Choose one"}},
		{&waE2E.Message{ListMessage: &waE2E.ListMessage{Title: proto.String("Plans"),
			Description: proto.String("Choose a plan")}}, Object{"type": "list", "content": "Choose a plan"}},
		{&waE2E.Message{InteractiveMessage: &waE2E.InteractiveMessage{
			Body: &waE2E.InteractiveMessage_Body{Text: proto.String("Look")}}},
			Object{"type": "interactive", "content": "Look", "interactive": Object{}}},
	} {
		wanted := Object{"id": "ID", "direction": "outgoing", "timestamp": "2023-11-14T22:13:20Z",
			"chat":      Object{"jid": bob.String(), "lid": bobs.String(), "name": "Bob", "type": "private"},
			"sender":    Object{"jid": me.String(), "lid": mine.String(), "name": "Me"},
			"recipient": Object{"jid": bob.String(), "lid": bobs.String()}, "message": whole(each.wanted)}
		if got := written(t, ExchangeOf(ctx, book{}, own(each.message), "").Data); got != written(t, wanted) {
			t.Errorf("%s, not\n%s", got, written(t, wanted))
		}
	}
}

func text(info *waE2E.ContextInfo) *waE2E.Message {
	return &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String("x"), ContextInfo: info}}
}

func in(m *waE2E.Message) *waE2E.FutureProofMessage { return &waE2E.FutureProofMessage{Message: m} }

func TestWhatIsSpecialAboutAMessageIsSaidOfNoOther(t *testing.T) {
	context := func(part Object) Object { all := maps.Clone(noQuote); maps.Copy(all, part); return all }
	forwarded := &waE2E.ContextInfo{IsForwarded: proto.Bool(true), ForwardingScore: proto.Uint32(4)}
	fading := &waE2E.ContextInfo{Expiration: proto.Uint32(86400)}
	once := &waE2E.Message{ImageMessage: new(waE2E.ImageMessage)}
	marked := &waE2E.Message{AudioMessage: &waE2E.AudioMessage{PTT: proto.Bool(true), ViewOnce: proto.Bool(true)}}
	image := Object{"type": "image", "media": media("image", nil), "isViewOnce": true}
	for name, each := range map[string]struct {
		message *waE2E.Message
		wanted  Object
	}{
		"nothing": {text(&waE2E.ContextInfo{}), Object{"type": "text", "content": "x", "context": noQuote}},
		"forwarded": {text(forwarded), Object{"type": "text", "content": "x", "isForwarded": true,
			"context": context(Object{"isForwarded": true, "forwardingScore": 4})}},
		"fading": {text(fading), Object{"type": "text", "content": "x", "isEphemeral": true,
			"context": context(Object{"expiration": 86400})}},
		"wrapped, fading": {&waE2E.Message{EphemeralMessage: in(&waE2E.Message{Conversation: proto.String("x")})},
			Object{"type": "text", "content": "x", "isEphemeral": true}},
		"once":           {&waE2E.Message{ViewOnceMessage: in(once)}, image},
		"once, second":   {&waE2E.Message{ViewOnceMessageV2: in(once)}, image},
		"once, extended": {&waE2E.Message{ViewOnceMessageV2Extension: in(once)}, image},
		"once, marked": {marked, Object{"type": "audio", "media": media("ptt", nil),
			"isViewOnce": true}},
		"both": {&waE2E.Message{EphemeralMessage: in(&waE2E.Message{ViewOnceMessageV2: in(once)})},
			Object{"type": "image", "media": media("image", nil), "isViewOnce": true, "isEphemeral": true}},
	} {
		data := ExchangeOf(ctx, book{}, received(each.message), "").Data
		if got, wanted := written(t, data["message"]), written(t, whole(each.wanted)); got != wanted {
			t.Errorf("%s:\n%s, not\n%s", name, got, wanted)
		}
	}
}

func TestWhatIsQuotedHasItsKindHoweverItIsWrapped(t *testing.T) {
	document := &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{Caption: proto.String("y")}}
	image := &waE2E.Message{ImageMessage: &waE2E.ImageMessage{Caption: proto.String("y")}}
	for _, each := range []struct {
		quoted     *waE2E.Message
		kind, text string
	}{
		{&waE2E.Message{Conversation: proto.String("y")}, "text", "y"},
		{image, "image", "y"},
		{&waE2E.Message{DocumentWithCaptionMessage: in(document)}, "document", "y"},
		{&waE2E.Message{ViewOnceMessageV2: in(image)}, "image", "y"},
		{&waE2E.Message{EphemeralMessage: in(&waE2E.Message{Conversation: proto.String("y")})}, "text", "y"},
		{&waE2E.Message{PollCreationMessageV3: &waE2E.PollCreationMessage{Name: proto.String("y")}}, "poll", "y"},
		{&waE2E.Message{AudioMessage: new(waE2E.AudioMessage)}, "audio", ""},
	} {
		info := answering("OLD")
		info.QuotedMessage, info.Participant = each.quoted, proto.String(bobs.String())
		data := ExchangeOf(ctx, book{}, received(text(info)), "").Data
		reply := written(t, Object{"message_id": "OLD", "text": each.text, "sender": bob.String()})
		if kind := data["message"].(Object)["context"].(Object)["quotedType"]; kind != each.kind {
			t.Errorf("%s is a %s", each.quoted, kind)
		}
		if got := written(t, data["reply"]); got != reply {
			t.Errorf("%s, not %s", got, reply)
		}
	}
}

// JSON has no words for them, and what is refused for that would hold up all that comes after it.
func TestNumbersThatAreNoneAreNotTold(t *testing.T) {
	for _, off := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 90.5} {
		for name, message := range map[string]*waE2E.Message{
			"locationMessage": {LocationMessage: &waE2E.LocationMessage{DegreesLatitude: &off}},
			"liveLocationMessage": {LiveLocationMessage: &waE2E.LiveLocationMessage{DegreesLatitude: proto.Float64(1),
				DegreesLongitude: proto.Float64(2 * off)}},
		} {
			shown := ExchangeOf(ctx, book{}, received(message), "").Data["message"]
			if got := written(t, shown); got != written(t, whole(Object{"type": "unsupported", "rawType": name})) {
				t.Error(got)
			}
		}
		event := &waE2E.Message{EventMessage: &waE2E.EventMessage{StartTime: proto.Int64(math.MaxInt64),
			EndTime: proto.Int64(-1), Location: &waE2E.LocationMessage{DegreesLatitude: &off,
				DegreesLongitude: proto.Float64(1)}}}
		shown := ExchangeOf(ctx, book{}, received(event), "").Data["message"].(Object)["event"]
		if got := written(t, shown); got != `{"description":"","endAt":null,"isCanceled":false,"joinLink":null,`+
			`"location":{"latitude":null,"longitude":null,"name":""},"name":"","startAt":null}` {
			t.Error(got)
		}
	}
}
