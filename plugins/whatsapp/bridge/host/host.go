package host

import (
	"context"
	"encoding/base64"
	"time"

	"pombo/bridge/peer"
)

// Host asks the gateway. Safe for concurrent use.
type Host struct{ Peer *peer.Peer }

// Publish returns when all of them are accepted: they are on the gateway's disk. Only then may what
// they tell of be acknowledged.
func (h *Host) Publish(ctx context.Context, events ...Event) error {
	return h.Peer.Ask(ctx, nil, "events.publish", events)
}

// Log lines hold no number, name, text or key: they are an operator's.
func (h *Host) Log(level, message string, fields map[string]any) {
	h.Peer.Post("log.write", level, message, fields)
}

// Count adds to pombo_whatsapp_<name>_total.
func (h *Host) Count(name string) { h.Peer.Post("metrics.count", name, 1) }

// Secret of an instance, sealed by the gateway; nil when there is none.
func (h *Host) Secret(ctx context.Context, id ID, name string) ([]byte, error) {
	var text *string
	if err := h.Peer.Ask(ctx, &text, "secrets.open", id, name); err != nil || text == nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(*text)
}

func (h *Host) SetSecret(ctx context.Context, id ID, name string, secret []byte) error {
	return h.Peer.Ask(ctx, nil, "secrets.seal", id, name, base64.StdEncoding.EncodeToString(secret))
}

func (h *Host) EraseSecret(ctx context.Context, id ID, name string) error {
	return h.Peer.Ask(ctx, nil, "secrets.erase", id, name)
}

// RequireAllowedProxy fails for a host, a name or an IP address, that the gateway does not let anybody dial.
func (h *Host) RequireAllowedProxy(ctx context.Context, host string) error {
	return h.Peer.Ask(ctx, nil, "http.requireAllowedProxy", host)
}

// Get fetches a page under the gateway's rules for addresses, through the instance's proxy.
func (h *Host) Get(ctx context.Context, id ID, url string, wait time.Duration) (string, error) {
	var reply struct {
		Status int    `json:"status"`
		Body   string `json:"body"`
	}
	request := map[string]any{"method": "get", "url": url, "headers": map[string]string{}, "body": "",
		"timeout": wait.Milliseconds(), "replyLimit": 512 << 10, "through": id}
	if err := h.Peer.Ask(ctx, &reply, "http.send", request); err != nil {
		return "", err
	}
	if reply.Status != 200 {
		return "", Fail("refused", "status %d", reply.Status)
	}
	return reply.Body, nil
}
