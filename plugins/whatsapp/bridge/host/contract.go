// Package host is what the gateway offers, and what is said to it, in its own words: the structs of
// core/include/pombo as docs/process-protocol.md writes them.
package host

import (
	"errors"
	"fmt"
	"time"

	"pombo/bridge/frame"
)

type ID struct {
	Value string `json:"value"`
}

type Instance struct {
	ID        ID     `json:"id"`
	Account   ID     `json:"account"`
	Name      string `json:"name"`
	Connector string `json:"connector"`
	Status    string `json:"status"`
	NumberJID string `json:"numberJid"`
	CreatedAt int64  `json:"createdAt"`
}

type Proxy struct {
	Protocol string `json:"protocol"`
	Host     string `json:"host"`
	Port     uint16 `json:"port"`
	Username string `json:"username"`
	Password string `json:"password"`
}

type LinkRequest struct {
	Number      string `json:"number"`
	HistoryDays *int   `json:"historyDays"`
	Proxy       *Proxy `json:"proxy"`
}

type Link struct {
	Kind string `json:"kind"`
	Code string `json:"code"`
}

type Profile struct {
	Name         *string `json:"name"`
	PictureURL   *string `json:"pictureUrl"`
	IsBusiness   bool    `json:"isBusiness"`
	BusinessName string  `json:"businessName"`
	Available    bool    `json:"available"`
}

type Event struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Instance ID     `json:"instance"`
	At       int64  `json:"at"`
	Chat     string `json:"chat"`
	Data     any    `json:"data"`
	MediaKey string `json:"mediaKey"`
}

// Media names its file by its place among those of the frame.
type Media struct {
	MimeType string `json:"mimeType"`
	FileName string `json:"fileName"`
	Size     uint64 `json:"size"`
	File     int    `json:"file"`
}

// Field describes a key of the block's node in the YAML file.
type Field struct {
	Name      string   `json:"name"`
	Type      string   `json:"type"`
	Fallback  any      `json:"fallback"`
	Doc       string   `json:"doc"`
	Need      string   `json:"need"`
	Secret    bool     `json:"secret"`
	Min       *int64   `json:"min"`
	Max       *int64   `json:"max"`
	MinLength int      `json:"minLength"`
	MaxLength int      `json:"maxLength"`
	Choices   []string `json:"choices"`
	Refusal   string   `json:"refusal"`
	Text      string   `json:"text"`
	Distinct  bool     `json:"distinct"`
	Alias     string   `json:"alias"`
}

// Fail is a failure that a client reads.
func Fail(code, format string, values ...any) *frame.Failure {
	return &frame.Failure{Code: &code, Sentence: fmt.Sprintf(format, values...)}
}

// Code of a failure; empty for a bug, and for what is none.
func Code(err error) string {
	var failure *frame.Failure
	if errors.As(err, &failure) && failure.Code != nil {
		return *failure.Code
	}
	return ""
}

// Time as events write it.
func Time(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
