package convert

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"
)

var (
	ctx   = context.Background()
	bob   = types.NewJID("15550002222", types.DefaultUserServer)
	bobs  = types.NewJID("915550002222", types.HiddenUserServer)
	eve   = types.NewJID("77", types.HiddenUserServer)
	me    = types.NewJID("15550001111", types.DefaultUserServer)
	mine  = types.NewJID("815550001111", types.HiddenUserServer)
	group = types.NewJID("120363", types.GroupServer)

	community = types.NewJID("120364", types.GroupServer)
)

// book knows Bob by both of his addresses, and Eve by one.
type book struct{}

func (book) Other(_ context.Context, jid types.JID) types.JID {
	switch jid {
	case bob:
		return bobs
	case bobs:
		return bob
	}
	return types.EmptyJID
}

func (book) Name(_ context.Context, jid types.JID) string {
	if jid == bob {
		return "Bob"
	}
	return ""
}

func (book) Group(_ context.Context, jid types.JID) Group {
	return Group{Name: "Team", IsCommunity: jid == community}
}
func (book) Poll(context.Context, string) (string, []string) { return "Lunch?", []string{"Pizza"} }
func (book) OldestFirst(ids []string) []string               { return ids }
func (book) Self() Self                                      { return Self{me, mine, "Me"} }

