// Package state is what an instance's session is made of, on the disk: a folder of its own for each,
// with a SQLite database in which every blob is sealed by a key that the gateway keeps.
package state

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"syscall"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/types"

	"pombo/bridge/seal"
)

var (
	// ErrInUse is of a session that another process has open.
	ErrInUse = errors.New("the session is in use by another process")
	// ErrSealed is of a session that this key does not open.
	ErrSealed = errors.New("the session is sealed by another key")

	identifier = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	signature  = []byte("a session of pombo's bridge, v. 1")
)

const database = "session.db"

// Never less than `full`: a ratchet that a power cut turns back would lose messages.
const options = "_foreign_keys=on&_journal_mode=WAL&_busy_timeout=10000&_txlock=immediate" +
	"&_synchronous=full&_cache_size=-512"

const tables = `
CREATE TABLE IF NOT EXISTS bridge_seal (id INTEGER PRIMARY KEY, signature BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS bridge_sends (id TEXT PRIMARY KEY, at BIGINT NOT NULL, letter BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS bridge_polls (id TEXT PRIMARY KEY, at BIGINT NOT NULL, poll BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS bridge_history (id TEXT PRIMARY KEY, notice BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS bridge_unreadable (id TEXT PRIMARY KEY, told BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS bridge_read (id TEXT PRIMARY KEY, at BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS bridge_facts (name TEXT PRIMARY KEY, fact BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS bridge_settings (id INTEGER PRIMARY KEY, settings BLOB NOT NULL)`

// State of one instance. Safe for concurrent use.
type State struct {
	Container *sqlstore.Container

	db     *sql.DB
	folder string
	lock   *os.File
}

func folderOf(root, instance string) (string, error) {
	if !identifier.MatchString(instance) {
		return "", errors.New("not an instance's id")
	}
	return filepath.Join(root, instance), nil
}

// Exists says whether anything is kept of an instance.
func Exists(root, instance string) bool {
	folder, err := folderOf(root, instance)
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(folder, database))
	return err == nil
}

// Open makes what is not there. Its errors hold no path.
func Open(ctx context.Context, root, instance string, key [seal.KeySize]byte) (*State, error) {
	folder, err := folderOf(root, instance)
	if err != nil {
		return nil, err
	}
	s := &State{folder: folder}
	if err = s.open(ctx, key); err != nil {
		s.Close()
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, err
	}
	return s, nil
}

// Peek at a session, to read of it what is kept, whoever has it open. What an older version has left is as that
// has left it.
func Peek(ctx context.Context, root, instance string, key [seal.KeySize]byte) (*State, error) {
	folder, err := folderOf(root, instance)
	if err != nil {
		return nil, err
	}
	s := &State{folder: folder}
	s.connect(key, "mode=rw&") // does not make one
	var found []byte
	err = s.db.QueryRowContext(ctx, signed).Scan(&found)
	if err == nil && !isOurs(found) {
		err = ErrSealed
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *State) connect(key [seal.KeySize]byte, mode string) {
	s.db = sql.OpenDB(&seal.Connector{
		DSN:    "file:" + filepath.Join(s.folder, database) + "?" + mode + options,
		Cipher: seal.New(key),
	})
	s.db.SetMaxOpenConns(4)
	s.db.SetMaxIdleConns(1)
}

func (s *State) open(ctx context.Context, key [seal.KeySize]byte) (err error) {
	if err = os.MkdirAll(s.folder, 0o700); err != nil {
		return err
	}
	if s.lock, err = os.OpenFile(filepath.Join(s.folder, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if syscall.Flock(int(s.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return ErrInUse
	}
	s.connect(key, "")
	if _, err = s.db.ExecContext(ctx, tables); err != nil {
		return err
	}
	if err = s.requireKey(ctx); err != nil {
		return err
	}
	s.Container = sqlstore.NewWithDB(s.db, "sqlite3", nil)
	if err = s.Container.Upgrade(ctx); err != nil {
		return fmt.Errorf("the session cannot be brought up to date: %w", err)
	}
	return nil
}

const signed = "SELECT signature FROM bridge_seal"

func isOurs(found []byte) bool { return subtle.ConstantTimeCompare(found, signature) == 1 }

func (s *State) requireKey(ctx context.Context) error {
	var found []byte
	err := s.db.QueryRowContext(ctx, signed).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = s.db.ExecContext(ctx, "INSERT INTO bridge_seal (id, signature) VALUES (1, ?)", signature)
		return err
	}
	if err == nil && !isOurs(found) {
		return ErrSealed
	}
	return err
}

// Names of the device that was linked, by which others see it; both empty when none was.
func (s *State) Names(ctx context.Context) (name, business string, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT push_name, business_name FROM whatsmeow_device "+
		"ORDER BY rowid DESC LIMIT 1").Scan(&name, &business)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return name, business, err
}

// Device that was linked; nil when none was.
func (s *State) Device(ctx context.Context) (*store.Device, error) {
	all, err := s.Container.GetAllDevices(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[len(all)-1], nil
}

// PinnedBeside this one are so many chats, as far as the phone has shared it.
func (s *State) PinnedBeside(ctx context.Context, chat types.JID) (count int, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT count(*) FROM whatsmeow_chat_settings WHERE pinned AND chat_jid <> ?",
		chat.String()).Scan(&count)
	return count, err
}

// Close is for good. A second one does nothing.
func (s *State) Close() {
	if s.db != nil {
		s.db.Close()
	}
	if s.lock != nil {
		s.lock.Close()
	}
}

// Wipe closes it and leaves nothing.
func (s *State) Wipe() error {
	s.Close()
	return os.RemoveAll(s.folder)
}

// Wipe what is kept of an instance that is not open.
func Wipe(root, instance string) error {
	folder, err := folderOf(root, instance)
	if err != nil {
		return err
	}
	return os.RemoveAll(folder)
}
