// Package convert writes what WhatsApp says as the gateway's events write it.
package convert

import (
	"context"

	"go.mau.fi/whatsmeow/types"
)

// Object is JSON.
type Object = map[string]any

// Directory knows who people are. Nothing it is asked fails: what is not known is empty.
type Directory interface {
	// LID of a number, and the number of a LID.
	Other(ctx context.Context, jid types.JID) types.JID
	// Name that a contact has given itself, or that it has been given.
	Name(ctx context.Context, jid types.JID) string
	Group(ctx context.Context, jid types.JID) Group
	// PollTitle and its options, by which a vote's hashes are told.
	Poll(ctx context.Context, id string) (title string, options []string)
	// OldestFirst puts ids of messages into their order, as far as it is known: phones do not agree.
	OldestFirst(ids []string) []string
	Self() Self
}

// Group of which a message is, or that is changed. A community is the group that is the parent of others.
type Group struct {
	Name        string
	IsCommunity bool
}

// Self is the instance.
type Self struct {
	JID, LID types.JID
	Name     string
}

// Address by the one rule of all events: `jid` is the form with the number wherever it is known, and
// `lid` the hidden one.
type Address struct{ JID, LID types.JID }

func (a Address) lid() any {
	if a.LID.IsEmpty() {
		return nil
	}
	return a.LID.String()
}

func (a Address) object() Object { return Object{"jid": a.JID.String(), "lid": a.lid()} }

// AddressOf takes either form; `other` is the second one, when it was told.
func AddressOf(ctx context.Context, directory Directory, jid, other types.JID) Address {
	jid, other = jid.ToNonAD(), other.ToNonAD()
	isUser := jid.Server == types.DefaultUserServer || jid.Server == types.HiddenUserServer
	if !isUser {
		return Address{JID: jid}
	}
	isOther := other.Server == types.DefaultUserServer || other.Server == types.HiddenUserServer
	if !isOther || other.Server == jid.Server {
		other = directory.Other(ctx, jid).ToNonAD()
	}
	if jid.Server == types.DefaultUserServer {
		return Address{JID: jid, LID: other}
	}
	if other.IsEmpty() {
		return Address{JID: jid, LID: jid}
	}
	return Address{JID: other, LID: jid}
}

// PersonOf has a name, the given one if there is any.
func PersonOf(ctx context.Context, directory Directory, jid, other types.JID, name string) Object {
	address := AddressOf(ctx, directory, jid, other)
	person := address.object()
	for _, known := range []types.JID{address.JID, address.LID} {
		if name == "" && !known.IsEmpty() {
			name = directory.Name(ctx, known)
		}
	}
	person["name"] = name
	return person
}

func selfOf(directory Directory) Object {
	self := directory.Self()
	person := Address{self.JID.ToNonAD(), self.LID.ToNonAD()}.object()
	person["name"] = self.Name
	return person
}

// phoneOf is one form of an address that has no place for two.
func phoneOf(ctx context.Context, directory Directory, text string) string {
	jid, err := types.ParseJID(text)
	if err != nil || text == "" {
		return text
	}
	return AddressOf(ctx, directory, jid, types.EmptyJID).JID.String()
}

func chatType(chat types.JID) string {
	switch {
	case chat.Server == types.GroupServer:
		return "group"
	case chat.Server == types.NewsletterServer:
		return "newsletter"
	case chat == types.StatusBroadcastJID:
		return "status"
	}
	return "private"
}
