package peer

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"pombo/bridge/frame"
)

// core is the other end, frame by frame.
func core(t *testing.T, calls map[string]Handler) (*Peer, *frame.Pipe, chan error) {
	t.Helper()
	numbers, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := frame.Open(os.NewFile(uintptr(numbers[0]), "ours"))
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := frame.Open(os.NewFile(uintptr(numbers[1]), "theirs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	p := New(ours, calls)
	ended := make(chan error, 1)
	go func() { ended <- p.Serve() }()
	return p, theirs, ended
}

func next(t *testing.T, pipe *frame.Pipe) *frame.Frame {
	t.Helper()
	f, err := pipe.Read()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestACallIsAnswered(t *testing.T) {
	_, theirs, _ := core(t, map[string]Handler{
		"double": func(_ context.Context, arguments Arguments) (Reply, error) {
			var n int
			err := arguments.Take(0, &n)
			return Reply{Value: 2 * n}, err
		}})
	theirs.Write(&frame.Frame{ID: 3, Call: "double", With: []json.RawMessage{[]byte("21")}})
	if answer := next(t, theirs); answer.ID != 3 || string(answer.Result) != "42" {
		t.Fatal(answer)
	}
}

func TestFailuresAreToldApart(t *testing.T) {
	refused := "refused"
	_, theirs, _ := core(t, map[string]Handler{
		"refuse": func(context.Context, Arguments) (Reply, error) {
			return Reply{}, &frame.Failure{Code: &refused, Sentence: "No"}
		},
		"break": func(context.Context, Arguments) (Reply, error) { return Reply{}, errors.New("bug") },
		"panic": func(context.Context, Arguments) (Reply, error) { panic("bug") },
	})
	for call, code := range map[string]string{"refuse": "refused", "nothing": "unsupported", "break": "", "panic": ""} {
		theirs.Write(&frame.Frame{ID: 1, Call: call})
		answer := next(t, theirs)
		if answer.Failure == nil || (answer.Failure.Code != nil) != (code != "") ||
			code != "" && *answer.Failure.Code != code {
			t.Fatalf("%s: %+v", call, answer.Failure)
		}
	}
}

func TestADeadlinePasses(t *testing.T) {
	_, theirs, _ := core(t, map[string]Handler{
		"wait": func(ctx context.Context, _ Arguments) (Reply, error) {
			<-ctx.Done()
			return Reply{Value: "over"}, nil
		}})
	within := int64(1)
	theirs.Write(&frame.Frame{ID: 1, Call: "wait", Within: &within})
	if answer := next(t, theirs); string(answer.Result) != `"over"` {
		t.Fatal(answer)
	}
}

func TestPingsAreAnsweredWhileCallsAreServed(t *testing.T) {
	release := make(chan struct{})
	_, theirs, _ := core(t, map[string]Handler{
		"wait": func(context.Context, Arguments) (Reply, error) {
			<-release
			return Reply{}, nil
		}})
	theirs.Write(&frame.Frame{ID: 1, Call: "wait"})
	theirs.Write(&frame.Frame{Call: "ping"})
	if pong := next(t, theirs); pong.Call != "pong" {
		t.Fatal(pong)
	}
	close(release)
	if answer := next(t, theirs); answer.ID != 1 {
		t.Fatal(answer)
	}
}

func TestAnAnswerFindsWhoeverHasAsked(t *testing.T) {
	p, theirs, _ := core(t, nil)
	results := make(chan string, 2)
	for range 2 {
		go func() {
			var text string
			if err := p.Ask(context.Background(), &text, "who"); err != nil {
				text = err.Error()
			}
			results <- text
		}()
	}
	first, second := next(t, theirs), next(t, theirs)
	theirs.Write(&frame.Frame{ID: second.ID, Result: []byte(`"b"`)})
	if got := <-results; got != "b" {
		t.Fatal(got)
	}
	conflict := "conflict"
	theirs.Write(&frame.Frame{ID: first.ID, Failure: &frame.Failure{Code: &conflict, Sentence: "Taken"}})
	if got := <-results; got != "Taken" {
		t.Fatal(got)
	}
}

func TestALateAnswerIsForNobody(t *testing.T) {
	p, theirs, ended := core(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	asked := make(chan error, 1)
	go func() { asked <- p.Ask(ctx, nil, "slow") }()
	call := next(t, theirs)
	cancel()
	if err := <-asked; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	theirs.Write(&frame.Frame{ID: call.ID})
	theirs.Write(&frame.Frame{Call: "ping"})
	if next(t, theirs).Call != "pong" {
		t.Fatal("not alive")
	}
	theirs.Close()
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
}

func TestWhatWasGivenUpStillCounts(t *testing.T) {
	p, theirs, _ := core(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	given := make(chan error)
	for range mostCallsOfOurs {
		go func() { given <- p.Ask(ctx, nil, "slow") }()
	}
	first := next(t, theirs)
	for range mostCallsOfOurs - 1 {
		next(t, theirs)
	}
	cancel()
	for range mostCallsOfOurs {
		<-given
	}
	if under := len(p.turns); under != mostCallsOfOurs {
		t.Fatalf("%d are taken to be under way", under)
	}
	done := make(chan error)
	go func() { done <- p.Ask(context.Background(), nil, "more") }()
	theirs.Write(&frame.Frame{ID: first.ID})
	more := next(t, theirs)
	theirs.Write(&frame.Frame{ID: more.ID})
	if err := <-done; more.Call != "more" || err != nil {
		t.Fatal(more.Call, err)
	}
}

func TestAnAnswerToWhatWasNeverAskedEndsTheConversation(t *testing.T) {
	_, theirs, ended := core(t, nil)
	theirs.Write(&frame.Frame{ID: 1})
	if err := <-ended; err == nil || errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
}

func TestTooManyCallsEndTheConversation(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	_, theirs, ended := core(t, map[string]Handler{
		"wait": func(context.Context, Arguments) (Reply, error) {
			<-release
			return Reply{}, nil
		}})
	for id := uint64(1); id <= mostCallsOfCore+1; id++ {
		theirs.Write(&frame.Frame{ID: id, Call: "wait"})
	}
	if err := <-ended; err == nil || errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
}

func TestTheEndReachesWhoeverWaits(t *testing.T) {
	p, theirs, _ := core(t, nil)
	asked := make(chan error, 1)
	go func() { asked <- p.Ask(context.Background(), nil, "slow") }()
	next(t, theirs)
	theirs.Close()
	if err := <-asked; !errors.Is(err, ErrGone) {
		t.Fatal(err)
	}
	if err := p.Ask(context.Background(), nil, "more"); !errors.Is(err, ErrGone) {
		t.Fatal(err)
	}
}

func TestFilesThatNobodyTakesAreClosed(t *testing.T) {
	seen := make(chan *os.File, 1)
	_, theirs, _ := core(t, map[string]Handler{
		"take": func(_ context.Context, arguments Arguments) (Reply, error) {
			seen <- arguments.Files[0]
			return Reply{}, nil
		}})
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	theirs.Write(&frame.Frame{ID: 1, Call: "take", Files: []*os.File{writer}})
	writer.Close()
	next(t, theirs)
	// Its end comes when the last descriptor is closed.
	if _, err = reader.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	<-seen
}
