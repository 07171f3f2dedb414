package session

import (
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types/events"
)

// after what was told to come last, all states that were told.
func (w *world) statesUntil(t *testing.T, last string) string {
	t.Helper()
	w.awaitState(last)
	return string(raw(t, w.of("instance.state")))
}

func TestWhatHappensToALinkThatStaysIsTold(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	at := time.Unix(1_795_000_000, 0)
	l.handle(&events.StreamError{Code: "500"})
	l.handle(&events.KeepAliveTimeout{ErrorCount: 1, LastSuccess: at})
	l.handle(&events.KeepAliveRestored{})
	wanted := `[{"code":"500","state":"stream_error"},` +
		`{"errorCount":1,"lastSuccess":"2026-11-18T11:06:40Z","state":"keepalive_timeout"},` +
		`{"state":"keepalive_restored"}]`
	if told := w.statesUntil(t, "keepalive_restored"); told != wanted || len(w.whatsapp.requests()) != 0 {
		t.Fatal(told, w.whatsapp.requests())
	}
}

func TestTheThirdPingInARowThatIsNotAnsweredOpensTheLinkAgain(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	for count := 1; count <= mostTimeouts; count++ {
		if asked := w.whatsapp.requests(); len(asked) != 0 {
			t.Fatal(count, asked)
		}
		l.handle(&events.KeepAliveTimeout{ErrorCount: count})
	}
	if asked := w.whatsapp.requests(); len(asked) != 1 || asked[0] != "reset" {
		t.Fatal(asked)
	}
	l.handle(&events.Disconnected{}) // what comes of it
	if len(l.lost) != 1 {
		t.Fatal("it is not opened again")
	}
}

// sixCodes are as many as WhatsApp gives at once.
func sixCodes(name string) *events.QR {
	made := &events.QR{}
	for _, each := range []string{"1", "2", "3", "4", "5", "6"} {
		made.Codes = append(made.Codes, name+each)
	}
	return made
}

func (w *world) pairing(t *testing.T) *link {
	t.Helper()
	l := w.linked(t)
	l.pairing.Store(true)
	l.asked.Store(true)
	return l
}

// first of the codes, each time that any were shown.
func (w *world) shown() (all string) {
	for _, each := range w.of("instance.state") {
		if codes, is := each["codes"].([]any); is && len(codes) > 0 {
			all += codes[0].(string) + " "
		}
	}
	return all
}

func TestCodesThatNobodyScansAreShownInTurnAndFollowedByOthersForThreeMinutes(t *testing.T) {
	w := newWorld(t)
	l := w.pairing(t)
	l.handle(sixCodes("a"))
	w.clock.pass(firstCode + 5*laterCode - 1)
	if len(l.lost) != 0 {
		t.Fatal("before the last one was shown")
	}
	w.clock.pass(1)
	if len(l.lost) != 1 || <-l.lost {
		t.Fatal("there is no other connection, or without a pause")
	}
	l.handle(sixCodes("b"))
	w.clock.pass(laterCode - 1)
	if l.over.Load() {
		t.Fatal("before three minutes")
	}
	w.clock.pass(1)
	ended := w.awaitState("disconnected")
	if ended["reason"] != "pairing_timeout" || w.shown() != "a1 a2 a3 a4 a5 a6 b1 " {
		t.Fatal(ended, w.shown())
	}
	<-l.ctx.Done()
	l.handle(&events.Disconnected{})
	w.clock.pass(time.Hour)
	if told := w.of("instance.state"); len(told) != 8 {
		t.Fatal(told)
	}
}

func TestAConnectionThatIsLostBeforeAScanIsFollowedByAnotherAndItsCodesByThose(t *testing.T) {
	w := newWorld(t)
	l := w.pairing(t)
	l.handle(sixCodes("a"))
	l.handle(&events.Disconnected{})
	if len(l.lost) != 1 || l.asked.Load() {
		t.Fatal("it is not opened again, however often that takes")
	}
	w.clock.pass(firstCode) // its codes are of no use any more
	l.handle(sixCodes("b"))
	w.clock.pass(firstCode)
	l.tell(Object{"state": "keepalive_restored"})
	w.awaitState("keepalive_restored")
	if shown := w.shown(); shown != "a1 b1 b2 " {
		t.Fatal(shown)
	}
}

func TestALinkThatIsLostBeforeThereIsACodeOrWithACodeThatIsTypedIsOver(t *testing.T) {
	for _, number := range []string{"", "15550001111"} {
		w := newWorld(t)
		l := w.pairing(t)
		l.request.Number = number
		if number != "" {
			l.lots.Add(1)
		}
		l.handle(&events.Disconnected{})
		if ended := w.awaitState("disconnected"); ended["reason"] != "closed" {
			t.Fatal(ended)
		}
		<-l.ctx.Done()
	}
}

func TestACodeThatWasScannedIsFollowedByNoOther(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	l.pairing.Store(true)
	l.rejoined.Store(true)
	l.handle(&events.QR{Codes: []string{"1", "2"}})
	l.handle(&events.PairSuccess{})
	w.clock.pass(time.Hour)
	l.handle(&events.KeepAliveRestored{})
	wanted := `[{"codes":["1","2"],"state":"qr_ready"},` +
		`{"businessName":"","jid":"","lid":null,"platform":"","state":"pair_success"},{"state":"keepalive_restored"}]`
	if told := w.statesUntil(t, "keepalive_restored"); told != wanted {
		t.Fatal(told)
	}
}

func TestALinkThatAnotherConnectionHasMadeIsNotJoinedAgain(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	l.handle(&events.Connected{}) // by one that was opened for other codes, while the phone scanned the last
	l.rejoinWhenClosed()
	if len(l.lost) != 0 {
		t.Fatal("it is opened again")
	}
}