func written(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func received(message *waE2E.Message) *events.Message {
	info := types.MessageInfo{ID: "ID", Timestamp: time.Unix(1_700_000_000, 5), PushName: "Bobby",
		MessageSource: types.MessageSource{Chat: bob, Sender: bob}}
	return (&events.Message{Info: info, RawMessage: message}).UnwrapRaw()
}

func TestAPersonIsKnownByTheNumberWhereverThereIsOne(t *testing.T) {
	device := bobs
	device.Device = 7
	for _, each := range []struct {
		jid, other types.JID
		wanted     string
	}{
		{bob, types.EmptyJID, `{"jid":"15550002222@s.whatsapp.net","lid":"915550002222@lid"}`},
		{device, types.EmptyJID, `{"jid":"15550002222@s.whatsapp.net","lid":"915550002222@lid"}`},
		{eve, types.EmptyJID, `{"jid":"77@lid","lid":"77@lid"}`},
		{eve, me, `{"jid":"15550001111@s.whatsapp.net","lid":"77@lid"}`},
		{me, types.EmptyJID, `{"jid":"15550001111@s.whatsapp.net","lid":null}`},
		{group, types.EmptyJID, `{"jid":"120363@g.us","lid":null}`},
	} {
		if got := written(t, AddressOf(ctx, book{}, each.jid, each.other).object()); got != each.wanted {
			t.Errorf("%s, not %s", got, each.wanted)
		}
	}
}

func TestATextIsTheWholeEvent(t *testing.T) {
	got := ExchangeOf(ctx, book{}, received(&waE2E.Message{Conversation: proto.String("hi")}), "")
	wanted := `{"chat":{"jid":"15550002222@s.whatsapp.net","lid":"915550002222@lid","name":"Bobby","type":"private"},` +
		`"direction":"incoming","id":"ID","message":{"contact":null,"content":"hi","context":null,"edit":null,` +
		`"interactive":null,"isEdit":false,"location":null,"media":null,"reaction":null,"source":"","type":"text"},` +
		`"recipient":{},"sender":{"jid":"15550002222@s.whatsapp.net","lid":"915550002222@lid","name":"Bobby"},` +
		`"timestamp":"2023-11-14T22:13:20Z"}`
	if written(t, got.Data) != wanted || got.Chat != bob.String() || got.MediaKey != "" {
		t.Fatal(written(t, got.Data))
	}
}

func TestWhatSaysNothingToAnybodyIsNoMessage(t *testing.T) {
	for name, message := range map[string]*waE2E.Message{
		"nothing": {},
		"keys":    {SenderKeyDistributionMessage: &waE2E.SenderKeyDistributionMessage{}},
		"a pin":   {PinInChatMessage: &waE2E.PinInChatMessage{}},
		"a timer": {ProtocolMessage: &waE2E.ProtocolMessage{
			Type: waE2E.ProtocolMessage_EPHEMERAL_SETTING.Enum()}},
		"a call":               {Call: &waE2E.Call{}},
		"what is sealed":       {SecretEncryptedMessage: &waE2E.SecretEncryptedMessage{}},
		"the head of an album": {AlbumMessage: &waE2E.AlbumMessage{ExpectedImageCount: proto.Uint32(2)}},
	} {
		if got := ExchangeOf(ctx, book{}, received(message), ""); got.Data != nil {
			t.Errorf("%s: %s", name, written(t, got.Data))
		}
	}
}

func TestOnlyKeysAreNotTheMessageThatTheyComeWith(t *testing.T) {
	keys, secret := &waE2E.SenderKeyDistributionMessage{}, &waE2E.MessageContextInfo{}
	for _, message := range []*waE2E.Message{{SenderKeyDistributionMessage: keys, MessageContextInfo: secret},
		{FastRatchetKeySenderKeyDistributionMessage: keys}} {
		if !IsKeys(message) {
			t.Error(message)
		}
	}
	for _, message := range []*waE2E.Message{nil, {}, {MessageContextInfo: secret},
		{SenderKeyDistributionMessage: keys, Conversation: proto.String("hi")},
		{PinInChatMessage: &waE2E.PinInChatMessage{}}} {
		if IsKeys(message) {
			t.Error(message)
		}
	}
}

func TestWhatIsUnknownIsTold(t *testing.T) {
	got := ExchangeOf(ctx, book{}, received(&waE2E.Message{OrderMessage: &waE2E.OrderMessage{},
		MessageContextInfo: &waE2E.MessageContextInfo{}}), "")
	message := got.Data["message"].(Object)
	if message["type"] != "unsupported" || message["rawType"] != "orderMessage" {
		t.Fatal(written(t, message))
	}
}

func TestWrappedMessagesAreWhatIsInThem(t *testing.T) {
	inner := &waE2E.Message{ImageMessage: &waE2E.ImageMessage{Caption: proto.String("x"),
		Mimetype: proto.String("image/png"), DirectPath: proto.String("/a"), MediaKey: []byte{1}}}
	got := ExchangeOf(ctx, book{}, received(&waE2E.Message{ViewOnceMessageV2: &waE2E.FutureProofMessage{
		Message: inner}}), "")
	message := got.Data["message"].(Object)
	if message["type"] != "image" || message["isViewOnce"] != true || message["content"] != "x" {
		t.Fatal(written(t, message))
	}
	var key MediaKey
	if err := json.Unmarshal([]byte(got.MediaKey), &key); err != nil || key.Path != "/a" || key.ID != "ID" {
		t.Fatal(err, got.MediaKey)
	}
}

func TestTextsThatMentionGroupsAndPhotosOfOtherMessagesAreWhatTheyAre(t *testing.T) {
	wrapped := func(inner *waE2E.Message) *waE2E.FutureProofMessage {
		return &waE2E.FutureProofMessage{Message: inner}
	}
	text := &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String("see @Team")}}
	photo := &waE2E.Message{ImageMessage: &waE2E.ImageMessage{Caption: proto.String("x"), DirectPath: proto.String("/a"),
		MediaKey: []byte{1}}}
	for name, each := range map[string]struct {
		message             *waE2E.Message
		kind, content, path string
	}{
		"a mention": {&waE2E.Message{GroupMentionedMessage: wrapped(text)}, "text", "see @Team", ""},
		"a photo":   {&waE2E.Message{AssociatedChildMessage: wrapped(photo)}, "image", "x", "/a"},
		"a vanishing text": {&waE2E.Message{EphemeralMessage: wrapped(&waE2E.Message{
			GroupMentionedMessage: wrapped(text)})}, "text", "see @Team", ""},
		"a view-once photo": {&waE2E.Message{AssociatedChildMessage: wrapped(&waE2E.Message{
			ViewOnceMessageV2: wrapped(photo)})}, "image", "x", "/a"},
	} {
		got := ExchangeOf(ctx, book{}, received(each.message), "")
		message, _ := got.Data["message"].(Object)
		if message["type"] != each.kind || message["content"] != each.content ||
			(each.path != "") != (got.MediaKey != "") {
			t.Errorf("%s: %s", name, written(t, got))
		}
	}
}

