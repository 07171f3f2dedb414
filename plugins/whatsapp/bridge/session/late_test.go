package session

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"

	"go.mau.fi/whatsmeow/socket"
)

func TestACodeIsWaitedForInSilenceAndNoLongerOnceSomebodyRefuses(t *testing.T) {
	l := newWorld(t).linked(t)
	l.asked.Store(true)
	for cause, again := range map[error]bool{os.ErrDeadlineExceeded: true, syscall.ECONNREFUSED: false} {
		err := &url.Error{Op: "Get", URL: "wss://", Err: &net.OpError{Op: "proxyconnect", Net: "tcp", Err: cause}}
		if l.mayTryAgain(fmt.Errorf("%w: %w", socket.ErrDialFailed, err)) != again {
			t.Error(cause)
		}
	}
}
