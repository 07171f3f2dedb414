// The bridge links instances to WhatsApp by whatsmeow. It is a block in a process of its own, and
// speaks docs/process-protocol.md over descriptor 3.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"

	"pombo/bridge/frame"
	"pombo/bridge/host"
	"pombo/bridge/peer"
	"pombo/bridge/session"
)

const pipe = 3

// The first thread is locked to the first goroutine, so that it lives as long as the process does:
// by it the kernel knows that we want to end with the gateway.
func init() {
	unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	// Nothing in the environment says whom to dial or to trust.
	os.Clearenv()
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bridge:", err)
		os.Exit(1)
	}
}

func run() error {
	session.Silence()
	protection := limit()
	opened, err := frame.Open(os.NewFile(pipe, "pipe"))
	if err != nil {
		return fmt.Errorf("descriptor %d is no end of a gateway's pipe", pipe)
	}
	b := &block{host: new(host.Host)}
	gateway := peer.New(opened, b.calls())
	b.host.Peer = gateway
	stopAtSignals(b)
	if err = gateway.Post("ready", map[string]any{"protocol": 1, "abi": "", "name": name,
		"version": version, "protection": protection}); err != nil {
		return err
	}
	// Its end is ours, whatever is under way: what was not acknowledged comes again.
	if err = gateway.Serve(); frame.IsMalformed(err) {
		return err
	}
	return nil
}

// limit what one of our own mistakes can cost others. The gateway hands its limits to every child of
// its own, as JSON behind the name of a library, which we have not.
func limit() []string {
	in := []string{}
	var given struct {
		MemoryMb int64 `json:"memoryMb"`
	}
	if len(os.Args) > 2 && json.Unmarshal([]byte(os.Args[2]), &given) == nil && given.MemoryMb > 0 {
		debug.SetMemoryLimit(given.MemoryMb << 20 / 10 * 8) // collects before it is killed
		in = append(in, "limits")
	}
	unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) // keys are in memory
	unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	return in
}

func stopAtSignals(b *block) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		b.stop()
		os.Exit(0)
	}()
}
