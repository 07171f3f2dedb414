package session

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/proto/waWeb"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"pombo/bridge/convert"
	"pombo/bridge/host"
)

// So many messages are told of in one commit.
const historyAtOnce = 100

func noticeIn(evt *events.Message) *waE2E.HistorySyncNotification {
	if !evt.Info.IsFromMe {
		return nil
	}
	return evt.Message.GetProtocolMessage().GetHistorySyncNotification()
}

const historyFact = "history"

// keepWish for a history: what is decided when a phone links us holds for as long as it does.
func (l *link) keepWish() error {
	wanted := l.request.HistoryDays != nil || !l.wishes().DisableHistorySync
	return l.state.KeepFact(l.ctx, historyFact, wanted)
}

// wantsHistory is by today's settings where nothing was kept, which was so once.
func (l *link) wantsHistory() (bool, error) {
	wanted := !l.wishes().DisableHistorySync
	err := l.state.FindFact(l.ctx, historyFact, &wanted)
	return wanted, err
}

// keepNotice of a part of the history that the phone has uploaded: it is read beside what comes in,
// and outlives the process until it has been told.
func (l *link) keepNotice(id string, notice *waE2E.HistorySyncNotification) bool {
	wanted, err := l.wantsHistory()
	if err == nil && !wanted {
		return true
	}
	var written []byte
	if err == nil {
		written, err = proto.Marshal(notice)
	}
	if err == nil {
		err = l.state.KeepNotice(l.ctx, id, written)
	}
	if err != nil {
		return false
	}
	go l.readHistory()
	return true
}

// readHistory that has been announced, one part after the other.
func (l *link) readHistory() {
	l.history.Lock()
	defer l.history.Unlock()
	for l.ctx.Err() == nil {
		id, written, err := l.state.NextNotice(l.ctx)
		if err != nil || id == "" {
			return
		}
		notice := new(waE2E.HistorySyncNotification)
		if proto.Unmarshal(written, notice) == nil && !l.tellHistory(notice) {
			l.readHistoryLater()
			return
		}
		if l.state.DropNotice(context.WithoutCancel(l.ctx), id) != nil {
			return
		}
		l.client.SendProtocolMessageReceipt(l.ctx, id, types.ReceiptTypeHistorySync)
	}
}

// readHistoryLater tries again what a link that stays up could not read or tell.
func (l *link) readHistoryLater() {
	if !l.historyWaits.CompareAndSwap(false, true) {
		return
	}
	l.s.bridge.clock.after(settlePause, func() {
		l.historyWaits.Store(false)
		go l.readHistory()
	})
}

// tellHistory is false while the part may yet be read, or told.
func (l *link) tellHistory(notice *waE2E.HistorySyncNotification) bool {
	part, err := l.client.DownloadHistorySync(l.ctx, notice, true)
	if err != nil {
		if l.ctx.Err() != nil || !isLost(err) {
			return false
		}
		l.s.bridge.Host.Count("history_unreadable")
		return true // the parts behind it are not
	}
	if !l.tellNames(part.GetPushnames()) {
		return false
	}
	var all []host.Event
	for _, conversation := range part.GetConversations() {
		chat, err := types.ParseJID(conversation.GetID())
		if err != nil || l.isIgnored(chat) {
			continue
		}
		for _, each := range conversation.GetMessages() {
			told, isKept := l.past(chat, each.GetMessage())
			if !isKept {
				l.askAgain(l.dialled.Load())
				return false
			}
			if all = append(all, told...); len(all) >= historyAtOnce {
				if !l.publishInParts(all) {
					return false
				}
				all = nil
			}
		}
	}
	return l.publishInParts(all)
}

// tellNames that people have given themselves.
func (l *link) tellNames(all []*waHistorySync.Pushname) bool {
	var told []host.Event
	for _, each := range all {
		jid, err := types.ParseJID(each.GetID())
		isUser := jid.Server == types.DefaultUserServer || jid.Server == types.HiddenUserServer
		// The phone writes a dash for none.
		if name := each.GetPushname(); err == nil && isUser && name != "" && name != "-" {
			l.guarded(func() {
				data := convert.ContactOf(l.ctx, &l.people, &events.PushName{JID: jid, NewPushName: name})
				told = append(told, l.event("contact.update", data["jid"].(string), data, ""))
			})
		}
	}
	return l.publishInParts(told)
}

