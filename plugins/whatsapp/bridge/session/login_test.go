package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"testing"

	"go.mau.fi/whatsmeow/socket"
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
		if l.mayTryAgain(err) {
			t.Error(err, "whoever waits for a code is not told")
		}
	}
	if reasonOf(portal) != "the server is not WhatsApp's" {
		t.Error(reasonOf(portal))
	}
}
