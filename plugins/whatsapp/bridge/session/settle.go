package session

import (
	"context"
	"encoding/json"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"pombo/bridge/convert"
	"pombo/bridge/host"
	"pombo/bridge/state"
)

// What is older nobody waits for any more.
const settledWithin = 15 * time.Minute

const (
	settlePause = time.Minute
	// WhatsApp says when it has sent what has waited; but before the gateway gives a message up, half an
	// hour after it was sent, it is told.
	heardWithin = 10 * time.Minute
)

// settle what was handed over and not answered: under the same id, so that nobody reads it twice.
func (l *link) settle() {
	letters, err := l.state.Letters(l.ctx)
	if l.ctx.Err() != nil {
		return // a later link reads it
	}
	if err != nil {
		l.s.bridge.Host.Log("error", "What was being sent cannot be read", Object{"instance": l.s.id.Value})
		return
	}
	for _, each := range letters {
		if l.ctx.Err() != nil {
			return
		}
		l.once(each.ID, func() {
			if !l.guarded(func() { l.settleKept(each.ID) }) {
				l.drop(each.ID)
			}
		})
	}
}

func (l *link) settleKept(id string) {
	kept, is, err := l.state.FindLetter(l.ctx, id) // those before it took their time
	if err != nil || is && !l.settleOne(kept) {
		l.settleLater()
	}
}

// once at a time for each id.
func (l *link) once(id string, do func()) {
	if l.sends.begin(id) {
		defer l.sends.end(id)
		do()
	}
}

// settleLater tries again, in a while, what a link that stays up has not had an answer to.
func (l *link) settleLater() {
	if !l.settling.CompareAndSwap(false, true) {
		return
	}
	l.s.bridge.clock.after(settlePause, func() {
		l.settling.Store(false)
		if l.ctx.Err() == nil {
			l.settle()
		}
	})
}

// settleOne is false while nobody knows what has become of it.
func (l *link) settleOne(kept state.Letter) bool {
	given, chat, message, err := letterIn(kept)
	isOverdue := l.now().Sub(kept.At) >= settledWithin
	if err == nil && !isOverdue {
		if _, err = l.deliver(kept.ID, chat, message, given.Source); err == nil {
			l.s.bridge.Host.Count("sends_settled")
			return true
		}
		if host.Code(err) != "internal" {
			return false
		}
	}
	if err == nil && !l.hasHeard() {
		return false
	}
	l.giveUp(chat, kept.ID)
	return true
}

// giveUp what has failed for good, as soon as that is told.
func (l *link) giveUp(chat types.JID, id string) {
	data, of := convert.FailedOf(l.ctx, &l.people, chat, id, host.Time(l.now()))
	if l.publishBeside(l.event("message.status", of, data, "")) {
		l.drop(id)
		l.s.bridge.Host.Count("sends_given_up")
	}
}

// hasHeard what has waited for the connection: a receipt may be among it.
func (l *link) hasHeard() bool {
	heard := l.heard.Load()
	return heard != nil && !l.now().Before(*heard)
}

func letterIn(kept state.Letter) (given letter, chat types.JID, message *waE2E.Message, err error) {
	message = new(waE2E.Message)
	if err = json.Unmarshal(kept.Arguments, &given); err == nil {
		chat, err = types.ParseJID(given.Chat)
		chat = chat.ToNonAD()
	}
	if err == nil {
		err = proto.Unmarshal(kept.Sent, message)
	}
	return given, chat, message, err
}

// arrived is what somebody has received, whether or not WhatsApp has answered us: it is told of
// before its receipt is. False when it could not be.
func (l *link) arrived(receipt *events.Receipt) bool {
	switch receipt.Type {
	case types.ReceiptTypeDelivered, types.ReceiptTypeRead, types.ReceiptTypePlayed:
	default:
		return true
	}
	if receipt.IsFromMe {
		return true
	}
	ctx, cancel := context.WithTimeout(l.ctx, longestHold)
	defer cancel()
	told := true
	for _, id := range receipt.MessageIDs {
		told = l.tellArrived(ctx, id) && told
	}
	return told
}

// tellArrived waits for whoever sends it: the answer, which is told of then, may be here already.
func (l *link) tellArrived(ctx context.Context, id string) bool {
	if !l.sends.beginAfter(ctx, id) {
		return false
	}
	defer l.sends.end(id)
	kept, is, err := l.state.FindLetter(ctx, id)
	if err != nil || !is {
		return err == nil
	}
	given, chat, message, err := letterIn(kept)
	if err != nil {
		return true // settle gives it up
	}
	if _, err = l.tellSent(ctx, id, chat, message, given.Source, kept.At); err == nil {
		l.s.bridge.Host.Count("sends_settled")
	}
	if host.Code(err) == "internal" {
		l.drop(id) // nothing could be told of it, but it has arrived
		return true
	}
	return err == nil
}
