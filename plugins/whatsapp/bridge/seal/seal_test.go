package seal

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
)

func cipher(first byte) *Cipher {
	var key [KeySize]byte
	key[0] = first
	return New(key)
}

func TestWhatIsSealedIsOpenedByTheSameKeyOnly(t *testing.T) {
	for _, size := range []int{16, 17, 32, 64, 4000} {
		open := bytes.Repeat([]byte{7}, size)
		sealed := cipher(1).Seal(open)
		if len(sealed) != size || bytes.Equal(sealed, open) || open[0] != 7 {
			t.Fatal(size)
		}
		if !bytes.Equal(cipher(1).Open(sealed), open) || bytes.Equal(cipher(2).Open(sealed), open) {
			t.Fatal(size)
		}
	}
}

func TestEqualBytesAreFoundAndAChangeSpreads(t *testing.T) {
	a, b := bytes.Repeat([]byte{7}, 64), bytes.Repeat([]byte{7}, 64)
	b[63] = 8
	c := cipher(1)
	if !bytes.Equal(c.Seal(a), c.Seal(a)) {
		t.Fatal("not the same twice")
	}
	same := 0
	x, y := c.Seal(a), c.Seal(b)
	for i := range x {
		if x[i] == y[i] {
			same++
		}
	}
	if same > 8 {
		t.Fatalf("%d of 64 bytes are as before", same)
	}
}

func TestShortOnesAreLeftAlone(t *testing.T) {
	if c := cipher(1); string(c.Seal([]byte("short"))) != "short" || c.Seal(nil) != nil {
		t.Fatal("changed")
	}
}

func TestADatabaseHoldsNoBlobThatIsReadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	secret := []byte("the private key of an instance..")
	db := sql.OpenDB(&Connector{DSN: "file:" + path, Cipher: cipher(1)})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := db.Exec("CREATE TABLE t (id INTEGER PRIMARY KEY, k BLOB CHECK (length(k) = 32), n TEXT)")
	must(err)
	_, err = db.Exec("INSERT INTO t (k, n) VALUES (?, ?)", secret, "name")
	must(err)
	prepared, err := db.Prepare("INSERT INTO t (k, n) VALUES (?, ?)")
	must(err)
	_, err = prepared.Exec(secret, nil)
	must(err)
	tx, err := db.Begin()
	must(err)
	_, err = tx.Exec("INSERT INTO t (k) VALUES (?)", secret)
	must(err)
	must(tx.Commit())

	var found []byte
	var count int
	must(db.QueryRow("SELECT k FROM t WHERE k = ? LIMIT 1", secret).Scan(&found))
	if !bytes.Equal(found, secret) {
		t.Fatal("other bytes")
	}
	must(db.QueryRow("SELECT count(*) FROM t WHERE k = ?", secret).Scan(&count))
	select_, err := db.Prepare("SELECT k FROM t WHERE id = ?")
	must(err)
	must(select_.QueryRow(2).Scan(&found))
	if count != 3 || !bytes.Equal(found, secret) {
		t.Fatal(count)
	}
	must(select_.Close())
	must(prepared.Close())
	must(db.Close())
	file, err := os.ReadFile(path)
	must(err)
	if bytes.Contains(file, secret[:8]) || !bytes.Contains(file, []byte("name")) {
		t.Fatal("readable")
	}
}
