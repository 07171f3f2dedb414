// Package session keeps instances linked to WhatsApp: one connection for each, its life, what comes
// in and what goes out.
package session

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"pombo/bridge/host"
	"pombo/bridge/network"
	"pombo/bridge/seal"
	"pombo/bridge/state"
)

const (
	secretName = "session"
	// However many have lost the network at once.
	loginsAtOnce = 20
	// What WhatsApp does not answer keeps the others from it for so long.
	longestLogin = 10 * time.Second
)

var errNoSession = host.Fail("invalid", "Instance has no saved session")

// Bridge has all sessions of this process. Safe for concurrent use.
type Bridge struct {
	Host    *host.Host
	Network *network.Network
	Folder  string

	clock    clock
	logins   chan struct{}
	versions versions

	mutex    sync.Mutex // guards both below
	sessions map[string]*Session
	stopping bool
}

func NewBridge(h *host.Host, n *network.Network, folder string) *Bridge {
	return &Bridge{Host: h, Network: n, Folder: folder, clock: wallClock{},
		logins: make(chan struct{}, loginsAtOnce), sessions: map[string]*Session{}}
}

// Of an instance: its session, linked or not.
func (b *Bridge) Of(instance host.Instance) (*Session, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.stopping {
		return nil, host.Fail("unavailable", "The bridge is stopping")
	}
	s, known := b.sessions[instance.ID.Value]
	if !known {
		s = &Session{bridge: b, id: instance.ID, name: instance.Name}
		b.sessions[instance.ID.Value] = s
	}
	return s, nil
}

// login is one of those that are under way at once, until WhatsApp has answered it.
type login struct {
	once sync.Once
	all  chan struct{}
}

func (b *Bridge) beginLogin(ctx context.Context) (*login, error) {
	select {
	case b.logins <- struct{}{}:
		return &login{all: b.logins}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *login) end() { l.once.Do(func() { <-l.all }) }

// Forget an instance that is gone, and all that was kept of it.
func (b *Bridge) Forget(instance host.Instance) error {
	s, err := b.Of(instance)
	if err != nil {
		return err
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	s.close(true)
	b.mutex.Lock()
	delete(b.sessions, instance.ID.Value)
	b.mutex.Unlock()
	return state.Wipe(b.Folder, instance.ID.Value)
}

// Stop closes every link when what is on its way has been sent, or the time is up. The gateway tells
// of it; we do not.
func (b *Bridge) Stop(patience time.Duration) {
	b.mutex.Lock()
	b.stopping = true
	all := make([]*Session, 0, len(b.sessions))
	for _, s := range b.sessions {
		all = append(all, s)
	}
	b.mutex.Unlock()
	until := time.Now().Add(patience)
	var closing sync.WaitGroup
	for _, s := range all {
		closing.Add(1)
		go func() {
			defer closing.Done()
			if l := s.current(); l != nil {
				l.finishSends(until)
			}
			s.turn.Lock()
			defer s.turn.Unlock()
			s.close(true)
		}()
	}
	closing.Wait()
}

// opened state of an instance; a key is made when `make` says so, and is the gateway's to keep.
func (b *Bridge) opened(ctx context.Context, id host.ID, make bool) (*state.State, error) {
	secret, err := b.Host.Secret(ctx, id, secretName)
	if err != nil {
		return nil, err
	}
	if len(secret) != seal.KeySize {
		if !make {
			return nil, errNoSession
		}
		// What an older key has sealed nobody can open any more.
		if err = state.Wipe(b.Folder, id.Value); err != nil {
			return nil, host.Fail("internal", "the session's folder cannot be cleared")
		}
		secret = newKey()
		if err = b.Host.SetSecret(ctx, id, secretName, secret); err != nil {
			return nil, err
		}
	} else if !make && !state.Exists(b.Folder, id.Value) {
		return nil, errNoSession
	}
	opened, err := state.Open(ctx, b.Folder, id.Value, [seal.KeySize]byte(secret))
	switch {
	case errors.Is(err, state.ErrInUse), errors.Is(err, state.ErrSealed):
		return nil, host.Fail("unavailable", "%v", err)
	case err != nil:
		return nil, host.Fail("internal", "the session cannot be opened: %v", err)
	}
	return opened, nil
}

// peeked state of an instance, if it has any: to be read from, and closed soon.
func (b *Bridge) peeked(ctx context.Context, id host.ID) (*state.State, error) {
	if !state.Exists(b.Folder, id.Value) {
		return nil, errNoSession
	}
	secret, err := b.Host.Secret(ctx, id, secretName)
	if err != nil {
		return nil, err
	}
	if len(secret) != seal.KeySize {
		return nil, errNoSession
	}
	return state.Peek(ctx, b.Folder, id.Value, [seal.KeySize]byte(secret))
}

func newKey() []byte {
	key := make([]byte, seal.KeySize)
	rand.Read(key)
	return key
}