func TestAnEditIsToldOfItsOriginal(t *testing.T) {
	change := &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(), Key: &waCommon.MessageKey{ID: proto.String("OLD")},
		EditedMessage: &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String("new")}}}}
	wrapped := &waE2E.Message{EditedMessage: &waE2E.FutureProofMessage{Message: change}}
	for _, each := range []*waE2E.Message{change, wrapped} {
		got := ExchangeOf(ctx, book{}, received(each), "")
		message := got.Data["message"].(Object)
		if got.Data["id"] != "ID" || written(t, message["edit"]) != `{"original_id":"OLD","text":"new"}` {
			t.Fatal(written(t, got.Data))
		}
	}
}

func TestARevocationHasTheIdOfWhatIsGone(t *testing.T) {
	revoke := func(participant string, edit types.EditAttribute) Object {
		evt := received(&waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
			Type: waE2E.ProtocolMessage_REVOKE.Enum(),
			Key:  &waCommon.MessageKey{ID: proto.String("OLD"), Participant: &participant}}})
		evt.Info.Chat, evt.Info.IsGroup, evt.Info.Edit = group, true, edit
		return ExchangeOf(ctx, book{}, evt, "").Data
	}
	own, others := revoke(bobs.String(), ""), revoke(me.String(), "")
	if own["id"] != "OLD" || own["message"].(Object)["revoke"].(Object)["byAdmin"] != false {
		t.Fatal(written(t, own))
	}
	if others["message"].(Object)["revoke"].(Object)["byAdmin"] != true {
		t.Fatal(written(t, others))
	}
}

func TestAReactionSaysWhetherWhatItIsToIsTheInstances(t *testing.T) {
	typed := func(by types.JID, fromMe bool, participant string, chat types.JID) *events.Message {
		key := &waCommon.MessageKey{ID: proto.String("A"), FromMe: &fromMe}
		if participant != "" {
			key.Participant = &participant
		}
		evt := received(&waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Key: key, Text: proto.String("+")}})
		evt.Info.Chat, evt.Info.Sender, evt.Info.IsFromMe = chat, by, by == me
		evt.Info.IsGroup = chat == group
		return evt
	}
	for _, each := range []struct {
		evt    *events.Message
		wanted bool
	}{
		{typed(bob, false, "", bob), true}, // Bob's `fromMe` is of his own messages
		{typed(bob, true, "", bob), false},
		{typed(me, true, "", bob), true},
		{typed(me, false, "", bob), false},
		{typed(bob, false, me.String(), group), true},
		{typed(bob, false, mine.String(), group), true},
		{typed(bob, false, eve.String(), group), false},
		{typed(bob, true, bobs.String(), group), false},
		{typed(bob, true, "", group), false},
		{typed(bob, false, "", group), false},
		{typed(me, true, mine.String(), group), true},
		{typed(me, false, bobs.String(), group), false},
		{typed(bob, false, mine.String(), types.StatusBroadcastJID), true},
	} {
		shown := ExchangeOf(ctx, book{}, each.evt, "").Data["message"].(Object)["reaction"].(Object)
		if shown["fromMe"] != each.wanted {
			t.Errorf("%v %v: %v", each.evt.Info.MessageSource, each.evt.Message, shown)
		}
	}
}

func TestAVoteNamesItsVoterAndItsPoll(t *testing.T) {
	evt := received(&waE2E.Message{PollUpdateMessage: &waE2E.PollUpdateMessage{
		PollCreationMessageKey: &waCommon.MessageKey{ID: proto.String("POLL")}}})
	message := VoteOf(ctx, book{}, evt, []string{"Pizza"}).Data["message"].(Object)
	poll := message["poll"].(Object)
	if message["content"] != "Pizza" || poll["message_id"] != "POLL" || poll["title"] != "Lunch?" {
		t.Fatal(written(t, message))
	}
}

func TestAFormsAnswerIsReadAsWhatItIs(t *testing.T) {
	for params, wanted := range map[string]string{
		`{"id":"yes"}`:                             "buttons_response",
		`{"id":"buy-2","carousel_card_index":1}`:   "interactive",
		`{"flow_token":"f","email":"a@b.example"}`: "interactive",
		`nonsense`: "interactive",
	} {
		got := ExchangeOf(ctx, book{}, received(&waE2E.Message{
			InteractiveResponseMessage: &waE2E.InteractiveResponseMessage{
				InteractiveResponseMessage: &waE2E.InteractiveResponseMessage_NativeFlowResponseMessage_{
					NativeFlowResponseMessage: &waE2E.InteractiveResponseMessage_NativeFlowResponseMessage{
						Name: proto.String("quick_reply"), ParamsJSON: &params}}}}), "")
		if kind := got.Data["message"].(Object)["type"]; kind != wanted {
			t.Errorf("%s is a %s", params, kind)
		}
	}
}

