// Package frame reads and writes the frames of docs/process-protocol.md.
package frame

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

const (
	// LongestText and MostFiles are the limits of a header.
	LongestText = 64 << 20
	MostFiles   = 8

	longestName = 64
	deepest     = 128
)

// Malformed is what ends a conversation.
type Malformed struct{ why string }

func (m Malformed) Error() string { return m.why }

func malformed(format string, values ...any) error {
	return Malformed{fmt.Sprintf(format, values...)}
}

// Failure is how a call fails. Without a code it is a bug, and no client reads the sentence.
type Failure struct {
	Code       *string `json:"code"`
	Sentence   string  `json:"sentence"`
	RetryAfter int64   `json:"retryAfter"` // seconds
}

func (f *Failure) Error() string { return f.Sentence }

// Frame is a call (Call and ID), a post (Call alone) or an answer (ID alone). Whoever gets the files
// owns them.
type Frame struct {
	ID      uint64            `json:"id,omitempty"`
	In      uint64            `json:"in,omitempty"`
	Call    string            `json:"call,omitempty"`
	Within  *int64            `json:"within,omitempty"` // milliseconds
	With    []json.RawMessage `json:"with,omitempty"`
	Result  json.RawMessage   `json:"result,omitempty"`
	Failure *Failure          `json:"failure,omitempty"`
	Files   []*os.File        `json:"-"`
}

func textOf(f *Frame) ([]byte, error) {
	var shown any
	switch {
	case f.Call != "":
		with := f.With
		if with == nil {
			with = []json.RawMessage{}
		}
		shown = struct {
			ID     uint64            `json:"id,omitempty"`
			In     uint64            `json:"in,omitempty"`
			Call   string            `json:"call"`
			Within *int64            `json:"within,omitempty"`
			With   []json.RawMessage `json:"with"`
		}{f.ID, f.In, f.Call, f.Within, with}
	case f.Failure != nil:
		shown = struct {
			ID      uint64   `json:"id"`
			Failure *Failure `json:"failure"`
		}{f.ID, f.Failure}
	default:
		result := f.Result
		if result == nil {
			result = json.RawMessage("null")
		}
		shown = struct {
			ID     uint64          `json:"id"`
			Result json.RawMessage `json:"result"`
		}{f.ID, result}
	}
	return Text(shown)
}

// Text is JSON without what json.Marshal does for web pages.
func Text(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(text.Bytes(), "\n"), nil
}

func frameOf(text []byte) (*Frame, error) {
	if depthOf(text) > deepest {
		return nil, malformed("a text that is nested too deeply")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return nil, malformed("a text that is no JSON object")
	}
	f := new(Frame)
	if err := json.Unmarshal(text, f); err != nil {
		return nil, malformed("a frame of the wrong shape")
	}
	_, isCall := members["call"]
	_, hasFailure := members["failure"]
	_, hasResult := members["result"]
	switch {
	case isCall && (f.Call == "" || len(f.Call) > longestName):
		return nil, malformed("the name of a call has 1 to %d characters", longestName)
	case isCall && f.With == nil:
		return nil, malformed("a call without arguments")
	case isCall:
		f.Result, f.Failure = nil, nil
	case f.ID == 0:
		return nil, malformed("an answer to nothing")
	case hasFailure && f.Failure == nil, !hasFailure && !hasResult:
		return nil, malformed("an answer that says nothing")
	}
	return f, nil
}

// depthOf counts brackets outside of strings; what is no JSON at all is found later.
func depthOf(text []byte) int {
	depth, most, inString := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			most = max(most, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return most
}

// IsMalformed says whether it was the other side's fault.
func IsMalformed(err error) bool {
	var m Malformed
	return errors.As(err, &m)
}
