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

	mutex   sync.Mutex // guards it
	waiting map[string]unread
}

type unread struct {
	until  time.Time
	isHeld bool              // it has been read, and is being told of
	alone  *state.Unreadable // there is no row of it
}

// loadUnreadables of earlier links, which have waited long enough. A row that says nothing any more is worth no
// instance's link, and would say no more at the next one.
func (l *link) loadUnreadables() error {
	all, spoiled, err := l.state.Unreadables(l.ctx)
	l.unread.waiting = map[string]unread{}
	for _, each := range all {
		l.unread.waiting[each.ID] = unread{}
	}
	if err != nil || len(spoiled) == 0 {
		return err
	}
	l.s.bridge.Host.Log("warn", "What was kept of messages that nobody could read is spoiled",
		Object{"instance": l.s.id.Value, "messages": len(spoiled)})
	return l.state.DropSpoiled(l.ctx, spoiled)
}

func (u *unreadables) find(id string) (one unread, waits bool) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	one, waits = u.waiting[id]
	return one, waits
}

func (u *unreadables) add(id string, one unread) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	u.waiting[id] = one
}

// take it out; false when it does not wait.
func (u *unreadables) take(id string) (one unread, waited bool) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	one, waited = u.waiting[id]
	delete(u.waiting, id)
	return one, waited
}

func (u *unreadables) alone() (all []state.Unreadable) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	for _, each := range u.waiting {
		if each.alone != nil {
			all = append(all, *each.alone)
		}
	}
	return all
}

// keepUnreadable message until it is read, or told of. The library has acknowledged it already: what cannot be
// written is remembered.
func (l *link) keepUnreadable(evt *events.UndecryptableMessage) {
	id := evt.Info.ID
	_, waits := l.unread.find(id)
	if waits || evt.DecryptFailMode == events.DecryptFailHide || l.isIgnored(evt.Info.Chat) {
		return
	}
	why := string(evt.UnavailableType)
	if why == "" {
		why = "undecryptable"
	}
	made := convert.PlaceholderOf(l.ctx, &l.people, evt.Info, why)
	row := state.Unreadable{ID: id, Chat: made.Chat, Data: made.Data}
	one := unread{until: l.now().Add(readableWithin)}
	if l.state.KeepUnreadable(l.ctx, row) != nil {
		one.alone = &row
	}
	l.unread.add(id, one)
	l.s.bridge.clock.after(readableWithin, l.tellUnreadables)
}

// tellUnreadables that have waited long enough. What cannot be told now a later link tells.
func (l *link) tellUnreadables() {
	l.unread.telling.Lock()
	defer l.unread.telling.Unlock()
	if l.ctx.Err() != nil {
		return
	}
	all, _, _ := l.state.Unreadables(l.ctx) // those alone are known without it
	for _, each := range append(all, l.unread.alone()...) {
		one, waits := l.unread.find(each.ID)
		if !waits || one.isHeld || one.until.After(l.now()) { // it was read meanwhile, or has another minute
			continue
		}
		if !l.publishBeside(l.event("message.exchange", each.Chat, each.Data, "")) {
			return
		}
		l.dropUnreadable(each.ID)
	}
}

// dropUnreadable message, because it was read or told of. A row that stays is told of once more by a later link,
// which the gateway takes for the same.
func (l *link) dropUnreadable(id string) {
	if one, waited := l.unread.take(id); waited && one.alone == nil {
		l.state.DropUnreadable(context.WithoutCancel(l.ctx), id)
	}
}

// holdUnreadable message, which is read now, until it is told of: one that the phone has sent again does not come once
// more when it is not accepted, and then this is what remains of it.
func (l *link) holdUnreadable(id string) (letGo func(accepted bool)) {
	one, waits := l.unread.find(id)
	if !waits {
		return func(bool) {}
	}
	one.isHeld = true
	l.unread.add(id, one)
	return func(accepted bool) {
		if accepted {
			l.dropUnreadable(id)
			return
		}
		one.isHeld, one.until = false, l.now().Add(readableWithin)
		l.unread.add(id, one)
		l.s.bridge.clock.after(readableWithin, l.tellUnreadables)
	}
}
