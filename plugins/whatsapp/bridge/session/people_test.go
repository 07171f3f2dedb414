package session

import (
	"slices"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"
)

var team = types.NewJID("120363", types.GroupServer)

func inTeam(id string, message *waE2E.Message) *events.Message {
	sender, _ := types.ParseJID(bob)
	info := types.MessageInfo{ID: id, Timestamp: time.Unix(1_795_000_000, 0),
		MessageSource: types.MessageSource{Chat: team, Sender: sender, IsGroup: true}}
	return (&events.Message{Info: info, RawMessage: message}).UnwrapRaw()
}

func hello(words string) *waE2E.Message { return &waE2E.Message{Conversation: proto.String(words)} }

func TestAGroupThatWhatsAppHasNotToldOfIsAskedForOnceAMinuteAndNoMoreWhenItHas(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	w.whatsapp.set(errRefused)
	chats := func() (all []any) {
		for _, each := range w.of("message.exchange") {
			all = append(all, each["chat"].(Object)["name"])
		}
		return all
	}
	l.handle(inTeam("A", hello("1")))
	w.clock.pass(groupPause - 1)
	l.handle(inTeam("B", hello("2")))
	if len(w.whatsapp.requests()) != 1 {
		t.Fatal(w.whatsapp.requests())
	}
	w.whatsapp.group = &types.GroupInfo{JID: team, GroupName: types.GroupName{Name: "Team"}}
	w.whatsapp.set(nil)
	w.clock.pass(1)
	l.handle(inTeam("C", hello("3")))
	w.clock.pass(time.Hour)
	l.handle(inTeam("D", hello("4")))
	if len(w.whatsapp.requests()) != 2 || !slices.Equal(chats(), []any{"", "", "Team", "Team"}) {
		t.Fatal(w.whatsapp.requests(), chats())
	}
}

func TestANameThatAGroupIsGivenWhileWhatsAppDoesNotAnswerIsItsName(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	w.whatsapp.set(errRefused)
	l.handle(&events.GroupInfo{JID: team, Name: &types.GroupName{Name: "New"}})
	l.handle(inTeam("A", hello("1")))
	if chat := w.of("message.exchange")[0]["chat"].(Object); chat["name"] != "New" {
		t.Fatal(chat)
	}
}

func TestACommunityIsAGroupThatOthersBelongTo(t *testing.T) {
	for _, each := range []struct {
		group  types.GroupInfo
		wanted any
	}{
		{types.GroupInfo{GroupParent: types.GroupParent{IsParent: true}}, true},
		{types.GroupInfo{GroupLinkedParent: types.GroupLinkedParent{LinkedParentJID: team}}, nil},
		{types.GroupInfo{}, nil},
	} {
		w := newWorld(t)
		l := w.linked(t)
		w.whatsapp.group = &each.group
		l.handle(inTeam("A", hello("1")))
		if chat := w.of("message.exchange")[0]["chat"].(Object); chat["isCommunity"] != each.wanted {
			t.Fatal(chat)
		}
	}
}

func TestAGroupThatTheInstanceHasJoinedIsNotAskedFor(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	l.handle(&events.JoinedGroup{GroupInfo: types.GroupInfo{JID: team, GroupName: types.GroupName{Name: "Team"},
		GroupParent: types.GroupParent{IsParent: true}}})
	l.handle(inTeam("A", hello("1")))
	chat := w.of("message.exchange")[0]["chat"].(Object)
	if len(w.whatsapp.requests()) != 0 || chat["name"] != "Team" || chat["isCommunity"] != true {
		t.Fatal(w.whatsapp.requests(), chat)
	}
}
