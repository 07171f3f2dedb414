package session

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/convert"
	"pombo/bridge/host"
)

// handle says whether what has happened may be acknowledged to WhatsApp. It is called by many, but
// for what comes over the connection one at a time.
func (l *link) handle(evt any) (accepted bool) {
	connection := l.dialled.Load()
	defer func() {
		// The library would take it for a success.
		bug := recover()
		if bug != nil {
			accepted = false
			l.tellBug(bug)
		}
		if !accepted && (bug == nil || l.refused.Load() < mostForBugs) {
			l.askAgain(connection)
		}
	}()
	if l.pair(evt) || l.change(evt) {
		l.loggedIn()
		return true
	}
	l.note(evt)
	ctx, d := l.ctx, &l.people
	switch evt := evt.(type) {
	case *events.Message:
		return l.message(evt)
	case *events.UndecryptableMessage:
		l.keepUnreadable(evt)
	case *events.Receipt:
		// What was sent there is told of, whatever is ignored.
		if !l.arrived(evt) {
			return false
		}
		if l.isIgnored(evt.Chat) {
			return true
		}
		data, chat := convert.StatusOf(ctx, d, evt)
		return data == nil || l.publish("message.status", chat, data, "")
	case *events.PushNameSetting:
		go l.showPresence()
	case *events.AppStateSyncComplete: // our name may be among it
		go l.showPresence()
		go l.takenIn(evt)
	case *events.OfflineSyncCompleted:
		l.caughtUp()
	case *events.MediaRetry:
		l.uploadedAgain(evt)
	case *events.NotifyAccountReachoutTimelock:
		l.s.bridge.Host.Log("warn", "WhatsApp limits writing to strangers",
			Object{"instance": l.s.id.Value, "active": evt.IsActive})
		l.s.bridge.Host.Count("limited")
	default:
		return l.happening(evt)
	}
	return true
}

// tellBug from where it is recovered.
func (l *link) tellBug(bug any) {
	l.s.bridge.Host.Log("error", "A bug in the bridge",
		Object{"bug": masked(fmt.Sprint(bug)), "at": string(debug.Stack())})
}

// guarded is false when what was done ends in a bug: beside the events of the library it would end the process, and
// with it every instance in that, at each connection once more.
func (l *link) guarded(do func()) (isWhole bool) {
	defer func() {
		if bug := recover(); bug != nil {
			l.tellBug(bug)
		}
	}()
	do()
	return true
}

// happening to calls, groups, labels and contacts.
func (l *link) happening(evt any) bool {
	ctx, d := l.ctx, &l.people
	switch evt := evt.(type) {
	case *events.CallOffer, *events.CallAccept, *events.CallReject, *events.CallTerminate,
		*events.CallOfferNotice, *events.CallRelayLatency:
		return l.call(evt)
	case *events.GroupInfo:
		if evt.Name != nil {
			d.rename(evt.JID, evt.Name.Name)
		}
		return l.publishFlow(evt.JID, convert.GroupChangesOf(ctx, d, evt))
	case *events.JoinedGroup:
		d.learn(evt.JID, &evt.GroupInfo)
		return l.publishFlow(evt.JID, []Object{convert.JoinOf(ctx, d, evt)})
	case *events.Picture:
		if d.isSelf(evt.JID) {
			go l.lookAtPicture()
		}
		if data := convert.PictureOf(ctx, d, evt); data != nil {
			return l.publishFlow(evt.JID, []Object{data})
		}
	case *events.LabelEdit, *events.LabelAssociationChat, *events.LabelAssociationMessage:
		return l.label(evt)
	case *events.Contact, *events.PushName, *events.BusinessName:
		return l.contact(evt)
	case *events.DeleteForMe, *events.ClearChat, *events.DeleteChat:
		data := convert.DeletionOf(ctx, d, evt)
		return l.publish("chat.update", data["chat"].(string), data, "")
	}
	return true
}

