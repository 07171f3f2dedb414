package session

import (
	"strconv"
	"testing"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/state"
)

func metaOf(id string) types.BasicCallMeta {
	from, _ := types.ParseJID(bob)
	return types.BasicCallMeta{From: from, CallCreator: from, CallID: id, Timestamp: time.Unix(1_795_000_000, 0)}
}

func rejecting(t *testing.T, w *world) *link {
	t.Helper()
	l := w.linked(t)
	if err := l.apply(t.Context(), state.Settings{AutoRejectCalls: true, CallRejectMessage: "Write"}); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestACallIsRejectedOnceThoughThereAreTwoNoticesOfIt(t *testing.T) {
	w := newWorld(t)
	l := rejecting(t, w)
	l.handle(&events.CallOfferNotice{BasicCallMeta: metaOf("A"), Media: "audio", Type: "group"})
	l.handle(&events.CallOffer{BasicCallMeta: metaOf("A"), Data: &waBinary.Node{}})
	l.handle(&events.CallOffer{BasicCallMeta: metaOf("B"), Data: &waBinary.Node{}})
	for _, id := range []string{"A", "B"} {
		w.await("call.update", func(data Object) bool {
			return data["callId"] == id && data["type"] == "rejected" && data["autoRejected"] == true
		})
	}
	if asked := w.whatsapp.requests(); len(asked) != 2 {
		t.Fatal(asked)
	}
}

func TestACallWhoseRejectionHasFailedIsRejectedAtTheNextNotice(t *testing.T) {
	w := newWorld(t)
	l := rejecting(t, w)
	w.whatsapp.set(errRefused)
	l.rejected.begin("A")
	l.reject(metaOf("A"))
	w.whatsapp.set(nil)
	l.handle(&events.CallOfferNotice{BasicCallMeta: metaOf("A")})
	w.await("call.update", func(data Object) bool { return data["type"] == "rejected" })
}

func TestACallThatHasWaitedForAConnectionIsToldOfAlone(t *testing.T) {
	w := newWorld(t)
	l := rejecting(t, w)
	w.clock.pass(ringsFor)
	l.handle(&events.CallOfferNotice{BasicCallMeta: metaOf("A")})
	w.requireTold(t, "call.update notification")
	if l.rejected.ids != nil {
		t.Fatal("it is being rejected")
	}
}

func TestWhatIsRememberedOfRejectionsHasAnEnd(t *testing.T) {
	var r recentIDs
	for i := range mostRecent + 1 {
		if !r.begin(strconv.Itoa(i)) {
			t.Fatal(i)
		}
	}
	if len(r.ids) != mostRecent || r.begin(strconv.Itoa(mostRecent)) || !r.begin("0") {
		t.Fatal(len(r.ids))
	}
}

func TestAGroupsCallIsRejectedWhereItWasMade(t *testing.T) {
	w := newWorld(t)
	l := rejecting(t, w)
	meta := metaOf("A")
	meta.From, meta.GroupJID = team, team
	l.handle(&events.CallOfferNotice{BasicCallMeta: meta, Type: "group"})
	w.await("message.exchange", func(data Object) bool { return data["chat"].(Object)["jid"] == bob })
	if asked := w.whatsapp.requests(); asked[0] != "reject A of "+bob {
		t.Fatal(asked)
	}
}

func TestWhatHappensToACallIsTold(t *testing.T) {
	const head = `{"autoRejected":false,"callId":"A","creator":{"jid":"` + bob + `","lid":null},"from":{"jid":"` + bob +
		`","lid":null,"name":""},`
	const tail = `"timestamp":"2026-11-18T11:06:40Z",`
	remote := types.CallRemoteMeta{RemotePlatform: "android", RemoteVersion: "2.26.40"}
	for _, each := range []struct {
		happened any
		wanted   string
	}{
		{&events.CallAccept{BasicCallMeta: metaOf("A"), CallRemoteMeta: remote}, head + `"groupJid":null,` +
			`"isGroup":false,"isVideo":null,"media":null,"platform":"android","reason":null,"status":"accepted",` + tail +
			`"type":"accepted","version":"2.26.40"}`},
		{&events.CallReject{BasicCallMeta: metaOf("A")}, head + `"groupJid":null,"isGroup":false,"isVideo":null,` +
			`"media":null,"platform":null,"reason":null,"status":"rejected",` + tail + `"type":"rejected","version":null}`},
		{&events.CallTerminate{BasicCallMeta: metaOf("A"), Reason: "timeout"}, head + `"groupJid":null,` +
			`"isGroup":false,"isVideo":null,"media":null,"platform":null,"reason":"timeout","status":"terminated",` + tail +
			`"type":"terminated","version":null}`},
		{&events.CallOfferNotice{BasicCallMeta: metaOf("A"), Media: "video", Type: "group"}, head +
			`"groupJid":null,"isGroup":true,"isVideo":true,"media":"video","platform":null,"reason":null,` +
			`"status":"notification",` + tail + `"type":"notification","version":null}`},
		{&events.CallRelayLatency{BasicCallMeta: metaOf("A")}, head + `"groupJid":null,"isGroup":false,` +
			`"isVideo":null,"media":null,"platform":null,"reason":null,"status":"latency",` + tail +
			`"type":"latency","version":null}`},
	} {
		w := newWorld(t)
		if !w.linked(t).handle(each.happened) {
			t.Fatal("it was not accepted")
		}
		if got := string(raw(t, w.of("call.update"))); got != "["+each.wanted+"]" {
			t.Errorf("%s, not %s", got, each.wanted)
		}
	}
}

func TestWhatIsSaidOfACallBetweenDevicesIsNotTold(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	for _, each := range []any{&events.CallPreAccept{}, &events.CallTransport{}, &events.UnknownCallEvent{}} {
		if !l.handle(each) {
			t.Fatal("it was not accepted")
		}
	}
	if told := w.of("call.update"); len(told) != 0 {
		t.Fatal(told)
	}
}
