package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"pombo/bridge/convert"
	"pombo/bridge/host"
	"pombo/bridge/state"
)

const (
	ackWait       = 45 * time.Second
	mostConflicts = 100
)

// sends are those on their way in this process.
type sends struct {
	mutex   sync.Mutex // guards all below
	under   map[string]bool
	over    bool
	working sync.WaitGroup
}

// begin is false for an id that is on its way already, and when the link is.
func (s *sends) begin(id string) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.under == nil {
		s.under = map[string]bool{}
	}
	if s.over || s.under[id] {
		return false
	}
	s.under[id] = true
	s.working.Add(1)
	return true
}

func (s *sends) end(id string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.under, id)
	s.working.Done()
}

// wait for the last of them.
func (s *sends) wait() {
	s.mutex.Lock()
	s.over = true
	s.mutex.Unlock()
	s.working.Wait()
}

func (s *sends) count() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.under)
}

// finishSends waits for them until then.
func (l *link) finishSends(until time.Time) {
	for l.sends.count() > 0 && time.Now().Before(until) {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-l.done:
			return
		}
	}
}

// letter is what all kinds of messages have.
type letter struct {
	ID         string   `json:"id"`
	Chat       string   `json:"chat"`
	Source     string   `json:"source"`
	Mentions   []string `json:"mentions"`
	MentionAll bool     `json:"mentionAll"`
	Reply      *struct {
		MessageID string `json:"messageId"`
		SenderJID string `json:"senderJid"`
		Text      string `json:"text"`
		FromMe    bool   `json:"fromMe"`
	} `json:"reply"`
}

// send a message and tell of it. It is kept before it is handed over, and goes on when nobody waits
// for it any more; what is not answered is settled when there is a connection again.
func (l *link) send(ctx context.Context, operation string, arguments json.RawMessage,
	files []*os.File) (Object, error) {
	var given letter
	if err := json.Unmarshal(arguments, &given); err != nil {
		return nil, host.Fail("invalid", "Invalid message")
	}
	if given.ID == "" {
		given.ID = l.client.GenerateMessageID()
	}
	if !l.sends.begin(given.ID) {
		if l.ctx.Err() != nil {
			return nil, errNotConnected
		}
		return nil, host.Fail("conflict", "This message is being sent")
	}
	ctx, cancel := l.within(ctx)
	defer cancel()
	chat, message, err := l.built(ctx, operation, given, arguments, files)
	if err == nil {
		err = l.keep(ctx, operation, given, message)
	}
	if err != nil {
		l.sends.end(given.ID)
		return nil, err
	}
	return l.deliverBeside(ctx, given, chat, message)
}

// deliverBeside goes on when the call is over.
func (l *link) deliverBeside(ctx context.Context, given letter, chat types.JID, message *waE2E.Message) (
	Object, error) {
	type outcome struct {
		data Object
		err  error
	}
	out := make(chan outcome, 1)
	go func() {
		defer l.sends.end(given.ID)
		data, err := l.deliver(given.ID, chat, message, given.Source)
		out <- outcome{data, err}
	}()
	select {
	case o := <-out:
		return o.data, o.err
	case <-ctx.Done():
		return nil, host.Fail("timedOut", "Timed out waiting for WhatsApp")
	}
}

