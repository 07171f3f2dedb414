package session

import (
	"slices"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/state"
)

func TestPausesGrowAreNotTheSameForAllAndHaveAnEnd(t *testing.T) {
	for failures, about := range map[int64]time.Duration{1: time.Second, 2: 2 * time.Second, 4: 8 * time.Second,
		9: 256 * time.Second, 10: longestPause, 1000: longestPause} {
		seen := map[time.Duration]bool{}
		for range 50 {
			pause := pauseAfter(failures)
			if pause < about*8/10 || pause > about*12/10 {
				t.Fatalf("%v after %d failures", pause, failures)
			}
			seen[pause] = true
		}
		if len(seen) < 10 {
			t.Fatalf("%d different ones", len(seen))
		}
	}
}

func TestALogLineNamesNobody(t *testing.T) {
	line := masked("Failed for 15550001111:7@s.whatsapp.net in 120363000@g.us: <message id=\"A\">\n<enc/></message> code 401")
	if line != "Failed for ...:7@s.whatsapp.net in ...@g.us: <...> code 401" {
		t.Fatal(line)
	}
}

func TestAPageIsDescribedByWhatItSaysForOthers(t *testing.T) {
	for page, wanted := range map[string][2]string{
		`<title>A &amp; B</title>`: {"A & B", ""},
		`<title>A</title><meta property="og:title" content="B"><meta name='description' content='C'>`: {"B", "C"},
		`<META content="D" property="og:description"><title> A
		 b </title>`: {"A b", "D"},
		`nothing`: {"", ""},
	} {
		if title, description := describedBy(page); title != wanted[0] || description != wanted[1] {
			t.Errorf("%q, %q of %s", title, description, page)
		}
	}
}

func TestTheEndOfABanIsSaidOnlyWhenItIsKnown(t *testing.T) {
	if banned(&events.TemporaryBan{Code: 101})["expiresAt"] != nil {
		t.Fatal("an end")
	}
	data := banned(&events.TemporaryBan{Code: 101, Expire: time.Hour})
	at, err := time.Parse(time.RFC3339, data["expiresAt"].(string))
	if err != nil || at.Before(time.Now().Add(59*time.Minute)) {
		t.Fatal(err, at)
	}
}

func TestALogoutThatWhatsAppIsNotToldOfIsWarnedOf(t *testing.T) {
	const warning = "WhatsApp was not told of a logout"
	for name, each := range map[string]struct {
		prepare func(*world) *link
		warned  bool
	}{
		"a link that is not up": {func(w *world) *link { return w.linked(t) }, true},
		"no link": {func(w *world) *link {
			w.opened.Close()
			return nil
		}, true},
		"a code that nobody has scanned": {func(w *world) *link {
			l := w.linked(t)
			l.pairing.Store(true)
			return l
		}, false},
		"a code that nobody has scanned in time": {func(w *world) *link {
			w.device.Delete(t.Context())
			w.opened.Close()
			return nil
		}, false},
	} {
		w := newWorld(t)
		if l := each.prepare(w); l != nil {
			w.session.set(l)
			close(l.done) // nobody runs it
		}
		if err := w.session.Logout(t.Context()); err != nil {
			t.Fatal(name, err)
		}
		if lines := w.lines(t); slices.Contains(lines, warning) != each.warned {
			t.Error(name, lines)
		}
		if state.Exists(w.session.bridge.Folder, w.session.id.Value) {
			t.Error(name, "something is left")
		}
	}
}
