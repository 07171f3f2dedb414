// Package peer carries calls over a pipe, both ways. Of docs/process-protocol.md it leaves out what
// it never makes: nested calls.
package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"pombo/bridge/frame"
)

const (
	mostCallsOfCore = 256
	mostCallsOfOurs = 60 // core allows a few more
	// After so long without a word core is taken to be gone.
	silence = 2 * time.Minute
)

// Arguments of a call, and the files that came with it: they are closed when it is over.
type Arguments struct {
	List  []json.RawMessage
	Files []*os.File
}

// Take reads the argument at a place.
func (a Arguments) Take(at int, into any) error {
	if at >= len(a.List) {
		return fmt.Errorf("argument %d is missing", at)
	}
	return json.Unmarshal(a.List[at], into)
}

// Reply is a result; its files are closed when it has been sent.
type Reply struct {
	Value any
	Files []*os.File
}

// Handler serves a call. What it returns as an error that is no *frame.Failure is a bug.
type Handler func(ctx context.Context, arguments Arguments) (Reply, error)

// Peer is this end of a conversation.
type Peer struct {
	pipe  *frame.Pipe
	calls map[string]Handler
	turns chan struct{} // of our calls

	mutex   sync.Mutex // guards all below
	last    uint64
	waiting map[uint64]chan *frame.Frame
	serving int
	over    bool
}

// New does not read before Serve.
func New(pipe *frame.Pipe, calls map[string]Handler) *Peer {
	pipe.Patience = silence
	return &Peer{
		pipe:    pipe,
		calls:   calls,
		turns:   make(chan struct{}, mostCallsOfOurs),
		waiting: map[uint64]chan *frame.Frame{},
	}
}

// ErrGone is what calls fail with when the conversation is over.
var ErrGone = errors.New("the gateway is gone")

// Serve reads until the end, and says why it came: io.EOF, or what the other side did wrong.
func (p *Peer) Serve() error {
	heard := time.AfterFunc(silence, func() { p.pipe.Close() })
	defer heard.Stop()
	for {
		f, err := p.pipe.Read()
		if err == nil {
			heard.Reset(silence)
			err = p.place(f)
		}
		if err != nil {
			p.end()
			return err
		}
	}
}

func (p *Peer) end() {
	p.pipe.Close()
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.over = true
	for id, answer := range p.waiting {
		close(answer)
		delete(p.waiting, id)
	}
}

func (p *Peer) place(f *frame.Frame) error {
	switch {
	case f.Call == "ping" && f.ID == 0:
		return p.pipe.Write(&frame.Frame{Call: "pong"})
	case f.Call != "" && f.ID == 0:
		closeAll(f.Files) // a post that nobody here knows
		return nil
	case f.Call != "":
		return p.begin(f)
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if f.ID > p.last {
		closeAll(f.Files)
		return errors.New("an answer to what was never asked")
	}
	if answer, waits := p.waiting[f.ID]; waits {
		delete(p.waiting, f.ID)
		answer <- f
	} else {
		closeAll(f.Files) // whoever has asked has left
	}
	return nil
}

func (p *Peer) begin(f *frame.Frame) error {
	p.mutex.Lock()
	p.serving++
	tooMany := p.serving > mostCallsOfCore
	p.mutex.Unlock()
	if tooMany {
		return errors.New("too many calls under way")
	}
	go func() {
		answer := p.answerTo(f)
		p.mutex.Lock()
		p.serving--
		p.mutex.Unlock()
		err := p.pipe.Write(answer)
		if errors.Is(err, frame.ErrTooLarge) {
			code := "tooLarge"
			p.pipe.Write(&frame.Frame{ID: f.ID, Failure: &frame.Failure{Code: &code,
				Sentence: "The answer is too large"}})
		}
		closeAll(answer.Files)
	}()
	return nil
}

func (p *Peer) answerTo(f *frame.Frame) (answer *frame.Frame) {
	defer closeAll(f.Files)
	defer func() {
		if bug := recover(); bug != nil {
			answer = &frame.Frame{ID: f.ID, Failure: &frame.Failure{
				Sentence: fmt.Sprintf("%v\n%s", bug, debug.Stack())}}
		}
	}()
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if f.Within != nil {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(*f.Within)*time.Millisecond)
	}
	defer cancel()
	handler, known := p.calls[f.Call]
	if !known {
		code := "unsupported"
		return &frame.Frame{ID: f.ID,
			Failure: &frame.Failure{Code: &code, Sentence: "No such call: " + f.Call}}
	}
	reply, err := handler(ctx, Arguments{f.With, f.Files})
	if err == nil {
		var result []byte
		if result, err = frame.Text(reply.Value); err == nil {
			return &frame.Frame{ID: f.ID, Result: result, Files: reply.Files}
		}
	}
	closeAll(reply.Files)
	var failure *frame.Failure
	if !errors.As(err, &failure) {
		failure = &frame.Failure{Sentence: err.Error()}
	}
	return &frame.Frame{ID: f.ID, Failure: failure}
}

// Ask calls the other side and reads its result into `into`, unless that is nil. It fails with a
// *frame.Failure, with ErrGone, or with the error of the context.
func (p *Peer) Ask(ctx context.Context, into any, name string, with ...any) error {
	arguments, err := listOf(with)
	if err != nil {
		return err
	}
	select {
	case p.turns <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	id, answer, err := p.wait()
	if err != nil {
		<-p.turns
		return err
	}
	if err = p.pipe.Write(&frame.Frame{ID: id, Call: name, With: arguments}); err != nil {
		p.leave(id)
		<-p.turns
		if errors.Is(err, frame.ErrTooLarge) {
			return err
		}
		return ErrGone
	}
	select {
	case f, came := <-answer:
		<-p.turns
		return read(f, came, into)
	case <-ctx.Done():
		go func() { // core is still busy with it
			f, came := <-answer
			<-p.turns
			read(f, came, nil)
		}()
		return ctx.Err()
	}
}

func read(f *frame.Frame, came bool, into any) error {
	if !came {
		return ErrGone
	}
	closeAll(f.Files)
	if f.Failure != nil {
		return f.Failure
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(f.Result, into)
}

func (p *Peer) wait() (uint64, chan *frame.Frame, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.over {
		return 0, nil, ErrGone
	}
	p.last++
	answer := make(chan *frame.Frame, 1)
	p.waiting[p.last] = answer
	return p.last, answer, nil
}

func (p *Peer) leave(id uint64) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.waiting, id)
}

// Post says something that nobody answers.
func (p *Peer) Post(name string, with ...any) error {
	arguments, err := listOf(with)
	if err != nil {
		return err
	}
	return p.pipe.Write(&frame.Frame{Call: name, With: arguments})
}

func listOf(values []any) ([]json.RawMessage, error) {
	list := make([]json.RawMessage, len(values))
	for i, value := range values {
		text, err := frame.Text(value)
		if err != nil {
			return nil, err
		}
		list[i] = text
	}
	return list, nil
}

func closeAll(files []*os.File) {
	for _, file := range files {
		if file != nil {
			file.Close()
		}
	}
}
