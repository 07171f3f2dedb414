package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"testing"

	"go.mau.fi/whatsmeow/socket"
	"go.mau.fi/whatsmeow/types/events"
)

func TestALinkIsGivenUpForAServerThatIsNotWhatsAppsAndNotForTheWayThere(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	at := func(text string) error {
		return fmt.Errorf("noise handshake failed: failed to verify server cert: %s", text)
	}
	portal := &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "web"}}
	for err, again := range map[error]bool{
		fmt.Errorf("%w: %w", socket.ErrDialFailed, portal):                                    true,
		at("leaf cert cert certificate expired (current time 1 is after 0)"):                  true,
		at("intermediate cert certificate not valid yet (current time 0 is before 1)"):        true,
		at("failed to verify intermediate cert signature"):                                    false,
		at("cert key doesn't match decrypted static"):                                         false,
		fmt.Errorf("%w: %w", socket.ErrDialFailed, socket.ErrWithStatusCode{StatusCode: 403}): false,
		fmt.Errorf("%w: %w", socket.ErrDialFailed, socket.ErrWithStatusCode{StatusCode: 503}): true,
		fmt.Errorf("%w: %w", socket.ErrDialFailed, context.DeadlineExceeded):                  true,
	} {
		l.asked.Store(false)
		if l.mayTryAgain(err) != again {
			t.Error(err, !again)
		}
		l.asked.Store(true)
		if l.mayTryAgain(err) != errors.Is(err, context.DeadlineExceeded) {
			t.Error(err, "whoever waits for a code is told of all but silence")
		}
	}
	if reasonOf(portal) != "the server is not WhatsApp's" {
		t.Error(reasonOf(portal))
	}
}

func TestALoginIsUnderWayUntilItIsAnswered(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	under := func() int { return len(w.session.bridge.logins) }
	answered := func(evt any) func() { return func() { l.handle(evt) } }
	for name, ends := range map[string]func(){
		"it is linked":        answered(&events.Connected{}),
		"it is lost":          answered(&events.Disconnected{}),
		"it waits for a scan": answered(&events.QR{Codes: []string{"1"}}),
		"it is refused":       answered(&events.ConnectFailure{Reason: 503}),
		"nobody answers":      func() { w.clock.pass(longestLogin) },
		"it is tried again":   func() { w.whatsapp.set(errRefused); l.dial(); w.whatsapp.set(nil) },
	} {
		if err := l.dial(); err != nil || under() != 1 {
			t.Fatal(name, err, under())
		}
		l.handle(&events.PushNameSetting{})
		if under() != 1 {
			t.Fatal(name, "it was not answered")
		}
		ends()
		if under() != 0 {
			t.Fatal(name, under())
		}
	}
	l.dial()
	w.clock.pass(longestLogin - 1)
	l.dial()
	w.clock.pass(1) // that of the first one
	if under() != 1 {
		t.Fatal("the second one is not over")
	}
}

func TestSoManyLogInAtOnceAndNoMore(t *testing.T) {
	w := newWorld(t)
	all := make([]*link, loginsAtOnce+1)
	for i := range all {
		all[i] = w.linked(t)
	}
	for _, l := range all[1:] {
		l.dial()
	}
	nobody, cancel := context.WithCancel(context.Background())
	cancel()
	for range 20 { // with a place that is free as well either may come
		if _, err := w.session.bridge.beginLogin(nobody); err == nil {
			t.Fatal("there is room for more")
		}
	}
	done := make(chan error)
	go func() { done <- all[0].dial() }()
	all[1].handle(&events.Connected{})
	if err := <-done; err != nil || len(w.session.bridge.logins) != loginsAtOnce {
		t.Fatal(err, len(w.session.bridge.logins))
	}
	all[0].cancel()
	all[0].end()
	if len(w.session.bridge.logins) != loginsAtOnce-1 {
		t.Fatal("it keeps others from logging in")
	}
}

func TestADialThatHangsKeepsOthersFromLoggingInNoLongerThanAnyLogin(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	under := func() int { return len(w.session.bridge.logins) }
	w.whatsapp.dialled = func() {
		w.clock.pass(longestLogin - 1)
		if under() != 1 {
			t.Error("others log in already")
		}
		w.clock.pass(1)
		if under() != 0 {
			t.Error("others wait for a proxy that is not theirs")
		}
	}
	if err := l.dial(); err != nil {
		t.Fatal(err)
	}
}

func TestAConnectionThatIsGivenUpIsNotToldOfAsConnected(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	l.askAgain(l.dialled.Load())
	l.handle(&events.Connected{})
	l.tell(Object{"state": "keepalive_restored"})
	w.awaitState("keepalive_restored")
	if told := w.of("instance.state"); len(told) != 1 {
		t.Fatal(told)
	}
	if asked := w.whatsapp.requests(); !slices.Equal(asked, []string{"reset", "reset"}) {
		t.Fatal(asked, "or one that is there all the same would never be told of")
	}
}