// within a call, and no longer than the link.
func (l *link) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(l.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

func (l *link) built(ctx context.Context, operation string, given letter, arguments json.RawMessage,
	files []*os.File) (types.JID, *waE2E.Message, error) {
	chat, err := types.ParseJID(given.Chat)
	if err != nil || given.Chat == "" {
		return chat, nil, host.Fail("invalid", "Invalid chat")
	}
	message, err := l.build(ctx, operation, chat.ToNonAD(), arguments, files)
	if err != nil {
		return chat, nil, err
	}
	if err = l.addContext(ctx, message, chat, given); err != nil {
		return chat, nil, err
	}
	return chat.ToNonAD(), message, nil
}

func (l *link) keep(ctx context.Context, operation string, given letter, message *waE2E.Message) error {
	sent, err := proto.Marshal(message)
	if err != nil {
		return err
	}
	kept, _ := json.Marshal(Object{"chat": given.Chat, "source": given.Source})
	err = l.state.KeepLetter(ctx, state.Letter{ID: given.ID, Operation: operation, Arguments: kept,
		At: time.Now(), Sent: sent})
	if err != nil {
		return host.Fail("internal", "the message cannot be kept")
	}
	return nil
}

// deliver hands it over, and tells of it when WhatsApp has it.
func (l *link) deliver(id string, chat types.JID, message *waE2E.Message, source string) (Object, error) {
	info := types.MessageInfo{ID: id, MessageSource: types.MessageSource{Chat: chat,
		Sender: l.client.Store.GetJID().ToNonAD(), IsFromMe: true,
		IsGroup: chat.Server == types.GroupServer}}
	// The library adds to what it sends.
	raw := proto.Clone(message).(*waE2E.Message)
	if title, options, is := convert.PollIn(message); is {
		if err := l.state.KeepPoll(l.ctx, id, state.Poll{Title: title, Options: options}); err != nil {
			return nil, host.Fail("internal", "the poll cannot be kept")
		}
	}
	reply, err := l.handOver(id, chat, message)
	if err != nil {
		return nil, l.undelivered(id, err)
	}
	l.people.remember(id)
	info.Timestamp = reply.Timestamp
	if info.Timestamp.Unix() <= 0 {
		info.Timestamp = time.Now()
	}
	evt := (&events.Message{Info: info, RawMessage: raw}).UnwrapRaw()
	exchange := convert.ExchangeOf(l.ctx, &l.people, evt, source)
	if exchange.Data == nil {
		return nil, host.Fail("internal", "the message is of an unknown kind")
	}
	told := publish(l.ctx, l.s.bridge.Host, func() bool { return false },
		l.event("message.exchange", exchange.Chat, exchange.Data, exchange.MediaKey))
	if !told {
		return nil, host.Fail("unavailable", "The message was sent, and cannot be told of yet")
	}
	if err = l.state.DropLetter(context.WithoutCancel(l.ctx), id); err != nil {
		l.s.bridge.Host.Log("warn", "A sent message is told of twice", Object{"instance": l.s.id.Value})
	}
	return exchange.Data, nil
}

// handOver encrypts it again when messages that came in meanwhile have moved the ratchet.
func (l *link) handOver(id string, chat types.JID, message *waE2E.Message) (
	reply whatsmeow.SendResponse, err error) {
	for range mostConflicts {
		reply, err = l.client.SendMessage(l.ctx, chat, message,
			whatsmeow.SendRequestExtra{ID: id, Timeout: ackWait})
		if !errors.Is(err, state.ErrConflict) {
			return reply, err
		}
		l.s.bridge.Host.Count("sends_encrypted_again")
	}
	return reply, err
}

// undelivered says why, and gives it up unless it may have arrived after all.
func (l *link) undelivered(id string, err error) error {
	var gone *whatsmeow.DisconnectedError
	unknown := errors.Is(err, whatsmeow.ErrMessageTimedOut) || errors.Is(err, whatsmeow.ErrNotConnected) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &gone)
	if unknown {
		l.settleLater()
		return host.Fail("timedOut", "Timed out waiting for WhatsApp")
	}
	l.state.DropLetter(context.WithoutCancel(l.ctx), id)
	return host.Fail("internal", "%s", whyNotSent(err))
}

// whyNotSent is for a client: no address, nothing of the library's insides.
func whyNotSent(err error) string {
	text := err.Error()
	switch {
	case errors.Is(err, whatsmeow.ErrServerReturnedError):
		return "WhatsApp refused it: " + strings.TrimPrefix(text, whatsmeow.ErrServerReturnedError.Error()+" ")
	case errors.Is(err, whatsmeow.ErrUnknownServer), errors.Is(err, whatsmeow.ErrBroadcastListUnsupported):
		return "WhatsApp has no such chat"
	case errors.Is(err, whatsmeow.ErrNotInGroup):
		return "the instance is not in the group"
	case strings.Contains(text, "no LID found"):
		return "the number is not on WhatsApp"
	}
	return "it could not be encrypted or sent"
}

func hexOf(text string, bytes int) string {
	sum := sha256.Sum256([]byte(text))
	return strings.ToUpper(hex.EncodeToString(sum[:bytes]))
}

func quoted(text string) string {
	written, _ := json.Marshal(text)
	return string(written)
}