// change is true for what happens to the link.
func (l *link) change(evt any) bool {
	switch evt := evt.(type) {
	case *events.Connected:
		if l.asking.Load() { // the library says this some time later: that connection is given up, if it is there
			l.whatsapp.ResetConnection()
			return true
		}
		l.failures.Store(l.refused.Load())
		l.rejoined.Store(true) // by whatever opened it
		l.up()
		self := l.people.Self()
		l.tell(Object{"state": "connected", "jid": self.JID.String(), "lid": lidOrNull(self.LID)})
		go l.showPresence()
		go l.settle()
		// What has waited for the connection may be among it.
		l.s.bridge.clock.after(readableWithin, l.tellUnreadables)
		go l.readHistory()
		go l.tellCollections()
		go l.lookAtPicture()
	case *events.Disconnected:
		l.heard.Store(nil)
		if l.isPairing() {
			l.lostUnlinked()
			return true
		}
		l.tell(Object{"state": "disconnected", "reason": "closed", "reconnecting": true})
		l.reopen(false)
	case *events.LoggedOut:
		l.unlinked(Object{"state": "logged_out", "reason": evt.Reason.String(), "onConnect": evt.OnConnect})
	case *events.StreamReplaced:
		l.finish(Object{"state": "stream_replaced"})
	case *events.TemporaryBan:
		l.finish(banned(evt))
	case *events.ClientOutdated:
		go l.outdated()
	case *events.ConnectFailure:
		l.connectFailure(evt)
	case *events.StreamError:
		l.tell(Object{"state": "stream_error", "code": evt.Code})
	case *events.CATRefreshError:
		l.finish(Object{"state": "cat_refresh_error", "reason": "the token could not be renewed"})
	case *events.KeepAliveTimeout:
		l.keepAliveTimeout(evt)
	case *events.KeepAliveRestored:
		l.tell(Object{"state": "keepalive_restored"})
	default:
		return false
	}
	return true
}

func banned(evt *events.TemporaryBan) Object {
	data := Object{"state": "temp_banned", "code": int(evt.Code), "reason": evt.Code.String(),
		"expiresAt": nil}
	if evt.Expire > 0 {
		data["expiresAt"] = host.Time(time.Now().Add(evt.Expire + time.Second - 1))
	}
	return data
}

func (l *link) connectFailure(evt *events.ConnectFailure) {
	reason := evt.Message
	if reason == "" {
		reason = evt.Reason.String()
	}
	data := Object{"state": "connect_failure", "code": int(evt.Reason), "reason": reason}
	if evt.Reason < 500 {
		l.finish(data)
		return
	}
	l.tell(data)
	l.reopen(false)
}

func (l *link) keepAliveTimeout(evt *events.KeepAliveTimeout) {
	l.tell(Object{"state": "keepalive_timeout", "errorCount": evt.ErrorCount,
		"lastSuccess": host.Time(evt.LastSuccess)})
	if evt.ErrorCount >= mostTimeouts {
		l.whatsapp.ResetConnection()
	}
}

// isIgnored says what the instance's settings do not want: it is neither told nor kept.
func (l *link) isIgnored(chat types.JID) bool {
	wishes := l.wishes()
	return wishes.IgnoreGroups && chat.Server == types.GroupServer ||
		wishes.IgnoreStatus && chat == types.StatusBroadcastJID
}

func (l *link) event(kind, chat string, data Object, mediaKey string) host.Event {
	return host.Event{Type: kind, Instance: l.s.id, Chat: chat, Data: data, MediaKey: mediaKey}
}

func (l *link) publish(kind, chat string, data Object, mediaKey string) bool {
	return l.publishAll(l.event(kind, chat, data, mediaKey))
}

// The library goes on after five minutes, whether or not a message was accepted: rather have it sent
// again, in its order.
const longestHold = 4 * time.Minute

func (l *link) publishAll(all ...host.Event) bool {
	ctx, cancel := context.WithTimeout(l.ctx, longestHold)
	defer cancel()
	return publish(ctx, l.s.bridge.Host, func() bool { return false }, all...)
}

// publishBeside what comes in: no handler of that asks for it again.
func (l *link) publishBeside(all ...host.Event) bool {
	connection := l.dialled.Load()
	accepted := l.publishAll(all...)
	if !accepted {
		l.askAgain(connection)
	}
	return accepted
}

func (l *link) publishFlow(group types.JID, changes []Object) bool {
	if len(changes) == 0 {
		return true
	}
	var all []host.Event
	for _, data := range changes {
		all = append(all, l.event("group.flow", group.String(), data, ""))
	}
	return l.publishAll(all...)
}
