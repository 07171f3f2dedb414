package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// Letter is a message on its way: it is kept from before it is handed to WhatsApp until its event is
// accepted, so that a crash between the two is settled under the same id.
type Letter struct {
	ID        string          `json:"id"`
	Operation string          `json:"operation"`
	Arguments json.RawMessage `json:"arguments"`
	At        time.Time       `json:"at"`
	// Sent is the protobuf that was, or may have been, handed over.
	Sent []byte `json:"sent"`
}

func (s *State) KeepLetter(ctx context.Context, letter Letter) error {
	text, err := json.Marshal(letter)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "INSERT INTO bridge_sends (id, at, letter) VALUES (?, ?, ?) "+
		"ON CONFLICT (id) DO UPDATE SET letter = excluded.letter", letter.ID, letter.At.Unix(), text)
	return err
}

func (s *State) DropLetter(ctx context.Context, id string) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM bridge_sends WHERE id = ?", id)
	return err
}

// FindLetter that is not settled; false when there is none.
func (s *State) FindLetter(ctx context.Context, id string) (letter Letter, is bool, err error) {
	err = s.find(ctx, &letter, "SELECT letter FROM bridge_sends WHERE id = ?", id)
	return letter, err == nil && letter.ID != "", err
}

// Letters that are not settled, oldest first.
func (s *State) Letters(ctx context.Context) ([]Letter, error) {
	return all[Letter](ctx, s, "SELECT letter FROM bridge_sends ORDER BY at, id")
}

// Poll is what a vote, which names its choices by hashes, is read with.
type Poll struct {
	Title   string   `json:"title"`
	Options []string `json:"options"`
}

// Older polls are voted on by nobody.
const pollsAreKept = 90 * 24 * time.Hour

func (s *State) KeepPoll(ctx context.Context, id string, poll Poll) error {
	text, err := json.Marshal(poll)
	if err != nil {
		return err
	}
	now := time.Now()
	_, err = s.db.ExecContext(ctx, "INSERT INTO bridge_polls (id, at, poll) VALUES (?, ?, ?) "+
		"ON CONFLICT (id) DO NOTHING", id, now.Unix(), text)
	if err == nil {
		_, err = s.db.ExecContext(ctx, "DELETE FROM bridge_polls WHERE at < ?",
			now.Add(-pollsAreKept).Unix())
	}
	return err
}

// FindPoll is empty for one that is not known.
func (s *State) FindPoll(ctx context.Context, id string) (poll Poll, err error) {
	err = s.find(ctx, &poll, "SELECT poll FROM bridge_polls WHERE id = ?", id)
	return poll, err
}

// KeepNotice of a part of the history that is not read yet.
func (s *State) KeepNotice(ctx context.Context, id string, notice []byte) error {
	_, err := s.db.ExecContext(ctx, "INSERT INTO bridge_history (id, notice) VALUES (?, ?) "+
		"ON CONFLICT (id) DO NOTHING", id, notice)
	return err
}

func (s *State) DropNotice(ctx context.Context, id string) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM bridge_history WHERE id = ?", id)
	return err
}

// NextNotice in the order in which they came; without an id when there is none.
func (s *State) NextNotice(ctx context.Context) (id string, notice []byte, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT id, notice FROM bridge_history ORDER BY rowid LIMIT 1").
		Scan(&id, &notice)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil, nil
	}
	return id, notice, err
}

// Unreadable message, of which an event is told if it stays so.
type Unreadable struct {
	ID   string         `json:"id"`
	Chat string         `json:"chat"`
	Data map[string]any `json:"data"`
	// IsRead when a process has ended while it told of the message itself.
	IsRead bool `json:"-"`
}

func (s *State) KeepUnreadable(ctx context.Context, message Unreadable) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "INSERT INTO bridge_unreadable (id, told) VALUES (?, ?) "+
		"ON CONFLICT (id) DO NOTHING", message.ID, text)
	return err
}

func (s *State) DropUnreadable(ctx context.Context, id string) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM bridge_unreadable WHERE id = ?", id)
	return err
}

