package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
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

// hand a message over to WhatsApp.
type hand func(context.Context, types.JID, *waE2E.Message, ...whatsmeow.SendRequestExtra) (
	whatsmeow.SendResponse, error)

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
	Reply      *quote   `json:"reply"`
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
	isKept := false
	defer func() {
		if !isKept {
			l.sends.end(given.ID)
		}
	}()
	ctx, cancel := l.within(ctx)
	defer cancel()
	chat, message, err := l.built(ctx, operation, given, arguments, files)
	if err == nil {
		err = l.keep(ctx, operation, given, message)
	}
	if err != nil {
		return nil, err
	}
	isKept = true
	return l.deliverBeside(ctx, given, chat, message)
}

// deliverBeside goes on when the call is over, and then tells of a failure by an event.
func (l *link) deliverBeside(ctx context.Context, given letter, chat types.JID, message *waE2E.Message) (
	Object, error) {
	type outcome struct {
		data Object
		err  error
	}
	out, ended := make(chan outcome), make(chan struct{}) // no room: what is put into it has been taken
	go func() {
		defer close(ended)
		defer l.sends.end(given.ID)
		data, err := l.deliver(given.ID, chat, message, given.Source)
		hasFailed := host.Code(err) == "internal"
		select {
		case out <- outcome{data, err}:
			if hasFailed {
				l.drop(given.ID)
			}
		case <-ctx.Done():
			if hasFailed {
				l.giveUp(chat, given.ID)
			}
		}
	}()
	select {
	case o := <-out:
		<-ended // its id is free again
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
	if ctx.Err() != nil {
		return host.Fail("unavailable", "The message was not sent in time")
	}
	kept, _ := json.Marshal(Object{"chat": given.Chat, "source": given.Source})
	// Who is told that it failed has to be sure that it is not there.
	err = l.state.KeepLetter(context.WithoutCancel(ctx), state.Letter{ID: given.ID, Operation: operation,
		Arguments: kept, At: l.now(), Sent: sent})
	if err != nil {
		return host.Fail("internal", "the message cannot be kept")
	}
	return nil
}

// deliver hands it over, and tells of it when WhatsApp has it.
func (l *link) deliver(id string, chat types.JID, message *waE2E.Message, source string) (Object, error) {
	// The library adds to what it sends.
	raw := proto.Clone(message).(*waE2E.Message)
	if title, options, is := convert.PollIn(message); is {
		if err := l.state.KeepPoll(l.ctx, id, state.Poll{Title: title, Options: options}); err != nil {
			return nil, host.Fail("internal", "the poll cannot be kept")
		}
	}
	reply, err := l.handOver(id, chat, message)
	if err != nil {
		return nil, l.undelivered(err)
	}
	at := reply.Timestamp
	if at.Unix() <= 0 {
		at = l.now()
	}
	return l.tellSent(l.ctx, id, chat, raw, source, at)
}

// tellSent of what WhatsApp has, and keep it no longer.
func (l *link) tellSent(ctx context.Context, id string, chat types.JID, message *waE2E.Message,
	source string, at time.Time) (Object, error) {
	l.people.remember(id)
	info := types.MessageInfo{ID: id, Timestamp: at, MessageSource: types.MessageSource{Chat: chat,
		Sender: l.client.Store.GetJID().ToNonAD(), IsFromMe: true,
		IsGroup: chat.Server == types.GroupServer}}
	evt := (&events.Message{Info: info, RawMessage: message}).UnwrapRaw()
	exchange := convert.ExchangeOf(ctx, &l.people, evt, source)
	if exchange.Data == nil {
		return nil, host.Fail("internal", "the message is of an unknown kind")
	}
	told := publish(ctx, l.s.bridge.Host, func() bool { return false },
		l.event("message.exchange", exchange.Chat, exchange.Data, exchange.MediaKey))
	if !told {
		return nil, host.Fail("timedOut", "The message was sent, and cannot be told of yet")
	}
	if err := l.drop(id); err != nil {
		l.s.bridge.Host.Log("warn", "A sent message is told of twice", Object{"instance": l.s.id.Value})
	}
	return exchange.Data, nil
}

// handOver encrypts it again when messages that came in meanwhile have moved the ratchet.
func (l *link) handOver(id string, chat types.JID, message *waE2E.Message) (
	reply whatsmeow.SendResponse, err error) {
	for range mostConflicts {
		reply, err = l.hand(l.ctx, chat, message,
			whatsmeow.SendRequestExtra{ID: id, Timeout: ackWait})
		if !errors.Is(err, state.ErrConflict) {
			return reply, err
		}
		l.s.bridge.Host.Count("sends_encrypted_again")
	}
	return reply, err
}

// undelivered says why: it is internal if it has failed for good, and whoever knows that tells of it
// and drops it.
func (l *link) undelivered(err error) error {
	var gone *whatsmeow.DisconnectedError
	unknown := errors.Is(err, whatsmeow.ErrMessageTimedOut) || errors.Is(err, whatsmeow.ErrNotConnected) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &gone)
	if unknown {
		l.settleLater()
		return host.Fail("timedOut", "Timed out waiting for WhatsApp")
	}
	return host.Fail("internal", "%s", whyNotSent(err))
}

// drop what is not sent again.
func (l *link) drop(id string) error { return l.state.DropLetter(context.WithoutCancel(l.ctx), id) }

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
