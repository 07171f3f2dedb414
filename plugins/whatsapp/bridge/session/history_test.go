package session

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/proto/waWeb"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"pombo/bridge/state"
)

func TestWhetherAHistoryIsWantedIsDecidedWhenAPhoneLinks(t *testing.T) {
	days := 30
	for _, each := range []struct {
		days     *int
		disabled bool // when it is linked
		wanted   bool
	}{{nil, true, false}, {nil, false, true}, {&days, true, true}, {&days, false, true}} {
		w := newWorld(t)
		l := w.linked(t)
		l.request.HistoryDays = each.days
		l.apply(t.Context(), state.Settings{DisableHistorySync: each.disabled})
		if !l.client.PrePairCallback(types.EmptyJID, "", "") {
			t.Fatal("it was not kept")
		}
		next := w.linked(t) // by a request that says nothing of it
		for _, disabled := range []bool{false, true} {
			next.apply(t.Context(), state.Settings{DisableHistorySync: disabled})
			if wanted, err := next.wantsHistory(); err != nil || wanted != each.wanted {
				t.Fatal(each, disabled, wanted, err)
			}
		}
	}
}

func TestASessionOfWhichNothingIsKeptGoesByItsSettings(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	for _, disabled := range []bool{false, true} {
		l.apply(t.Context(), state.Settings{DisableHistorySync: disabled})
		if wanted, err := l.wantsHistory(); err != nil || wanted == disabled {
			t.Fatal(disabled, wanted, err)
		}
	}
}

func TestWhichPartsOfAHistoryAreLost(t *testing.T) {
	answered := func(status int) error {
		return whatsmeow.DownloadHTTPError{Response: &http.Response{StatusCode: status}}
	}
	for _, each := range []struct {
		failure error
		lost    bool
	}{
		{answered(403), true}, {answered(404), true}, {answered(410), true},
		{answered(408), false}, {answered(429), false}, {answered(503), false},
		{whatsmeow.ErrInvalidMediaHMAC, true}, {whatsmeow.ErrInvalidMediaEncSHA256, true},
		{whatsmeow.ErrTooShortFile, true}, {whatsmeow.ErrNoURLPresent, true},
		{io.ErrUnexpectedEOF, false}, {errors.New("stream error: stream ID 3; INTERNAL_ERROR"), false},
		{&whatsmeow.DisconnectedError{Action: "info query"}, false}, {whatsmeow.ErrIQTimedOut, false},
		{whatsmeow.ErrNotConnected, false}, {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, false},
	} {
		err := fmt.Errorf("failed to download: %w", each.failure)
		if isLost(err) != each.lost {
			t.Error(err, !each.lost)
		}
	}
	for _, err := range []error{fmt.Errorf("failed to decompress: %w", io.ErrUnexpectedEOF),
		errors.New("failed to unmarshal: proto: cannot parse")} {
		if !isLost(err) {
			t.Error(err)
		}
	}
}

func TestAPartOfAHistoryThatCannotBeFetchedNowIsFetchedLater(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	path, checksum := "/v/part", make([]byte, 32)
	written, err := proto.Marshal(&waE2E.HistorySyncNotification{DirectPath: &path, MediaKey: checksum,
		FileSHA256: checksum, FileEncSHA256: checksum})
	if err == nil {
		err = l.state.KeepNotice(t.Context(), "NOTICE", written)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // whoever else asks meanwhile
		l.readHistory()
	}
	if id, _, err := l.state.NextNotice(t.Context()); err != nil || id != "NOTICE" {
		t.Fatal(id, err)
	}
	if waiting := len(w.clock.alarm); waiting != 1 {
		t.Fatal(waiting)
	}
	if err = l.state.DropNotice(t.Context(), "NOTICE"); err != nil {
		t.Fatal(err)
	}
	written, _ = proto.Marshal(&waE2E.HistorySyncNotification{InitialHistBootstrapInlinePayload: packed(t,
		historyOf(bob, &waWeb.WebMessageInfo{Key: keyOf("A", false, ""), Message: hello("hi")}))})
	if err = l.state.KeepNotice(t.Context(), "NOTICE", written); err != nil {
		t.Fatal(err)
	}
	w.clock.pass(settlePause)
	if told := w.await("message.exchange", func(Object) bool { return true }); told["isHistory"] != true {
		t.Fatal(told)
	}
}

// packed as a phone uploads it.
func packed(t *testing.T, part *waHistorySync.HistorySync) []byte {
	t.Helper()
	written, err := proto.Marshal(part)
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	packer := zlib.NewWriter(&all)
	packer.Write(written)
	packer.Close()
	return all.Bytes()
}

// tellPart of a history, as the phone announces it when it is small.
func (l *link) tellPart(t *testing.T, part *waHistorySync.HistorySync) {
	t.Helper()
	if !l.tellHistory(&waE2E.HistorySyncNotification{InitialHistBootstrapInlinePayload: packed(t, part)}) {
		t.Fatal("it was not told")
	}
}

func historyOf(chat string, all ...*waWeb.WebMessageInfo) *waHistorySync.HistorySync {
	conversation := &waHistorySync.Conversation{ID: &chat}
	for _, each := range all {
		conversation.Messages = append(conversation.Messages, &waHistorySync.HistorySyncMsg{Message: each})
	}
	return &waHistorySync.HistorySync{SyncType: waHistorySync.HistorySync_RECENT.Enum(),
		Conversations: []*waHistorySync.Conversation{conversation}}
}

func keyOf(id string, fromMe bool, author string) *waCommon.MessageKey {
	key := &waCommon.MessageKey{ID: &id, FromMe: &fromMe}
	if author != "" {
		key.Participant = &author
	}
	return key
}

