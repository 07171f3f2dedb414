package session

import (
	"encoding/json"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"pombo/bridge/convert"
	"pombo/bridge/host"
	"pombo/bridge/state"
)

// What is older after a restart nobody waits for any more.
const settledWithin = 15 * time.Minute

const settlePause = time.Minute

// settle what was handed over and not answered: under the same id, so that nobody reads it twice.
func (l *link) settle() {
	letters, err := l.state.Letters(l.ctx)
	if err != nil {
		l.s.bridge.Host.Log("error", "What was being sent cannot be read", Object{"instance": l.s.id.Value})
		return
	}
	for _, each := range letters {
		if l.ctx.Err() != nil {
			return
		}
		if l.sends.begin(each.ID) {
			if !l.settleOne(each) {
				l.settleLater()
			}
			l.sends.end(each.ID)
		}
	}
}

// settleLater tries again, in a while, what a link that stays up has not had an answer to.
func (l *link) settleLater() {
	if !l.settling.CompareAndSwap(false, true) {
		return
	}
	time.AfterFunc(settlePause, func() {
		l.settling.Store(false)
		if l.ctx.Err() == nil {
			l.settle()
		}
	})
}

// settleOne is false while nobody knows what has become of it.
func (l *link) settleOne(kept state.Letter) bool {
	var given letter
	message := new(waE2E.Message)
	chat := types.EmptyJID
	err := json.Unmarshal(kept.Arguments, &given)
	if err == nil {
		chat, err = types.ParseJID(given.Chat)
	}
	if err == nil {
		err = proto.Unmarshal(kept.Sent, message)
	}
	if err == nil && time.Since(kept.At) < settledWithin {
		if _, err = l.deliver(kept.ID, chat.ToNonAD(), message, given.Source); err == nil {
			l.s.bridge.Host.Count("sends_settled")
			return true
		}
		if host.Code(err) != "internal" {
			return false
		}
	}
	data, of := convert.FailedOf(l.ctx, &l.people, chat.ToNonAD(), kept.ID, host.Time(time.Now()))
	if l.publish("message.status", of, data, "") {
		l.state.DropLetter(l.ctx, kept.ID)
		l.s.bridge.Host.Count("sends_given_up")
	}
	return true
}
