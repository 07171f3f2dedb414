package session

import (
	"context"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/convert"
	"pombo/bridge/state"
)

const (
	// For so long a message that cannot be read may still be sent again by whoever sent it.
	readableWithin = time.Minute
	// And for so long one that is read waits for its placeholder, which the gateway may be taking just then.
	heldWithin = 30 * time.Second
)

// unreadables are messages of which something else is told when they stay so: by this link, or by a later one.
type unreadables struct {
	telling sync.Mutex // held by whoever tells
	reading sync.Mutex // held by whoever begins to read one, or is done with it

	mutex   sync.Mutex // guards both below
	waiting map[string]unread
	readers map[string]readers // of messages, whether or not they wait
}

type unread struct {
	until  time.Time
	isRead bool              // an earlier link has ended while it told of it
	alone  *state.Unreadable // there is no row of it
	told   chan struct{}     // closed when somebody who tells of it is done; nil: nobody does
}

// readers of one message: the library leaves a handler at it when its connection is lost, and the next one brings it
// to another.
type readers struct {
	handlers int
	isKept   bool // on the disk, that it is read
}

// loadUnreadables of earlier links, which have waited long enough. A row that says nothing any more is worth no
// instance's link, and would say no more at the next one.
func (l *link) loadUnreadables() error {
	all, spoiled, err := l.state.Unreadables(l.ctx)
	l.unread.waiting, l.unread.readers = map[string]unread{}, map[string]readers{}
	for _, each := range all {
		l.unread.waiting[each.ID] = unread{isRead: each.IsRead}
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

// begin to tell of what is due; it says when that is done.
func (u *unreadables) begin(id string, now time.Time) (done func(), isDue bool) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	one, waits := u.waiting[id]
	if !waits || u.holds(id) || one.until.After(now) {
		return nil, false
	}
	told := make(chan struct{})
	one.told = told
	u.waiting[id] = one
	return func() {
		u.mutex.Lock()
		defer u.mutex.Unlock()
		if one, waits := u.waiting[id]; waits {
			one.told = nil
			u.waiting[id] = one
		}
		close(told)
	}, true
}

// hold what waits, if it does, until all who hold it let go; what is returned is nil when nobody tells of it.
func (u *unreadables) hold(id string) (told <-chan struct{}) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	of := u.readers[id]
	of.handlers++
	u.readers[id] = of
	return u.waiting[id].told
}

// keep in mind that it is on the disk that it is read.
func (u *unreadables) keep(id string) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	of := u.readers[id]
	of.isKept = true
	u.readers[id] = of
}

// letGo of it; nobody holds it any more when no handlers are left.
func (u *unreadables) letGo(id string) (left readers) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	left = u.readers[id]
	left.handlers--
	u.readers[id] = left
	if left.handlers == 0 {
		delete(u.readers, id)
	}
	return left
}

// release what nobody holds any more; false when it was told of.
func (u *unreadables) release(id string, until time.Time) bool {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	one, waits := u.waiting[id]
	if waits {
		one.isRead, one.until = false, until
		u.waiting[id] = one
	}
	return waits
}

func (u *unreadables) isHeld(id string) bool {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	return u.holds(id)
}

// holds is isHeld where the mutex is held.
func (u *unreadables) holds(id string) bool {
	return u.readers[id].handlers > 0 || u.waiting[id].isRead
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
	if waits || evt.DecryptFailMode == events.DecryptFailHide || l.isIgnored(evt.Info.Chat) || l.isRead(id) {
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
		done, isDue := l.unread.begin(each.ID, l.now())
		if !isDue { // it was read meanwhile, or has another minute
			continue
		}
		told := l.tellPlaceholder(each)
		if told {
			l.dropUnreadable(each.ID)
		}
		done()
		if !told && !l.unread.isHeld(each.ID) {
			return
		}
	}
}

// tellPlaceholder, unless the message itself comes.
func (l *link) tellPlaceholder(of state.Unreadable) bool {
	ctx, cancel := context.WithTimeout(l.ctx, longestHold)
	defer cancel()
	connection, void := l.dialled.Load(), func() bool { return l.unread.isHeld(of.ID) }
	told := publish(ctx, l.s.bridge.Host, void, l.event("message.exchange", of.Chat, of.Data, ""))
	if !told && !void() {
		l.askAgain(connection)
	}
	return told
}

// dropUnreadable message, because it was read or told of. A row that stays is told of once more by a later link,
// which the gateway takes for the same; when the message was read it is not.
func (l *link) dropUnreadable(id string) {
	if one, waited := l.unread.take(id); waited && one.alone == nil {
		l.state.DropUnreadable(context.WithoutCancel(l.ctx), id)
	}
}

// holdUnreadable message, which is read now, until it is told of: one that the phone has sent again does not come once
// more when it is not accepted, and then this is what remains of it. Nil: its placeholder is being told, and that
// does not end.
func (l *link) holdUnreadable(id string) (letGo func(accepted bool)) {
	l.unread.reading.Lock()
	telling := l.unread.hold(id)
	l.unread.reading.Unlock()
	letGo = func(accepted bool) { l.letGoOf(id, accepted) }
	if telling == nil {
		return letGo
	}
	select {
	case <-telling:
		return letGo
	case <-l.ctx.Done():
	case <-time.After(heldWithin):
	}
	letGo(false)
	return nil
}

// letGoOf a message that was held. While another handler tells of it as well, that one decides.
func (l *link) letGoOf(id string, accepted bool) {
	l.unread.reading.Lock()
	defer l.unread.reading.Unlock()
	left := l.unread.letGo(id)
	switch {
	case accepted:
		l.s.accepted.begin(id)
		l.dropUnreadable(id)
	case left.handlers == 0:
		l.takeBack(id, left.isKept)
		if l.unread.release(id, l.now().Add(readableWithin)) {
			l.s.bridge.clock.after(readableWithin, l.tellUnreadables)
		}
	}
}

// noteRead message that is held, before it is told of, or though there is nothing to tell: none that cannot be read is
// told of under its id any more. What was sent again because we could not read it may come as it was once more, after
// a crash as well.
func (l *link) noteRead(evt *events.Message) {
	id := evt.Info.ID
	l.s.read.begin(id)
	_, waits := l.unread.find(id)
	if waits || evt.RetryCount > 0 || evt.UnavailableRequestID != "" {
		l.unread.keep(id)
		l.state.KeepRead(l.ctx, id)
	}
}

// takeBack that a message is read, which was not told of, by this link or one before it. Nobody knows with a link that
// has ended, and by the next one it comes again.
func (l *link) takeBack(id string, isKept bool) {
	if l.ctx.Err() != nil || l.s.accepted.has(id) {
		return
	}
	l.s.read.fail(id)
	if isKept {
		l.state.DropRead(l.ctx, id)
	}
}

func (l *link) isRead(id string) bool {
	if l.s.read.has(id) {
		return true
	}
	is, err := l.state.IsRead(l.ctx, id)
	return err == nil && is
}