func TestAGroupsChangesAreTheirOwnEventsInOrder(t *testing.T) {
	all := GroupChangesOf(ctx, book{}, &events.GroupInfo{JID: group, Sender: &bobs, Timestamp: time.Unix(1, 0),
		Name: &types.GroupName{Name: "New"}, Locked: &types.GroupLocked{IsLocked: true},
		Join: []types.JID{mine}, Leave: []types.JID{bob}, JoinReason: "invite"})
	var kinds []string
	for _, each := range all {
		kinds = append(kinds, each["type"].(string))
	}
	if written(t, kinds) != `["joined","left","name","locked"]` {
		t.Fatal(kinds)
	}
	if all[0]["isSelf"] != true || all[0]["reason"] != "invite" || all[1]["isSelf"] != false {
		t.Fatal(written(t, all))
	}
	if all[2]["value"] != "New" || all[2]["groupName"] != "New" || all[0]["groupName"] != "Team" {
		t.Fatal(written(t, all))
	}
}

func TestReceiptsBetweenDevicesAreNobodysBusiness(t *testing.T) {
	receipt := &events.Receipt{MessageSource: types.MessageSource{Chat: group, Sender: bobs, IsGroup: true},
		MessageIDs: []string{"A"}, Type: types.ReceiptTypeRead}
	data, chat := StatusOf(ctx, book{}, receipt)
	if chat != group.String() || data["status"] != "read" || data["messageSender"] != me.String() {
		t.Fatal(written(t, data))
	}
	receipt.Type = types.ReceiptTypePeerMsg
	if data, _ = StatusOf(ctx, book{}, receipt); data != nil {
		t.Fatal(written(t, data))
	}
}

func TestTheNumberOfAContactIsTheOneThatWhatsAppKnows(t *testing.T) {
	for vcard, wanted := range map[string]any{
		"BEGIN:VCARD\nTEL;type=CELL;waid=5511977770000:+55 11 97777-0000\nEND:VCARD": "5511977770000",
		"TEL:+1 (555) 000-2222": "15550002222",
		"FN:Nobody":             nil,
	} {
		if got := phoneIn(vcard); got != wanted {
			t.Errorf("%v, not %v", got, wanted)
		}
	}
}

func TestTextsNameTheOtherAddressWhereTheyMention(t *testing.T) {
	for _, each := range []struct{ text, from, to, wanted string }{
		{"@1 and @12, @1.", "1@lid", "55@s.whatsapp.net", "@55 and @12, @55."},
		{"@1", "1@lid", "1@s.whatsapp.net", "@1"},
		{"@ @1", "@lid", "55@s.whatsapp.net", "@ @1"},
		{"@\xff:1 @1é", "\xff:1@lid", "\xfe@s.whatsapp.net", "@\xfe @1é"},
		{"@$1(", "$1(@lid", "$0@s.whatsapp.net", "@$0"},
		{"", "1@lid", "2@s.whatsapp.net", ""},
	} {
		if made := Readdressed(each.text, each.from, each.to); made != each.wanted {
			t.Errorf("%q: %q", each.text, made)
		}
	}
}

func TestWhoIsMentionedByTheHiddenAddressIsToldByNumber(t *testing.T) {
	told := func(text string) string {
		info := &waE2E.ContextInfo{MentionedJID: []string{bobs.String(), eve.String()}}
		evt := received(&waE2E.Message{ImageMessage: &waE2E.ImageMessage{Caption: &text, ContextInfo: info}})
		data := ExchangeOf(ctx, book{}, evt, "").Data
		message := data["message"].(Object)
		if caption := message["media"].(Object)["caption"]; caption != message["content"] {
			t.Error(caption)
		}
		if all := written(t, data["mentions"]); all != `{"mentionedUsers":["`+bob.String()+`","`+eve.String()+`"]}` {
			t.Error(all)
		}
		return message["content"].(string)
	}
	for text, wanted := range map[string]string{
		"@915550002222, @77: see 915550002222": "@15550002222, @77: see 915550002222",
		"@9155500022220":                       "@9155500022220",
		"@915550002222@915550002222":           "@15550002222@15550002222",
	} {
		if shown := told(text); shown != wanted {
			t.Errorf("%s", shown)
		}
	}
}
