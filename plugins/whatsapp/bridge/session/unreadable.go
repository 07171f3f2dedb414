package session

import (
	"context"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/convert"
	"pombo/bridge/state"
)

// For so long a message that cannot be read may still be sent again by whoever sent it.
const readableWithin = time.Minute

// unreadables are messages of which something else is told when they stay so: by this link, or by a later one.
type unreadables struct {
	telling sync.Mutex // held by whoever tells

	mutex   sync.Mutex           // guards it
	waiting map[string]time.Time // until when
}

// load those of earlier links, which have waited long enough.
func (u *unreadables) load(ctx context.Context, opened *state.State) error {
	all, err := opened.Unreadables(ctx)
	u.waiting = map[string]time.Time{}
	for _, each := range all {
		u.waiting[each.ID] = time.Time{}
	}
	return err
}

func (u *unreadables) until(id string) (at time.Time, waits bool) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	at, waits = u.waiting[id]
	return at, waits
}

func (u *unreadables) add(id string, until time.Time) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	u.waiting[id] = until
}

func (u *unreadables) remove(id string) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	delete(u.waiting, id)
}

// keepUnreadable message until it is read, or told of; false when it cannot be.
func (l *link) keepUnreadable(evt *events.UndecryptableMessage) bool {
	id := evt.Info.ID
	_, waits := l.unread.until(id)
	if waits || evt.DecryptFailMode == events.DecryptFailHide || l.isIgnored(evt.Info.Chat) {
		return true
	}
	why := string(evt.UnavailableType)
	if why == "" {
		why = "undecryptable"
	}
	made := convert.PlaceholderOf(l.ctx, &l.people, evt.Info, why)
	if l.state.KeepUnreadable(l.ctx, state.Unreadable{ID: id, Chat: made.Chat, Data: made.Data}) != nil {
		return false
	}
	l.unread.add(id, l.now().Add(readableWithin))
	l.s.bridge.clock.after(readableWithin, l.tellUnreadables)
	return true
}

// tellUnreadables that have waited long enough. What cannot be told now a later link tells.
func (l *link) tellUnreadables() {
	l.unread.telling.Lock()
	defer l.unread.telling.Unlock()
	if l.ctx.Err() != nil {
		return
	}
	all, err := l.state.Unreadables(l.ctx)
	if err != nil {
		return
	}
	for _, each := range all {
		until, waits := l.unread.until(each.ID)
		if !waits || until.After(l.now()) { // it was read meanwhile, or has another minute
			continue
		}
		if !l.publish("message.exchange", each.Chat, each.Data, "") {
			return
		}
		l.dropUnreadable(each.ID)
	}
}

// dropUnreadable message, because it was read or told of; false when it may be told of yet.
func (l *link) dropUnreadable(id string) bool {
	if _, waits := l.unread.until(id); !waits {
		return true
	}
	if l.state.DropUnreadable(context.WithoutCancel(l.ctx), id) != nil {
		return false
	}
	l.unread.remove(id)
	return true
}
