package state

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"pombo/bridge/seal"
)

const id = "0193a1b2-0000-7000-8000-0123456789ab"

var (
	ctx = context.Background()
	key = [seal.KeySize]byte{1}
)

func opened(t *testing.T, root string, key [seal.KeySize]byte) *State {
	t.Helper()
	s, err := Open(ctx, root, id, key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// saved device, as pairing leaves it.
func saved(t *testing.T, s *State) *store.Device {
	t.Helper()
	device := s.Container.NewDevice()
	jid := types.NewADJID("15550001111", 0, 7)
	device.ID = &jid
	device.Account = &waAdv.ADVSignedDeviceIdentity{Details: []byte("details"),
		AccountSignature: make([]byte, 64), AccountSignatureKey: make([]byte, 32), DeviceSignature: make([]byte, 64)}
	if err := device.Save(ctx); err != nil {
		t.Fatal(err)
	}
	return device
}

func TestASessionIsOpenInOnePlaceAndByItsKey(t *testing.T) {
	root := t.TempDir()
	s := opened(t, root, key)
	if _, err := Open(ctx, root, id, key); !errors.Is(err, ErrInUse) {
		t.Fatal(err)
	}
	s.Close()
	if _, err := Open(ctx, root, id, [seal.KeySize]byte{2}); !errors.Is(err, ErrSealed) {
		t.Fatal(err)
	}
	if !Exists(root, id) {
		t.Fatal("gone")
	}
	if err := opened(t, root, key).Wipe(); err != nil || Exists(root, id) {
		t.Fatal(err)
	}
}

// Handlers outlive their link: what one of them wrote after the session was closed would outlive its wiping as well.
func TestAClosedSessionIsNotWrittenToAnyMore(t *testing.T) {
	root := t.TempDir()
	s := opened(t, root, key)
	handler, err := s.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var isDone atomic.Bool
	closed := make(chan bool)
	go func() {
		s.Close()
		closed <- isDone.Load()
	}()
	for s.db.PingContext(ctx) == nil {
		runtime.Gosched()
	}
	for _, id := range []string{"A", "B", "C"} {
		if _, err = handler.ExecContext(ctx, "INSERT INTO bridge_read (id, at) VALUES (?, 1)", id); err != nil {
			t.Fatal(err)
		}
	}
	isDone.Store(true)
	handler.Close()
	if !<-closed {
		t.Fatal("it was closed while a handler wrote to it")
	}
	if _, err = s.db.Conn(ctx); err == nil {
		t.Fatal("it can be written to")
	}
	if err = Wipe(root, id); err != nil || Exists(root, id) {
		t.Fatal(err)
	}
}

func TestAnIdIsNoPath(t *testing.T) {
	for _, bad := range []string{"", "..", "../" + id, id + "/x", "0193A1B2-0000-7000-8000-0123456789AB"} {
		if _, err := Open(ctx, t.TempDir(), bad, key); err == nil {
			t.Fatal(bad)
		}
		if Wipe(t.TempDir(), bad) == nil {
			t.Fatal(bad)
		}
	}
}

func TestADeviceIsKeptAndNoneOfItsKeysCanBeReadFromACopy(t *testing.T) {
	root := t.TempDir()
	s := opened(t, root, key)
	device := saved(t, s)
	Guard(device)
	keys, err := device.PreKeys.GetOrGenPreKeys(ctx, 30)
	if err != nil || len(keys) != 30 {
		t.Fatal(err, len(keys))
	}
	session := bytes.Repeat([]byte("session "), 20)
	if err = device.Sessions.PutSession(ctx, "1:0", session); err != nil {
		t.Fatal(err)
	}
	s.Close()

	again, err := opened(t, root, key).Device(ctx)
	if err != nil || *again.NoiseKey.Priv != *device.NoiseKey.Priv || *again.IdentityKey.Priv != *device.IdentityKey.Priv {
		t.Fatal(err)
	}
	found, err := again.PreKeys.GetPreKey(ctx, keys[29].KeyID)
	if err != nil || *found.Priv != *keys[29].Priv {
		t.Fatal(err)
	}
	secrets := map[string][]byte{"noise": device.NoiseKey.Priv[:], "identity": device.IdentityKey.Priv[:],
		"signed": device.SignedPreKey.Priv[:], "adv": device.AdvSecretKey, "one-time": keys[0].Priv[:],
		"session": session[:16]}
	files, _ := filepath.Glob(filepath.Join(root, id, "*"))
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for name, secret := range secrets {
			if bytes.Contains(text, secret) {
				t.Errorf("the %s key is in %s", name, filepath.Base(path))
			}
		}
	}
}

func TestARatchetThatHasMovedIsNotWrittenOver(t *testing.T) {
	device := saved(t, opened(t, t.TempDir(), key))
	Guard(device)
	put := func(ctx context.Context, text string) error {
		return device.Sessions.PutManySessions(ctx, map[string][]byte{"1:0": []byte(text)})
	}
	decrypt := func(text string) {
		t.Helper()
		err := device.EventBuffer.DoDecryptionTxn(ctx, func(ctx context.Context) error {
			if _, err := device.Sessions.GetSession(ctx, "1:0"); err != nil {
				return err
			}
			return put(ctx, text)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	read := func() string {
		t.Helper()
		found, err := device.Sessions.GetManySessions(ctx, []string{"1:0"})
		if err != nil {
			t.Fatal(err)
		}
		return string(found["1:0"])
	}
	decrypt("first")
	read()
	decrypt("second")
	if err := put(ctx, "from the first"); !errors.Is(err, ErrConflict) {
		t.Fatal(err)
	}
	if read() != "second" || put(ctx, "from the second") != nil || put(ctx, "and on") != nil || read() != "and on" {
		t.Fatal(read())
	}
}

func TestLettersPollsAndSettingsAreKept(t *testing.T) {
	root := t.TempDir()
	s := opened(t, root, key)
	now := time.Now()
	for i, name := range []string{"b", "a"} {
		err := s.KeepLetter(ctx, Letter{ID: name, Arguments: []byte("{}"), At: now.Add(time.Duration(i) * time.Second)})
		if err != nil {
			t.Fatal(err)
		}
	}
	if settings, err := s.Settings(ctx); err != nil || !settings.DisableHistorySync {
		t.Fatal(err)
	}
	s.KeepSettings(ctx, Settings{AutoRejectCalls: true})
	s.KeepPoll(ctx, "p", Poll{"Lunch?", []string{"Pizza"}})
	s.Close()

	s = opened(t, root, key)
	letters, err := s.Letters(ctx)
	if err != nil || len(letters) != 2 || letters[0].ID != "b" {
		t.Fatal(err, letters)
	}
	s.DropLetter(ctx, "b")
	if letters, _ = s.Letters(ctx); len(letters) != 1 {
		t.Fatal(letters)
	}
	settings, err := s.Settings(ctx)
	if err != nil || !settings.AutoRejectCalls || settings.DisableHistorySync {
		t.Fatal(err, settings)
	}
	if poll, err := s.FindPoll(ctx, "p"); err != nil || poll.Title != "Lunch?" {
		t.Fatal(err, poll)
	}
	if poll, err := s.FindPoll(ctx, "q"); err != nil || poll.Title != "" {
		t.Fatal(err, poll)
	}
}

func TestWhatIsKeptIsReadWhileTheSessionIsOpen(t *testing.T) {
	root := t.TempDir()
	if _, err := Peek(ctx, root, id, key); err == nil || Exists(root, id) {
		t.Fatal("there is one", err)
	}
	s := opened(t, root, key)
	device := saved(t, s)
	device.PushName, device.BusinessName = "Ana", "Shop"
	if err := device.Save(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := Peek(ctx, root, id, [seal.KeySize]byte{2}); !errors.Is(err, ErrSealed) {
		t.Fatal(err)
	}
	for range 2 { // while it is open, and when it is closed
		peeked, err := Peek(ctx, root, id, key)
		if err != nil {
			t.Fatal(err)
		}
		if name, business, err := peeked.Names(ctx); err != nil || name != "Ana" || business != "Shop" {
			t.Fatal(name, business, err)
		}
		peeked.Close()
		s.Close()
	}
}

func TestASessionThatIsNotLinkedHasNoNames(t *testing.T) {
	if name, business, err := opened(t, t.TempDir(), key).Names(ctx); err != nil || name+business != "" {
		t.Fatal(name, business, err)
	}
}