func TestLinesOfAChatThatAreNoMessagesArePassedOver(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	lines := map[string]*waWeb.WebMessageInfo{
		"a call": {Key: keyOf("A", false, ""), MessageStubType: waWeb.WebMessageInfo_CALL_MISSED_VOICE.Enum()},
		"an edit without content": {Key: keyOf("B", false, ""), Message: &waE2E.Message{
			ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum()}}},
	}
	for name, line := range lines {
		l.tellPart(t, historyOf(bob, line, &waWeb.WebMessageInfo{Key: keyOf(name, false, ""), Message: hello("hi")}))
	}
	if lines := w.lines(t); len(lines) != 0 {
		t.Fatal(lines)
	}
	if told := w.of("message.exchange"); len(told) != len(lines) {
		t.Fatal(told)
	}
}

func TestAnEditedMessageOfAHistoryIsToldAsItIsNow(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	edited := &waE2E.Message{EditedMessage: &waE2E.FutureProofMessage{Message: &waE2E.Message{
		ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(),
			Key: keyOf("A", false, ""), EditedMessage: hello("new")}}}}
	l.tellPart(t, historyOf(bob, &waWeb.WebMessageInfo{Key: keyOf("A", false, ""), Message: edited}))
	told := w.of("message.exchange")[0]
	shown := told["message"].(Object)
	if told["id"] != "A" || told["isHistory"] != true || shown["type"] != "text" || shown["content"] != "new" ||
		shown["isEdit"] != false || shown["edit"] != nil {
		t.Fatal(told)
	}
}

func TestAPollOfAHistoryIsKeptForItsVotes(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	vote := sha256.Sum256([]byte("Salad"))
	l.tellPart(t, historyOf(bob, &waWeb.WebMessageInfo{Key: keyOf("POLL", true, ""),
		Message: &waE2E.Message{PollCreationMessage: &waE2E.PollCreationMessage{Name: proto.String("Lunch?"),
			Options: []*waE2E.PollCreationMessage_Option{{OptionName: proto.String("Salad")}}}},
		PollUpdates: []*waWeb.PollUpdate{{PollUpdateMessageKey: keyOf("VOTE", false, ""),
			SenderTimestampMS: proto.Int64(1_700_000_000_000),
			Vote:              &waE2E.PollVoteMessage{SelectedOptions: [][]byte{vote[:]}}}}}))
	if title, options := l.people.Poll(t.Context(), "POLL"); title != "Lunch?" || len(options) != 1 {
		t.Fatal("it is not kept")
	}
	told := w.of("message.exchange")[1]
	wanted := `{"message_id":"POLL","options":[{"name":"Salad"}],"title":"Lunch?","voter":{"jid":"` + bob +
		`","lid":null,"name":""}}`
	if shown := told["message"].(Object); told["id"] != "VOTE" || told["isHistory"] != true ||
		told["timestamp"] != "2023-11-14T22:13:20Z" || shown["type"] != "poll_update" ||
		string(raw(t, shown["poll"])) != wanted {
		t.Fatal(told)
	}
}

func TestWhatPeopleHaveReactedWithInAHistoryIsTold(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	w.whatsapp.set(errRefused)
	reaction := func(key *waCommon.MessageKey, text string) *waWeb.Reaction {
		return &waWeb.Reaction{Key: key, Text: &text}
	}
	const eve = "15550003333@s.whatsapp.net"
	for _, each := range []struct {
		chat     string
		to       *waCommon.MessageKey
		by       *waCommon.MessageKey
		fromMe   bool
		outgoing bool
	}{
		{bob, keyOf("A", true, ""), keyOf("R1", false, ""), true, false},
		{bob, keyOf("A", false, ""), keyOf("R2", false, ""), false, false},
		{bob, keyOf("A", false, ""), keyOf("R3", true, ""), false, true},
		{bob, keyOf("A", true, ""), keyOf("R4", true, ""), true, true},
		{team.String(), keyOf("A", true, ""), keyOf("R5", false, bob), true, false},
		{team.String(), keyOf("A", false, eve), keyOf("R6", false, bob), false, false},
		{team.String(), keyOf("A", false, bob), keyOf("R7", false, bob), false, false},
		{team.String(), keyOf("A", false, bob), keyOf("R8", true, ""), false, true},
	} {
		l.tellPart(t, historyOf(each.chat, &waWeb.WebMessageInfo{Key: each.to, Message: hello("hi"),
			Reactions: []*waWeb.Reaction{reaction(each.by, "+"), reaction(keyOf("GONE", false, bob), "")}}))
		all := w.of("message.exchange")
		told := all[len(all)-1]
		shown := told["message"].(Object)["reaction"].(Object)
		if told["id"] != each.by.GetID() || told["isHistory"] != true || shown["messageId"] != "A" ||
			shown["fromMe"] != each.fromMe || (told["direction"] == "outgoing") != each.outgoing {
			t.Fatal(each.chat, told)
		}
	}
}

func TestNamesOfAHistoryAreToldAsThoseOfContacts(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	names := &waHistorySync.HistorySync{SyncType: waHistorySync.HistorySync_PUSH_NAME.Enum()}
	for _, each := range [][2]string{{bob, "Bobby"}, {"15550003333@s.whatsapp.net", "-"}, {"none", "x"},
		{team.String(), "x"}} {
		names.Pushnames = append(names.Pushnames, &waHistorySync.Pushname{ID: &each[0], Pushname: &each[1]})
	}
	l.tellPart(t, names)
	if told := string(raw(t, w.of("contact.update"))); told != `[{"jid":"`+bob+`","pushName":"Bobby"}]` {
		t.Fatal(told)
	}
}
