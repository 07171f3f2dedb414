package session

import (
	"context"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"

	"pombo/bridge/convert"
	"pombo/bridge/host"
)

// member of a group by the form of address that the group goes by: keys that name the other one are
// accepted by WhatsApp, and mean nothing to phones. In other chats, and of strangers, as it was given.
func (l *link) member(ctx context.Context, chat, jid types.JID) types.JID {
	if chat.Server != types.GroupServer || jid.Server != types.DefaultUserServer {
		return jid
	}
	// What the library itself sends by; it asks WhatsApp once.
	group, err := l.client.DangerousInternals().GetCachedGroupData(ctx, chat)
	if err != nil || group == nil || group.AddressingMode != types.AddressingModeLID {
		return jid
	}
	if lid := l.people.Other(ctx, jid.ToNonAD()); !lid.IsEmpty() {
		return lid
	}
	return jid
}

func (l *link) memberIn(ctx context.Context, chat types.JID, text, what string) (types.JID, error) {
	jid, err := types.ParseJID(text)
	if err != nil || text == "" {
		return jid, host.Fail("invalid", "Invalid %s", what)
	}
	return l.member(ctx, chat, jid), nil
}

// asMember is nothing else for what is no address.
func (l *link) asMember(ctx context.Context, chat types.JID, text string) string {
	jid, err := types.ParseJID(text)
	if err != nil || text == "" {
		return text
	}
	return l.member(ctx, chat, jid).String()
}

// mention people as members. Phones show a name where a text has that very address behind an @.
func (l *link) mention(ctx context.Context, message *waE2E.Message, chat types.JID, people []string) []string {
	var mentioned []string
	for _, each := range people {
		as := l.asMember(ctx, chat, each)
		for _, text := range textsOf(message) {
			*text = convert.Readdressed(*text, each, as)
		}
		mentioned = append(mentioned, as)
	}
	return mentioned
}

func textsOf(m *waE2E.Message) (all []*string) {
	add := func(text *string) {
		if text != nil {
			all = append(all, text)
		}
	}
	switch {
	case m.ExtendedTextMessage != nil:
		add(m.ExtendedTextMessage.Text)
	case m.ImageMessage != nil:
		add(m.ImageMessage.Caption)
	case m.VideoMessage != nil:
		add(m.VideoMessage.Caption)
	case m.DocumentMessage != nil:
		add(m.DocumentMessage.Caption)
	}
	return all
}
