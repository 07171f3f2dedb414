package session

import (
	"context"
	"errors"
	"net"
	"net/http"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
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
			return // at the next connection
		}
		if l.state.DropNotice(context.WithoutCancel(l.ctx), id) != nil {
			return
		}
		l.client.SendProtocolMessageReceipt(l.ctx, id, types.ReceiptTypeHistorySync)
	}
}

func (l *link) tellHistory(notice *waE2E.HistorySyncNotification) bool {
	part, err := l.client.DownloadHistorySync(l.ctx, notice, true)
	if err != nil {
		if l.mayComeYet(err) {
			return false
		}
		l.s.bridge.Host.Count("history_unreadable")
		return true // the parts behind it are not
	}
	var all []host.Event
	for _, conversation := range part.GetConversations() {
		chat, err := types.ParseJID(conversation.GetID())
		if err != nil || l.isIgnored(chat) {
			continue
		}
		for _, each := range conversation.GetMessages() {
			if event, is := l.past(chat, each); is {
				all = append(all, event)
			}
			if len(all) == historyAtOnce {
				if !l.publishAll(all...) {
					return false
				}
				all = nil
			}
		}
	}
	return len(all) == 0 || l.publishAll(all...)
}

// mayComeYet what could not be fetched now.
func (l *link) mayComeYet(err error) bool {
	var network net.Error
	var answered whatsmeow.DownloadHTTPError
	return l.ctx.Err() != nil || errors.As(err, &network) ||
		errors.As(err, &answered) && answered.StatusCode >= http.StatusInternalServerError
}

// past message; false for what is none. One that ends in a bug is left out: it would end the process each time that
// the history is read.
func (l *link) past(chat types.JID, told *waHistorySync.HistorySyncMsg) (event host.Event, is bool) {
	defer func() {
		if bug := recover(); bug != nil {
			event, is = host.Event{}, false
			l.s.bridge.Host.Count("history_unreadable")
			l.tellBug(bug)
		}
	}()
	evt, err := l.client.ParseWebMessage(chat, told.GetMessage())
	if err != nil {
		return host.Event{}, false
	}
	exchange := convert.ExchangeOf(l.ctx, &l.people, evt, "")
	if exchange.Data == nil {
		return host.Event{}, false
	}
	exchange.Data["isHistory"] = true
	return l.event("message.exchange", exchange.Chat, exchange.Data, exchange.MediaKey), true
}
