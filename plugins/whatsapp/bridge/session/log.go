package session

import (
	"fmt"
	"regexp"

	"go.mau.fi/libsignal/logger"
	waLog "go.mau.fi/whatsmeow/util/log"

	"pombo/bridge/host"
)

var (
	numbers = regexp.MustCompile(`[0-9]{6,}`)
	stanzas = regexp.MustCompile(`(?s)<.*>`)
)

// masked leaves of a line what is nobody's: the library names people and shows stanzas.
func masked(line string) string {
	return numbers.ReplaceAllString(stanzas.ReplaceAllString(line, "<...>"), "...")
}

// warnings of the library go to the gateway's log; the rest nobody reads.
type warnings struct{ host *host.Host }

func (w warnings) Errorf(line string, values ...any) { w.write(line, values) }
func (w warnings) Warnf(line string, values ...any)  { w.write(line, values) }
func (warnings) Infof(string, ...any)                {}
func (warnings) Debugf(string, ...any)               {}
func (w warnings) Sub(string) waLog.Logger           { return w }

func (w warnings) write(line string, values []any) {
	w.host.Log("warn", "WhatsApp's library says",
		Object{"line": masked(fmt.Sprintf(line, values...))})
}

// silent keeps libsignal from writing to standard output.
type silent struct{}

func (silent) Debug(string, string)   {}
func (silent) Info(string, string)    {}
func (silent) Warning(string, string) {}
func (silent) Error(string, string)   {}
func (silent) Configure(string)       {}

// Silence what has no logger of its own; before anything else.
func Silence() {
	var nobody logger.Loggable = silent{}
	logger.Setup(&nobody)
}
