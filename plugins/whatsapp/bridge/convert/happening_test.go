package convert

import (
	"maps"
	"testing"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
)

func TestEachHappeningToACallIsToldWhole(t *testing.T) {
	meta := types.BasicCallMeta{From: bobs, CallCreator: bobs, CallCreatorAlt: bob, CallID: "A1B2",
		Timestamp: time.Unix(1_700_000_000, 5)}
	ofGroup := meta
	ofGroup.From, ofGroup.GroupJID = group, group
	phone := types.CallRemoteMeta{RemotePlatform: "android", RemoteVersion: "2.26.40"}
	for name, each := range map[string]struct {
		evt    any
		wanted Object
	}{
		"offer": {&events.CallOffer{BasicCallMeta: meta, CallRemoteMeta: phone, Data: &waBinary.Node{}},
			Object{"isVideo": false, "media": "audio", "platform": "android", "version": "2.26.40"}},
		"offer of a video": {&events.CallOffer{BasicCallMeta: meta, Data: &waBinary.Node{
			Content: []waBinary.Node{{Tag: "video"}}}}, Object{"type": "offer", "isVideo": true, "media": "video"}},
		"accepted": {&events.CallAccept{BasicCallMeta: meta, CallRemoteMeta: phone},
			Object{"platform": "android", "version": "2.26.40"}},
		"rejected":           {&events.CallReject{BasicCallMeta: meta}, Object{}},
		"terminated":         {&events.CallTerminate{BasicCallMeta: meta, Reason: "timeout"}, Object{"reason": "timeout"}},
		"terminated, simply": {&events.CallTerminate{BasicCallMeta: meta}, Object{"type": "terminated"}},
		"latency":            {&events.CallRelayLatency{BasicCallMeta: meta}, Object{}},
		"notification": {&events.CallOfferNotice{BasicCallMeta: ofGroup, Media: "video", Type: "group"},
			Object{"from": Object{"jid": group.String(), "lid": nil, "name": ""}, "isGroup": true,
				"groupJid": group.String(), "isVideo": true, "media": "video"}},
	} {
		wanted := Object{"type": name, "callId": "A1B2", "timestamp": "2023-11-14T22:13:20Z",
			"from":    Object{"jid": bob.String(), "lid": bobs.String(), "name": "Bob"},
			"creator": Object{"jid": bob.String(), "lid": bobs.String()}, "isGroup": false, "groupJid": nil,
			"isVideo": nil, "media": nil, "platform": nil, "version": nil, "reason": nil, "autoRejected": false}
		maps.Copy(wanted, each.wanted)
		wanted["status"] = wanted["type"]
		if got := written(t, CallOf(ctx, book{}, each.evt)); got != written(t, wanted) {
			t.Errorf("%s:\n%s, not\n%s", name, got, written(t, wanted))
		}
	}
	for _, evt := range []any{&events.CallPreAccept{}, &events.CallTransport{}, &events.UnknownCallEvent{}} {
		if data := CallOf(ctx, book{}, evt); data != nil {
			t.Error(data)
		}
	}
}
