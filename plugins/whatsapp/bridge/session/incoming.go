package session

import (
	"bytes"
	"context"
	"crypto/sha256"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"go.mau.fi/whatsmeow/proto/waE2E"

	"pombo/bridge/convert"
	"pombo/bridge/state"
)

// message is accepted when its event is on the gateway's disk, or there is nothing to tell of it.
func (l *link) message(evt *events.Message) (accepted bool) {
	if convert.IsKeys(evt.Message) {
		return true // the message itself may yet turn out to be unreadable
	}
	letGo := l.holdUnreadable(evt.Info.ID)
	if letGo == nil {
		return false // so that its placeholder does not come after it
	}
	defer func() { letGo(accepted) }()
	l.noteRead(evt)
	if notice := noticeIn(evt); notice != nil {
		return l.keepNotice(evt.Info.ID, notice)
	}
	if l.isIgnored(evt.Info.Chat) {
		return true
	}
	exchange := l.exchangeOf(evt)
	if exchange.Data == nil {
		return true
	}
	if !l.keepPoll(evt) {
		return false
	}
	if !l.publish("message.exchange", exchange.Chat, exchange.Data, exchange.MediaKey) {
		return false
	}
	if l.wishes().AutoReadMessages && wantsReceipt(evt, exchange.Data) {
		go func() {
			ctx, cancel := context.WithTimeout(l.ctx, longestHold)
			defer cancel()
			l.markRead(ctx, evt.Info.Chat, evt.Info.Sender, evt.Info.ID)
		}()
	}
	return true
}

// keepPoll for its votes; true for what is none.
func (l *link) keepPoll(evt *events.Message) bool {
	title, options, is := convert.PollIn(evt.Message)
	if !is {
		return true
	}
	// The library looks for it outside of a wrapped poll only.
	wrapped := evt.Message.GetPollCreationMessageV4().GetMessage().GetMessageContextInfo()
	if secret := wrapped.GetMessageSecret(); len(secret) > 0 {
		if l.client.Store.MsgSecrets.PutMessageSecret(l.ctx, evt.Info.Chat, evt.Info.Sender, evt.Info.ID, secret) != nil {
			return false
		}
	}
	return l.state.KeepPoll(l.ctx, evt.Info.ID, state.Poll{Title: title, Options: options}) == nil
}

// wantsReceipt is false where nobody waits for one.
func wantsReceipt(evt *events.Message, told Object) bool {
	message, _ := told["message"].(Object)
	kind := message["type"]
	return !evt.Info.IsFromMe && kind != "message_edit" && kind != "message_revoke" &&
		evt.Info.Chat != types.StatusBroadcastJID && evt.Info.Chat.Server != types.NewsletterServer
}

func (l *link) exchangeOf(evt *events.Message) convert.Exchange {
	ctx, d := l.ctx, &l.people
	switch {
	case evt.Message.GetPollUpdateMessage() != nil:
		vote, err := opened(ctx, evt, l.client.DecryptPollVote)
		if err != nil {
			l.s.bridge.Host.Count("votes_unreadable")
			return convert.Exchange{}
		}
		id := evt.Message.GetPollUpdateMessage().GetPollCreationMessageKey().GetID()
		_, options := d.Poll(ctx, id)
		return convert.VoteOf(ctx, d, evt, chosen(options, vote))
	case evt.Message.GetEncReactionMessage() != nil:
		reaction, err := opened(ctx, evt, l.client.DecryptReaction)
		if err != nil {
			l.s.bridge.Host.Count("reactions_unreadable")
			return convert.Exchange{}
		}
		if reaction.Key == nil {
			reaction.Key = evt.Message.GetEncReactionMessage().GetTargetMessageKey()
		}
		evt.Message = &waE2E.Message{ReactionMessage: reaction}
	case evt.Message.GetSecretEncryptedMessage() != nil:
		inner, err := opened(ctx, evt, l.client.DecryptSecretEncryptedMessage)
		if err != nil {
			l.s.bridge.Host.Count("edits_unreadable")
			return convert.Exchange{}
		}
		// The secret is that of what it changes: of nothing else it can say anything.
		original := evt.Message.GetSecretEncryptedMessage().GetTargetMessageKey().GetID()
		edit := (&events.Message{Info: evt.Info, RawMessage: inner}).UnwrapRaw()
		return convert.EditOf(ctx, d, edit, original)
	}
	return convert.ExchangeOf(ctx, d, evt, "")
}

// opened is what was sealed by the secret of an earlier message, and by the address of who says it: by either one.
func opened[T any](ctx context.Context, evt *events.Message,
	open func(context.Context, *events.Message) (T, error)) (T, error) {
	found, err := open(ctx, evt)
	if err == nil || evt.Info.SenderAlt.IsEmpty() {
		return found, err
	}
	other := *evt
	other.Info.Sender = evt.Info.SenderAlt
	return open(ctx, &other)
}

// chosen options, by their hashes; of a poll that is not known their names are not either.
func chosen(options []string, vote *waE2E.PollVoteMessage) []string {
	names := []string{}
	for _, hash := range vote.GetSelectedOptions() {
		name := ""
		for _, option := range options {
			if sum := sha256.Sum256([]byte(option)); bytes.Equal(sum[:], hash) {
				name = option
			}
		}
		names = append(names, name)
	}
	return names
}
