package frame

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func pair(t *testing.T) (ours *Pipe, theirs *net.UnixConn) {
	t.Helper()
	numbers, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, err = Open(os.NewFile(uintptr(numbers[0]), "ours"))
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(numbers[1]), "theirs")
	conn, err := net.FileConn(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close(); conn.Close() })
	return ours, conn.(*net.UnixConn)
}

func header(size, files uint32) []byte {
	bytes := make([]byte, headerSize)
	binary.LittleEndian.PutUint32(bytes, size)
	binary.LittleEndian.PutUint32(bytes[4:], files)
	return bytes
}

func fileWith(t *testing.T, text string) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	ours, theirs := pair(t)
	file, _ := theirs.File()
	other, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	within := int64(14)
	sent := []*Frame{
		{ID: 7, Call: "block.summary", Within: &within, With: []json.RawMessage{[]byte(`"<a>"`)}},
		{Call: "ping"},
		{ID: 7, Result: []byte(`{"enabled":false}`)},
		{ID: 8, Failure: &Failure{Sentence: "no"}},
		{ID: 9, Call: "big", With: []json.RawMessage{[]byte(`"` + strings.Repeat("x", 3*step) + `"`)}},
	}
	go func() {
		for _, f := range sent {
			other.Write(f)
		}
	}()
	for _, wanted := range sent {
		got, err := ours.Read()
		if err != nil {
			t.Fatal(err)
		}
		a, _ := textOf(wanted)
		b, _ := textOf(got)
		if string(a) != string(b) {
			t.Fatalf("%.80s, not %.80s", b, a)
		}
	}
}

func TestDescriptorsArePassed(t *testing.T) {
	ours, theirs := pair(t)
	file, _ := theirs.File()
	other, _ := Open(file)
	defer other.Close()
	go other.Write(&Frame{ID: 1, Result: []byte("null"),
		Files: []*os.File{fileWith(t, "one"), fileWith(t, "two")}})
	got, err := ours.Read()
	if err != nil || len(got.Files) != 2 {
		t.Fatal(err, got)
	}
	text, _ := io.ReadAll(got.Files[1])
	if string(text) != "two" {
		t.Fatal(string(text))
	}
	closeAll(got.Files)
}

func TestHostileFramesAreRefused(t *testing.T) {
	deep := `{"id":1,"result":` + strings.Repeat("[", deepest) + strings.Repeat("]", deepest) + "}"
	for name, text := range map[string]string{
		"no JSON":                 "{",
		"no object":               "[]",
		"null":                    "null",
		"bytes behind it":         `{"id":1,"result":1} x`,
		"an answer to nothing":    `{"result":null}`,
		"an answer without words": `{"id":1}`,
		"a failure that is none":  `{"id":1,"failure":null}`,
		"a call without a name":   `{"id":1,"call":"","with":[]}`,
		"a name that is too long": `{"id":1,"call":"` + strings.Repeat("x", 65) + `","with":[]}`,
		"no arguments":            `{"id":1,"call":"x"}`,
		"arguments of an object":  `{"id":1,"call":"x","with":{}}`,
		"a negative id":           `{"id":-1,"result":null}`,
		"an id of letters":        `{"id":"1","result":null}`,
		"a half id":               `{"id":1.5,"result":null}`,
		"too deep":                deep,
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := pair(t)
			theirs.Write(append(header(uint32(len(text)), 0), text...))
			if _, err := ours.Read(); !IsMalformed(err) {
				t.Fatal(err)
			}
		})
	}
}

func TestHeadersBeyondTheLimitsAreRefused(t *testing.T) {
	for _, bytes := range [][]byte{header(LongestText+1, 0), header(2, MostFiles+1), header(1<<31, 1<<31)} {
		ours, theirs := pair(t)
		theirs.Write(bytes)
		if _, err := ours.Read(); !IsMalformed(err) {
			t.Fatal(err)
		}
	}
}

func TestDescriptorsThatNoHeaderSpeaksOfAreRefused(t *testing.T) {
	ours, theirs := pair(t)
	text := `{"id":1,"result":null}`
	rights := syscall.UnixRights(int(fileWith(t, "x").Fd()))
	theirs.WriteMsgUnix(append(header(uint32(len(text)), 0), text...), rights, nil)
	if _, err := ours.Read(); !IsMalformed(err) {
		t.Fatal(err)
	}
}

func TestTheEndIsOneBetweenFramesAndAMistakeWithinOne(t *testing.T) {
	for _, each := range []struct {
		sent   []byte
		wanted error
	}{{nil, io.EOF}, {header(5, 0)[:3], io.ErrUnexpectedEOF}, {append(header(5, 0), 'x'), io.ErrUnexpectedEOF}} {
		ours, theirs := pair(t)
		theirs.Write(each.sent)
		theirs.Close()
		if _, err := ours.Read(); !errors.Is(err, each.wanted) {
			t.Fatalf("%v after %d bytes", err, len(each.sent))
		}
	}
}

func TestWhatIsTooLargeIsNotSent(t *testing.T) {
	ours, _ := pair(t)
	huge := []byte(`"` + strings.Repeat("x", LongestText) + `"`)
	if err := ours.Write(&Frame{ID: 1, Result: huge}); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
	if err := ours.Write(&Frame{ID: 1, Files: make([]*os.File, MostFiles+1)}); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
}
