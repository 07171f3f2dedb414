package session

import "time"

// clock of whatever waits for minutes: a test moves its own.
type clock interface {
	now() time.Time
	after(time.Duration, func())
}

type wallClock struct{}

func (wallClock) now() time.Time { return time.Now() }

func (wallClock) after(d time.Duration, do func()) { time.AfterFunc(d, do) }
