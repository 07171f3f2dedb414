package session

import (
	"context"
	"errors"
	"sync"
	"time"

	"pombo/bridge/host"
	"pombo/bridge/peer"
)

// Object is JSON.
type Object = map[string]any

// teller tells of the state of a link, in order, until each is accepted: so that the gateway is never
// left with a state that is over.
type teller struct {
	mutex   sync.Mutex // guards both below
	waiting []news
	busy    bool
}

type news struct {
	link  *link // whose it is; nil: the session's own
	data  Object
	after func()
}

// tell does not wait.
func (t *teller) tell(s *Session, l *link, data Object) { t.tellThen(s, l, data, nil) }

// tellThen does `after` when it is accepted, or has become void.
func (t *teller) tellThen(s *Session, l *link, data Object, after func()) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.waiting = append(t.waiting, news{l, data, after})
	if !t.busy {
		t.busy = true
		go t.work(s)
	}
}

func (t *teller) next() (news, bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if len(t.waiting) == 0 {
		t.busy = false
		return news{}, false
	}
	first := t.waiting[0]
	t.waiting = t.waiting[1:]
	return first, true
}

func (t *teller) work(s *Session) {
	for {
		each, is := t.next()
		if !is {
			return
		}
		event := host.Event{Type: "instance.state", Instance: s.id, Data: each.data}
		publish(context.Background(), s.bridge.Host, func() bool {
			return each.link != nil && each.link.silent.Load()
		}, event)
		if each.after != nil {
			each.after()
		}
	}
}

// publish tries until they are accepted, or refused for what they are, or nobody wants it any more.
// Whether they may be acknowledged.
func publish(ctx context.Context, h *host.Host, void func() bool, events ...host.Event) bool {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		if void() {
			return false
		}
		err := h.Publish(ctx, events...)
		if err == nil {
			return true
		}
		if ctx.Err() != nil || errors.Is(err, peer.ErrGone) {
			return false
		}
		switch code := host.Code(err); code {
		case "conflict", "notFound":
			return true // what they tell of is over, or whose it was is gone
		case "invalid", "tooLarge":
			h.Log("error", "An event was refused", Object{"type": events[0].Type, "reason": err.Error()})
			h.Count("events_refused")
			return true
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
}
