package seal

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"
	"time"

	"github.com/mattn/go-sqlite3"
)

// ErrClosed is of whoever wants a connection to a database that is closed.
var ErrClosed = errors.New("the database is closed")

// ErrInUse is of a database that is closed while a connection is not given back.
var ErrInUse = errors.New("a connection to the database is still in use")

// For so long Close waits for who uses a connection: a statement takes a moment, and 10 s when another writes.
const longestUse = 15 * time.Second

// Connector opens a SQLite database in which every blob is sealed: by its driver, so that no table
// and no column of whoever uses it can be forgotten. It is for one sql.DB.
type Connector struct {
	DSN    string
	Cipher *Cipher

	mutex sync.Mutex // guards both below
	open  int
	idle  chan struct{} // closed when none is open any more; nil: some may still be opened
}

func (c *Connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

func (c *Connector) Connect(context.Context) (driver.Conn, error) {
	if !c.begin() {
		return nil, ErrClosed
	}
	inner, err := c.Driver().Open(c.DSN)
	if err != nil {
		c.end()
		return nil, err
	}
	return &conn{inner.(*sqlite3.SQLiteConn), c}, nil
}

func (c *Connector) begin() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.idle != nil {
		return false
	}
	c.open++
	return true
}

func (c *Connector) end() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.open--
	if c.open == 0 && c.idle != nil {
		close(c.idle)
	}
}

// Close is called by sql.DB's Close, which itself leaves alone who uses a connection, or opens one just then. When it
// returns without an error nobody touches the file any more: it can be deleted, or opened by others.
func (c *Connector) Close() error {
	c.mutex.Lock()
	if c.idle == nil {
		c.idle = make(chan struct{})
		if c.open == 0 {
			close(c.idle)
		}
	}
	c.mutex.Unlock()
	select {
	case <-c.idle:
		return nil
	case <-time.After(longestUse):
		return ErrInUse
	}
}

type conn struct {
	*sqlite3.SQLiteConn
	of *Connector
}

func (c *conn) Close() error {
	defer c.of.end()
	return c.SQLiteConn.Close()
}

func (c *conn) sealed(values []driver.NamedValue) []driver.NamedValue {
	all := make([]driver.NamedValue, len(values))
	for i, value := range values {
		if bytes, is := value.Value.([]byte); is && bytes != nil {
			value.Value = c.of.Cipher.Seal(bytes)
		}
		all[i] = value
	}
	return all
}

func (c *conn) ExecContext(ctx context.Context, query string, values []driver.NamedValue) (
	driver.Result, error) {
	return c.SQLiteConn.ExecContext(ctx, query, c.sealed(values))
}

func (c *conn) QueryContext(ctx context.Context, query string, values []driver.NamedValue) (
	driver.Rows, error) {
	inner, err := c.SQLiteConn.QueryContext(ctx, query, c.sealed(values))
	return rowsOf(inner, c.of.Cipher, err)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	inner, err := c.SQLiteConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &statement{inner.(*sqlite3.SQLiteStmt), c}, nil
}

func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// Exec and Query of old drivers would go around the sealing.
func (c *conn) Exec(string, []driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }
func (c *conn) Query(string, []driver.Value) (driver.Rows, error)  { return nil, driver.ErrSkip }

type statement struct {
	*sqlite3.SQLiteStmt
	conn *conn
}

func (s *statement) ExecContext(ctx context.Context, values []driver.NamedValue) (driver.Result, error) {
	return s.SQLiteStmt.ExecContext(ctx, s.conn.sealed(values))
}

func (s *statement) QueryContext(ctx context.Context, values []driver.NamedValue) (driver.Rows, error) {
	inner, err := s.SQLiteStmt.QueryContext(ctx, s.conn.sealed(values))
	return rowsOf(inner, s.conn.of.Cipher, err)
}

func (s *statement) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }
func (s *statement) Query([]driver.Value) (driver.Rows, error)  { return nil, driver.ErrSkip }

type rows struct {
	driver.Rows
	cipher *Cipher
}

func rowsOf(inner driver.Rows, cipher *Cipher, err error) (driver.Rows, error) {
	if err != nil {
		return nil, err
	}
	return &rows{inner, cipher}, nil
}

func (r *rows) Next(values []driver.Value) error {
	if err := r.Rows.Next(values); err != nil {
		return err
	}
	for i, value := range values {
		if bytes, is := value.([]byte); is && bytes != nil {
			values[i] = r.cipher.Open(bytes)
		}
	}
	return nil
}
