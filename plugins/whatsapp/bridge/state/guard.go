package state

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/util/keys"
)

// ErrConflict is of a message that was encrypted by a ratchet that a received one has moved since:
// nothing was sent, and it can be encrypted again.
var ErrConflict = errors.New("the ratchet has moved meanwhile")

// guard is the store of a device, for the places in which the library's own does not hold: it
// encrypts from ratchets that it has read before, and writes them back over what it decrypts at the
// same time. Messages are decrypted within a transaction; whatever is written outside of one is
// compared with what it was made from.
type guard struct {
	*sqlstore.SQLStore

	mutex sync.Mutex // guards it
	reads map[string][]byte
}

type decryption struct{}

func isDecryption(ctx context.Context) bool { return ctx.Value(decryption{}) != nil }

// Guard a device that has been saved.
func Guard(device *store.Device) {
	if plain, is := device.Sessions.(*sqlstore.SQLStore); is {
		device.SetAllStores(&guard{SQLStore: plain, reads: map[string][]byte{}})
	}
}

func (g *guard) DoDecryptionTxn(ctx context.Context, work func(context.Context) error) error {
	return g.SQLStore.DoDecryptionTxn(context.WithValue(ctx, decryption{}, true), work)
}

func (g *guard) note(address string, session []byte) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.reads[address] = session
}

func (g *guard) GetSession(ctx context.Context, address string) ([]byte, error) {
	session, err := g.SQLStore.GetSession(ctx, address)
	if err == nil && !isDecryption(ctx) {
		g.note(address, session)
	}
	return session, err
}

func (g *guard) GetManySessions(ctx context.Context, addresses []string) (map[string][]byte, error) {
	sessions, err := g.SQLStore.GetManySessions(ctx, addresses)
	if err == nil && !isDecryption(ctx) {
		for address, session := range sessions {
			g.note(address, session)
		}
	}
	return sessions, err
}

func (g *guard) PutSession(ctx context.Context, address string, session []byte) error {
	if isDecryption(ctx) {
		return g.SQLStore.PutSession(ctx, address, session)
	}
	return g.PutManySessions(ctx, map[string][]byte{address: session})
}

func (g *guard) PutManySessions(ctx context.Context, sessions map[string][]byte) error {
	if isDecryption(ctx) {
		return g.SQLStore.PutManySessions(ctx, sessions)
	}
	return g.SQLStore.DoDecryptionTxn(ctx, func(ctx context.Context) error {
		for address, session := range sessions {
			if err := g.requireUnmoved(ctx, address); err != nil {
				return err
			}
			if err := g.SQLStore.PutSession(ctx, address, session); err != nil {
				return err
			}
			g.note(address, session)
		}
		return nil
	})
}

func (g *guard) requireUnmoved(ctx context.Context, address string) error {
	now, err := g.SQLStore.GetSession(ctx, address)
	if err != nil {
		return err
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if before, known := g.reads[address]; known && !bytes.Equal(before, now) {
		return ErrConflict
	}
	return nil
}

// GetOrGenPreKeys makes the 812 keys of a new device in one transaction instead of one each.
func (g *guard) GetOrGenPreKeys(ctx context.Context, count uint32) (all []*keys.PreKey, err error) {
	err = g.SQLStore.DoDecryptionTxn(ctx, func(ctx context.Context) (err error) {
		all, err = g.SQLStore.GetOrGenPreKeys(ctx, count)
		return err
	})
	return all, err
}
