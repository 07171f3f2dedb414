package session

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"pombo/bridge/frame"
	"pombo/bridge/host"
	"pombo/bridge/network"
	"pombo/bridge/peer"
	"pombo/bridge/seal"
	"pombo/bridge/state"
)

// movedClock stands still until a test moves it.
type movedClock struct {
	mutex sync.Mutex // guards both below
	at    time.Time
	alarm []alarm
}

type alarm struct {
	at time.Time
	do func()
}

func (c *movedClock) now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.at
}

func (c *movedClock) after(d time.Duration, do func()) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.alarm = append(c.alarm, alarm{c.at.Add(d), do})
}

// pass the time, and do what was to be done by then.
func (c *movedClock) pass(d time.Duration) {
	until := c.now().Add(d)
	for due, is := c.next(until); is; due, is = c.next(until) {
		due.do()
	}
}

// next of what is to be done by then, when it is so late; or else it is then.
func (c *movedClock) next(until time.Time) (due alarm, is bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	at := slices.IndexFunc(c.alarm, func(a alarm) bool { return !a.at.After(until) })
	if at < 0 {
		c.at = until
		return alarm{}, false
	}
	due = c.alarm[at]
	c.alarm = slices.Delete(c.alarm, at, at+1)
	c.at = due.at
	return due, true
}

// world is a session between a gateway and a WhatsApp that do what the test says.
type world struct {
	clock   *movedClock
	session *Session
	opened  *state.State
	device  *store.Device

	mutex   sync.Mutex // guards all below
	changed *sync.Cond
	events  []host.Event
	noted   []string                    // log lines and counters, in their order
	accepts func()                      // something of the test's, before the gateway accepts events
	refuses func() error                // of the test's, once, instead of accepting them
	allowed func(context.Context) error // a proxy, when the gateway is asked for it

	whatsapp scripted
	handed   []string // ids of what WhatsApp was given
	answer   error    // of WhatsApp's to that
}

const bob = "15550002222@s.whatsapp.net"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{clock: &movedClock{at: time.Unix(1_795_000_000, 0)}}
	w.changed = sync.NewCond(&w.mutex)
	b := NewBridge(&host.Host{Peer: w.gateway(t)}, nil, t.TempDir())
	b.Network, _ = network.New([]byte(`{"mock": {"address": "https://127.0.0.1:1"}}`))
	b.clock = w.clock
	id := host.ID{Value: "0193a1b2-0000-7000-8000-0123456789ab"}
	w.session = &Session{bridge: b, id: id}
	var err error
	if w.opened, err = state.Open(t.Context(), b.Folder, id.Value, key); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.opened.Close)
	w.device = w.opened.Container.NewDevice()
	jid := types.NewADJID("15550001111", 0, 7)
	w.device.ID = &jid
	w.device.Account = &waAdv.ADVSignedDeviceIdentity{Details: []byte("details"),
		AccountSignature: make([]byte, 64), AccountSignatureKey: make([]byte, 32), DeviceSignature: make([]byte, 64)}
	if err = w.device.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// gateway at the other end of a pipe, behind somebody who notes what needs no answer.
func (w *world) gateway(t *testing.T) *peer.Peer {
	ours, outer := pipes(t)
	inner, theirs := pipes(t)
	go w.pass(outer, inner)
	go w.pass(inner, outer)
	bridge := peer.New(ours, map[string]peer.Handler{})
	gateway := peer.New(theirs, map[string]peer.Handler{"events.publish": w.publish,
		"http.requireAllowedProxy": w.allow, "secrets.open": openSecret, "secrets.erase": nothing})
	go bridge.Serve()
	go gateway.Serve()
	return bridge
}

func pipes(t *testing.T) (one, other *frame.Pipe) {
	t.Helper()
	numbers, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ends := [2]*frame.Pipe{}
	for i := range ends {
		if ends[i], err = frame.Open(os.NewFile(uintptr(numbers[i]), "pipe")); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ends[i].Close() })
	}
	return ends[0], ends[1]
}

// pass on what is said, and note log lines and counters by their names.
func (w *world) pass(from, to *frame.Pipe) {
	for {
		f, err := from.Read()
		if err != nil {
			return
		}
		if at := slices.Index([]string{"metrics.count", "log.write"}, f.Call); at >= 0 {
			var name string
			json.Unmarshal(f.With[at], &name)
			w.mutex.Lock()
			w.noted = append(w.noted, name)
			w.mutex.Unlock()
		} else if to.Write(f) != nil {
			return
		}
	}
}

// lines and counters so far, in their order.
func (w *world) lines(t *testing.T) []string {
	t.Helper()
	if err := w.session.bridge.Host.Publish(t.Context()); err != nil { // what was said before it is heard
		t.Fatal(err)
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.Clone(w.noted)
}

// key of the session.
var key = [seal.KeySize]byte{1}

func openSecret(context.Context, peer.Arguments) (peer.Reply, error) {
	return peer.Reply{Value: base64.StdEncoding.EncodeToString(key[:])}, nil
}

func nothing(context.Context, peer.Arguments) (peer.Reply, error) { return peer.Reply{}, nil }

func (w *world) publish(_ context.Context, arguments peer.Arguments) (peer.Reply, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.accepts != nil {
		w.accepts()
	}
	if refuses := w.refuses; refuses != nil {
		w.refuses = nil
		return peer.Reply{}, refuses()
	}
	var events []host.Event
	err := arguments.Take(0, &events)
	w.events = append(w.events, events...)
	w.changed.Broadcast()
	return peer.Reply{}, err
}

func (w *world) allow(ctx context.Context, _ peer.Arguments) (peer.Reply, error) {
	w.mutex.Lock()
	allowed := w.allowed
	w.mutex.Unlock()
	return peer.Reply{}, allowed(ctx)
}

// told are the types of all events, and of a message its id, or what has become of it.
func (w *world) told() (all []string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, each := range w.events {
		data := each.Data.(Object)
		for _, key := range []string{"id", "status"} {
			if word, is := data[key].(string); is {
				all = append(all, each.Type+" "+word)
			}
		}
	}
	return all
}

func (w *world) hand(_ context.Context, _ types.JID, _ *waE2E.Message, extra ...whatsmeow.SendRequestExtra) (
	whatsmeow.SendResponse, error) {
	w.handed = append(w.handed, extra[0].ID)
	return whatsmeow.SendResponse{Timestamp: w.clock.at}, w.answer
}

// linked, as a process finds it that comes after one that has ended in the middle of sending.
func (w *world) linked(t *testing.T, unanswered ...string) *link {
	t.Helper()
	l, err := newLink(w.session, w.opened, w.device, host.LinkRequest{}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.cancel)
	l.hand, l.whatsapp = w.hand, &w.whatsapp
	l.up()
	for _, id := range unanswered {
		w.keep(t, t.Context(), l, id, bob)
	}
	return l
}

// keep a message that is on its way.
func (w *world) keep(t *testing.T, ctx context.Context, l *link, id, chat string) {
	t.Helper()
	text := "hello"
	message := &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: &text}}
	if err := l.keep(ctx, "message.text", letter{ID: id, Chat: chat, Source: "api"}, message); err != nil {
		t.Fatal(err)
	}
}

func (w *world) letters(t *testing.T) int {
	t.Helper()
	all, err := w.opened.Letters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func raw(t *testing.T, value any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
