package seal

import (
	"context"
	"database/sql/driver"

	"github.com/mattn/go-sqlite3"
)

// Connector opens a SQLite database in which every blob is sealed: by its driver, so that no table
// and no column of whoever uses it can be forgotten.
type Connector struct {
	DSN    string
	Cipher *Cipher
}

func (c Connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

func (c Connector) Connect(context.Context) (driver.Conn, error) {
	inner, err := c.Driver().Open(c.DSN)
	if err != nil {
		return nil, err
	}
	return &conn{inner.(*sqlite3.SQLiteConn), c.Cipher}, nil
}

type conn struct {
	*sqlite3.SQLiteConn
	cipher *Cipher
}

func (c *conn) sealed(values []driver.NamedValue) []driver.NamedValue {
	all := make([]driver.NamedValue, len(values))
	for i, value := range values {
		if bytes, is := value.Value.([]byte); is && bytes != nil {
			value.Value = c.cipher.Seal(bytes)
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
	return rowsOf(inner, c.cipher, err)
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
	return rowsOf(inner, s.conn.cipher, err)
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