// Unreadables that are neither read nor told of, oldest first; and beside them the rows that are none.
func (s *State) Unreadables(ctx context.Context) (found []Unreadable, spoiled []int64, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT u.rowid, u.id, u.told, r.id IS NOT NULL "+
		"FROM bridge_unreadable AS u LEFT JOIN bridge_read AS r ON r.id = u.id ORDER BY u.rowid")
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var row int64
		var id, text []byte
		var one Unreadable
		if err = rows.Scan(&row, &id, &text, &one.IsRead); err != nil {
			return nil, nil, err
		}
		if json.Unmarshal(text, &one) == nil && one.ID == string(id) && one.ID != "" && one.Data != nil {
			found = append(found, one)
		} else {
			spoiled = append(spoiled, row)
		}
	}
	return found, spoiled, rows.Err()
}

// DropSpoiled rows of those.
func (s *State) DropSpoiled(ctx context.Context, rows []int64) error {
	for _, row := range rows {
		if _, err := s.db.ExecContext(ctx, "DELETE FROM bridge_unreadable WHERE rowid = ?", row); err != nil {
			return err
		}
	}
	return nil
}

// Longer than WhatsApp keeps for us what we have not acknowledged, and the library what it has read.
const readsAreKept = 30 * 24 * time.Hour

// KeepRead of a message that could not be read at first: from before it is told of.
func (s *State) KeepRead(ctx context.Context, id string) error {
	now := time.Now()
	_, err := s.db.ExecContext(ctx, "INSERT INTO bridge_read (id, at) VALUES (?, ?) ON CONFLICT (id) DO NOTHING",
		id, now.Unix())
	if err != nil {
		return err
	}
	old := now.Add(-readsAreKept).Unix()
	_, err = s.db.ExecContext(ctx, "DELETE FROM bridge_unreadable WHERE id IN "+
		"(SELECT id FROM bridge_read WHERE at < ?)", old)
	if err == nil {
		_, err = s.db.ExecContext(ctx, "DELETE FROM bridge_read WHERE at < ?", old)
	}
	return err
}

// DropRead of a message that was not told of.
func (s *State) DropRead(ctx context.Context, id string) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM bridge_read WHERE id = ?", id)
	return err
}

func (s *State) IsRead(ctx context.Context, id string) (is bool, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM bridge_read WHERE id = ?)", id).Scan(&is)
	return is, err
}

// Settings of the instance, as the gateway has told them last.
type Settings struct {
	AutoRejectCalls    bool   `json:"autoRejectCalls"`
	CallRejectMessage  string `json:"callRejectMessage"`
	IgnoreGroups       bool   `json:"ignoreGroupMessages"`
	KeepOnlineStatus   bool   `json:"keepOnlineStatus"`
	AutoReadMessages   bool   `json:"autoReadMessages"`
	DisableHistorySync bool   `json:"disableHistorySync"`
	IgnoreStatus       bool   `json:"ignoreStatus"`
}

func (s *State) KeepSettings(ctx context.Context, settings Settings) error {
	text, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "INSERT INTO bridge_settings (id, settings) VALUES (1, ?) "+
		"ON CONFLICT (id) DO UPDATE SET settings = excluded.settings", text)
	return err
}

// Settings are the usual ones while nothing has been told.
func (s *State) Settings(ctx context.Context) (Settings, error) {
	settings := Settings{DisableHistorySync: true}
	err := s.find(ctx, &settings, "SELECT settings FROM bridge_settings")
	return settings, err
}

// KeepFact that a session has to know of itself, as JSON.
func (s *State) KeepFact(ctx context.Context, name string, fact any) error {
	text, err := json.Marshal(fact)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "INSERT INTO bridge_facts (name, fact) VALUES (?, ?) "+
		"ON CONFLICT (name) DO UPDATE SET fact = excluded.fact", name, text)
	return err
}

// FindFact leaves as it is what has not been kept.
func (s *State) FindFact(ctx context.Context, name string, into any) error {
	return s.find(ctx, into, "SELECT fact FROM bridge_facts WHERE name = ?", name)
}

func (s *State) find(ctx context.Context, into any, query string, values ...any) error {
	var text []byte
	err := s.db.QueryRowContext(ctx, query, values...).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// all rows of one column, which is JSON.
func all[T any](ctx context.Context, s *State, query string) (found []T, err error) {
	rows, err := s.db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text []byte
		var one T
		if err = rows.Scan(&text); err == nil {
			err = json.Unmarshal(text, &one)
		}
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, rows.Err()
}
