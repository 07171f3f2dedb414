package session

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/store"

	"pombo/bridge/host"
	"pombo/bridge/state"
)

// Session of one instance: at most one link.
type Session struct {
	bridge *Bridge
	id     host.ID
	name   string
	news   teller

	read     recentIDs // messages that were told of, or are being, or nobody knows
	accepted recentIDs // and those of them that certainly were

	turn    sync.Mutex // held by whoever opens or closes the link
	telling sync.Mutex // held by whoever tells a link of settings

	mutex    sync.Mutex // guards all below
	link     *link
	settings *state.Settings // told last
	known    *host.Profile   // of the last link; nil: nobody has looked
}

func (s *Session) current() *link {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.link
}

func (s *Session) set(l *link) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.link = l
}

// drop forgets a link that has ended by itself; one that is void when that is wiped.
func (s *Session) drop(l *link) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.link == l && !l.void.Load() {
		s.link = nil
	}
}

// close ends the link, if there is one, and waits for its end. Of a silent one nothing more is told.
// The turn is held.
func (s *Session) close(silent bool) {
	l := s.current()
	if l == nil {
		return
	}
	l.settlePairing()
	l.silent.Store(silent)
	l.cancel()
	<-l.done
	if l.void.Load() {
		l.clear()
	}
	s.set(nil)
}

// Connect begins: what comes of it is told by events. One that is under way is superseded.
func (s *Session) Connect(ctx context.Context, request host.LinkRequest) (host.Link, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.close(true)
	opened, err := s.bridge.opened(ctx, s.id, true)
	if err != nil {
		return host.Link{}, err
	}
	device, err := opened.Device(ctx)
	if err != nil {
		opened.Close()
		return host.Link{}, host.Fail("internal", "the session cannot be read")
	}
	isNew := device == nil
	if isNew {
		device = opened.Container.NewDevice()
	}
	if err = s.start(ctx, opened, device, request, isNew); err != nil {
		return host.Link{}, err
	}
	return host.Link{Kind: "later"}, nil
}

// Reconnect resumes what is kept, for as long as it takes.
func (s *Session) Reconnect(ctx context.Context, proxy *host.Proxy) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	if l := s.current(); l != nil && l.isPairing() {
		return errNoSession // its code goes on waiting
	}
	s.close(true)
	opened, err := s.bridge.opened(ctx, s.id, false)
	if err != nil {
		return err
	}
	device, err := opened.Device(ctx)
	if err != nil || device == nil {
		opened.Close()
		return errNoSession
	}
	return s.start(ctx, opened, device, host.LinkRequest{Proxy: proxy}, false)
}

func (s *Session) start(ctx context.Context, opened *state.State, device *store.Device,
	request host.LinkRequest, isNew bool) error {
	told := s.told()
	if told != nil {
		if err := opened.KeepSettings(ctx, *told); err != nil {
			opened.Close()
			return host.Fail("internal", "the settings cannot be kept")
		}
	}
	if request.Proxy != nil {
		if err := s.bridge.Host.RequireAllowedProxy(ctx, request.Proxy.Host); err != nil {
			opened.Close()
			return err
		}
	}
	l, err := newLink(s, opened, device, request, isNew)
	if err != nil {
		opened.Close()
		return err
	}
	s.set(l)
	if err = s.applyNewer(ctx, l, told); err != nil {
		s.set(nil)
		l.cancel()
		opened.Close()
		return err
	}
	go l.run()
	return nil
}

func (s *Session) told() *state.Settings {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.settings
}

// applyNewer settings than a link was opened with: those told meanwhile have found none.
func (s *Session) applyNewer(ctx context.Context, l *link, than *state.Settings) error {
	s.telling.Lock()
	defer s.telling.Unlock()
	if told := s.told(); told != than {
		return l.apply(ctx, *told)
	}
	return nil
}

// Disconnect closes the link and keeps the session.
func (s *Session) Disconnect() {
	s.turn.Lock()
	defer s.turn.Unlock()
	l := s.current()
	if l == nil {
		return
	}
	l.settlePairing()
	isPairing := l.isPairing()
	s.close(true)
	if !isPairing {
		s.news.tell(s, nil, Object{"state": "disconnected", "reason": "closed"})
	}
}

const logoutTime = 15 * time.Second

// Logout unlinks, as far as WhatsApp can be reached, and leaves nothing of the session.
func (s *Session) Logout(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.isLinked(ctx) && !s.unlink(ctx) {
		s.bridge.Host.Log("warn", "WhatsApp was not told of a logout", Object{"instance": s.id.Value})
	}
	s.close(true)
	return s.wipe(ctx)
}

// isLinked says whether a phone lists the instance, as far as is known here. The turn is held.
func (s *Session) isLinked(ctx context.Context) bool {
	if l := s.current(); l != nil {
		l.settlePairing()
		return !l.isPairing() && !l.void.Load()
	}
	opened, err := s.bridge.opened(ctx, s.id, false)
	if err != nil {
		return false
	}
	defer opened.Close()
	device, err := opened.Device(ctx)
	return err == nil && device != nil
}

// unlink is false when WhatsApp has not agreed.
func (s *Session) unlink(ctx context.Context) bool {
	l := s.current()
	if l == nil || !l.isReady() {
		return false
	}
	limited, cancel := context.WithTimeout(ctx, logoutTime)
	defer cancel()
	return l.client.Logout(limited) == nil
}

func (s *Session) wipe(ctx context.Context) error {
	if err := state.Wipe(s.bridge.Folder, s.id.Value); err != nil {
		return host.Fail("internal", "the session cannot be wiped")
	}
	s.know(host.Profile{})
	return s.bridge.Host.EraseSecret(ctx, s.id, secretName)
}

// Apply the settings of the instance, now and at the next link.
func (s *Session) Apply(ctx context.Context, arguments json.RawMessage) error {
	settings := state.Settings{DisableHistorySync: true}
	if err := json.Unmarshal(arguments, &settings); err != nil {
		return host.Fail("invalid", "Invalid settings")
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	s.mutex.Lock()
	s.settings = &settings
	l := s.link
	s.mutex.Unlock()
	if l == nil {
		return nil
	}
	return l.apply(ctx, settings)
}