// What is wrong with a file, and stays so.
var notAsAnnounced = []error{
	whatsmeow.ErrNothingDownloadableFound, whatsmeow.ErrUnknownMediaType, whatsmeow.ErrNoURLPresent,
	whatsmeow.ErrTooShortFile, whatsmeow.ErrInvalidMediaHMAC, whatsmeow.ErrInvalidMediaEncSHA256,
	whatsmeow.ErrInvalidMediaSHA256, whatsmeow.ErrInvalidUnencryptedMediaSHA256,
}

// isLost is true of a part that no later download brings: it is gone, or is not what was announced. Whatever else may
// happen on the way to it passes.
func isLost(err error) bool {
	var answered whatsmeow.DownloadHTTPError
	if errors.As(err, &answered) {
		return isRefusal(answered.StatusCode)
	}
	isWhole := !strings.HasPrefix(err.Error(), "failed to download: ") // and cannot be read
	return isWhole || slices.ContainsFunc(notAsAnnounced, func(each error) bool { return errors.Is(err, each) })
}

// past message, and what others have said of it; nothing for what is none. One that ends in a bug is left out: it would
// end the process each time that the history is read. False when something could not be kept for later.
func (l *link) past(chat types.JID, said *waWeb.WebMessageInfo) (told []host.Event, isKept bool) {
	defer func() {
		if bug := recover(); bug != nil {
			told, isKept = nil, true
			l.s.bridge.Host.Count("history_unreadable")
			l.tellBug(bug)
		}
	}()
	evt, err := l.client.ParseWebMessage(chat, said)
	if err != nil || evt.Message == nil { // a line in the chat: a call, a change of the group
		return nil, true
	}
	evt.IsEdit = false // it is as it was last
	if !l.keepPoll(evt) {
		return nil, false
	}
	all := []convert.Exchange{convert.ExchangeOf(l.ctx, &l.people, evt, "")}
	for _, each := range said.GetReactions() {
		all = append(all, l.pastReaction(evt, each))
	}
	for _, each := range said.GetPollUpdates() {
		all = append(all, l.pastVote(evt, each))
	}
	for _, each := range all {
		if each.Data != nil {
			each.Data["isHistory"] = true
			told = append(told, l.event("message.exchange", each.Chat, each.Data, each.MediaKey))
		}
	}
	return told, true
}

// pastReaction to a message, which is kept with that.
func (l *link) pastReaction(to *events.Message, kept *waWeb.Reaction) convert.Exchange {
	evt := l.saidOf(to, kept.GetKey(), kept.GetSenderTimestampMS())
	if evt == nil || kept.GetText() == "" {
		return convert.Exchange{}
	}
	author := to.Info.Sender.ToNonAD()
	key := &waCommon.MessageKey{ID: &to.Info.ID, // as who reacts sees it
		FromMe: proto.Bool(to.Info.IsFromMe && evt.Info.IsFromMe || author == evt.Info.Sender.ToNonAD())}
	if to.Info.IsGroup {
		key.Participant = proto.String(author.String())
	}
	evt.Message = &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Key: key, Text: kept.Text}}
	return convert.ExchangeOf(l.ctx, &l.people, evt, "")
}

// pastVote in a poll, which the phone has read and keeps with that.
func (l *link) pastVote(in *events.Message, kept *waWeb.PollUpdate) convert.Exchange {
	evt := l.saidOf(in, kept.GetPollUpdateMessageKey(), kept.GetSenderTimestampMS())
	if evt == nil {
		return convert.Exchange{}
	}
	evt.Message = &waE2E.Message{PollUpdateMessage: &waE2E.PollUpdateMessage{
		PollCreationMessageKey: &waCommon.MessageKey{ID: &in.Info.ID}}}
	_, options := l.people.Poll(l.ctx, in.Info.ID)
	return convert.VoteOf(l.ctx, &l.people, evt, chosen(options, kept.GetVote()))
}

// saidOf a message, by its own key; nil when nobody knows by whom.
func (l *link) saidOf(of *events.Message, key *waCommon.MessageKey, milliseconds int64) *events.Message {
	evt, err := l.client.ParseWebMessage(of.Info.Chat, &waWeb.WebMessageInfo{Key: key})
	if err != nil || key.GetID() == "" {
		return nil
	}
	evt.Info.Timestamp = of.Info.Timestamp
	if milliseconds > 0 {
		evt.Info.Timestamp = time.UnixMilli(milliseconds)
	}
	return evt
}
