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

func TestCodesThatNobodyScansAreShownInTurnAndThenItIsOver(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	l.pairing.Store(true)
	l.handle(&events.QR{Codes: []string{"1", "2", "3"}})
	w.clock.pass(firstCode + laterCode - 1)
	if len(w.clock.alarm) != 1 || w.clock.alarm[0].at.Sub(w.clock.at) != 1 {
		t.Fatal(w.clock.alarm)
	}
	w.clock.pass(laterCode)
	if l.over.Load() {
		t.Fatal("before the last one was shown")
	}
	w.clock.pass(1)
	wanted := `[{"codes":["1","2","3"],"state":"qr_ready"},{"codes":["2","3"],"state":"qr_ready"},` +
		`{"codes":["3"],"state":"qr_ready"},{"reason":"pairing_timeout","state":"disconnected"}]`
	if told := w.statesUntil(t, "disconnected"); told != wanted {
		t.Fatal(told)
	}
	<-l.ctx.Done()
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
