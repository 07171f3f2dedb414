package session

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/socket"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"pombo/bridge/network"
)

// whatsapp is what a link asks of its client, as far as a test answers instead.
type whatsapp interface {
	ConnectContext(context.Context) error
	GetGroupInfo(context.Context, types.JID) (*types.GroupInfo, error)
	GetProfilePictureInfo(context.Context, types.JID, *whatsmeow.GetProfilePictureParams) (
		*types.ProfilePictureInfo, error)
	MarkRead(_ context.Context, _ []types.MessageID, _ time.Time, chat, sender types.JID,
		_ ...types.ReceiptType) error
	RejectCall(_ context.Context, from types.JID, id string) error
	FetchAppState(_ context.Context, _ appstate.WAPatchName, fullSync, onlyIfNotSynced bool) error
	SendAppState(context.Context, appstate.PatchInfo) error
	SendMediaRetryReceipt(_ context.Context, _ *types.MessageInfo, key []byte) error
	ResetConnection()
}

// Whoever has asked for a code waits for it, as long as nobody refuses; and no time mends a server that
// is not WhatsApp's.
func (l *link) mayTryAgain(err error) bool {
	var status socket.ErrWithStatusCode
	refused := errors.As(err, &status) && isRefusal(status.StatusCode)
	return (!l.asked.Load() || isLate(err)) && !refused && !errors.Is(err, store.ErrDeviceDeleted) &&
		!isForged(err)
}

// isRefusal is true of an answer that another time is the same.
func isRefusal(status int) bool {
	return status < http.StatusInternalServerError && status != http.StatusRequestTimeout &&
		status != http.StatusTooManyRequests
}

// isForged is true of a handshake whose certificates are not WhatsApp's. What TLS says comes before that, and of the
// way there: a network that wants a login first. Dates it may not like because of this machine's clock.
func isForged(err error) bool {
	text := err.Error()
	return strings.Contains(text, "failed to verify server cert") &&
		!strings.Contains(text, "certificate expired") && !strings.Contains(text, "certificate not valid yet")
}

// isLate is true of silence, which may yet end.
func isLate(err error) bool {
	var late interface{ Timeout() bool }
	return errors.As(err, &late) && late.Timeout()
}

// reasonOf a failure to connect, for a client: no address, and nothing of the proxy's.
func reasonOf(err error) string {
	text := err.Error()
	var status socket.ErrWithStatusCode
	switch {
	case strings.Contains(text, "verify"):
		return "the server is not WhatsApp's"
	case strings.Contains(text, network.ErrRefused.Error()), strings.Contains(text, "socks"),
		strings.Contains(text, "proxyconnect"):
		return network.ErrRefused.Error()
	case errors.As(err, &status):
		return "WhatsApp answered " + http.StatusText(status.StatusCode)
	case errors.Is(err, context.DeadlineExceeded):
		return "WhatsApp did not answer in time"
	}
	return "WhatsApp cannot be reached"
}
