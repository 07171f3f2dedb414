package session

import (
	"context"
	"sync"
)

// sends are those on their way in this process.
type sends struct {
	mutex   sync.Mutex               // guards all below
	under   map[string]chan struct{} // closed at its end
	over    bool
	working sync.WaitGroup
}

// begin is false for an id that is on its way already, and when the link is over.
func (s *sends) begin(id string) bool { return s.tryBegin(id) == nil }

// beginAfter whoever sends it now; false when the context, which ends with the link, is over first.
func (s *sends) beginAfter(ctx context.Context, id string) bool {
	for {
		free := s.tryBegin(id)
		if free == nil {
			return true
		}
		select {
		case <-free:
		case <-ctx.Done():
			return false
		}
	}
}

// tryBegin returns nil, or what is closed when it may be tried again.
func (s *sends) tryBegin(id string) <-chan struct{} {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.over {
		return make(chan struct{})
	}
	if free, is := s.under[id]; is {
		return free
	}
	if s.under == nil {
		s.under = map[string]chan struct{}{}
	}
	s.under[id] = make(chan struct{})
	s.working.Add(1)
	return nil
}

func (s *sends) end(id string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	close(s.under[id])
	delete(s.under, id)
	s.working.Done()
}

// wait for the last of them.
func (s *sends) wait() {
	s.mutex.Lock()
	s.over = true
	s.mutex.Unlock()
	s.working.Wait()
}

func (s *sends) count() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.under)
}
