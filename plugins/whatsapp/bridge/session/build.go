package session

import (
	"context"
	"encoding/json"
	"os"
	"strconv"
	"strings"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"pombo/bridge/host"
)

type builder func(*link, context.Context, types.JID, json.RawMessage, []*os.File) (*waE2E.Message, error)

// Of the operations that send something.
var builders = map[string]builder{
	"message.text": buildText, "message.media": buildMedia, "message.location": buildLocation,
	"message.contact": buildContact, "message.reaction": buildReaction, "message.poll": buildPoll,
	"message.status": buildStatus, "chat.edit": buildEdit, "chat.delete": buildRevoke,
	"message.sticker": buildSticker,
}

func (l *link) build(ctx context.Context, operation string, chat types.JID, arguments json.RawMessage,
	files []*os.File) (*waE2E.Message, error) {
	make, known := builders[operation]
	if !known {
		return nil, errUnsupported
	}
	return make(l, ctx, chat, arguments, files)
}

func read(arguments json.RawMessage, into any) error {
	if err := json.Unmarshal(arguments, into); err != nil {
		return host.Fail("invalid", "Invalid message")
	}
	return nil
}

func buildText(l *link, ctx context.Context, _ types.JID, arguments json.RawMessage, _ []*os.File) (
	*waE2E.Message, error) {
	var given struct {
		Message     string `json:"message"`
		LinkPreview bool   `json:"linkPreview"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	text := &waE2E.ExtendedTextMessage{Text: &given.Message}
	if given.LinkPreview {
		l.addPreview(ctx, text)
	}
	return &waE2E.Message{ExtendedTextMessage: text}, nil
}

func buildLocation(_ *link, _ context.Context, _ types.JID, arguments json.RawMessage, _ []*os.File) (
	*waE2E.Message, error) {
	var given struct {
		Latitude  float64 `json:"latitude"`
		Longitude float64 `json:"longitude"`
		Name      string  `json:"name"`
		Address   string  `json:"address"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	return &waE2E.Message{LocationMessage: &waE2E.LocationMessage{DegreesLatitude: &given.Latitude,
		DegreesLongitude: &given.Longitude, Name: &given.Name, Address: &given.Address}}, nil
}

func buildContact(_ *link, _ context.Context, _ types.JID, arguments json.RawMessage, _ []*os.File) (
	*waE2E.Message, error) {
	var given struct {
		Contacts []struct {
			FullName string `json:"fullName"`
			VCard    string `json:"vcard"`
		} `json:"contacts"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	var all []*waE2E.ContactMessage
	for _, each := range given.Contacts {
		all = append(all, &waE2E.ContactMessage{DisplayName: proto.String(each.FullName),
			Vcard: proto.String(each.VCard)})
	}
	if len(all) == 0 {
		return nil, host.Fail("invalid", "Invalid message")
	}
	return contactsMessage(all), nil
}

// contactsMessage is nil for nobody.
func contactsMessage(all []*waE2E.ContactMessage) *waE2E.Message {
	switch len(all) {
	case 0:
		return nil
	case 1:
		return &waE2E.Message{ContactMessage: all[0]}
	}
	return &waE2E.Message{ContactsArrayMessage: &waE2E.ContactsArrayMessage{
		DisplayName: proto.String(strconv.Itoa(len(all)) + " contacts"), Contacts: all}}
}

func buildReaction(l *link, ctx context.Context, chat types.JID, arguments json.RawMessage, _ []*os.File) (
	*waE2E.Message, error) {
	var given struct {
		MessageID   string `json:"messageId"`
		Reaction    string `json:"reaction"`
		FromMe      bool   `json:"fromMe"`
		Participant string `json:"participant"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	sender := types.EmptyJID
	if !given.FromMe {
		sender = chat
		if given.Participant != "" {
			var err error
			if sender, err = l.memberIn(ctx, chat, given.Participant, "participant"); err != nil {
				return nil, err
			}
		}
	}
	return l.client.BuildReaction(chat, sender, given.MessageID, given.Reaction), nil
}

func buildPoll(l *link, _ context.Context, _ types.JID, arguments json.RawMessage, _ []*os.File) (
	*waE2E.Message, error) {
	var given struct {
		Question  string   `json:"question"`
		Options   []string `json:"options"`
		MaxAnswer int      `json:"maxAnswer"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	return l.client.BuildPollCreation(given.Question, given.Options, given.MaxAnswer), nil
}

func buildEdit(l *link, _ context.Context, chat types.JID, arguments json.RawMessage, _ []*os.File) (
	*waE2E.Message, error) {
	var given struct {
		MessageID string `json:"messageId"`
		Content   string `json:"content"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	return l.client.BuildEdit(chat, given.MessageID, &waE2E.Message{Conversation: &given.Content}), nil
}

func buildRevoke(l *link, ctx context.Context, chat types.JID, arguments json.RawMessage, _ []*os.File) (
	*waE2E.Message, error) {
	var given struct {
		MessageID string `json:"messageId"`
		Sender    string `json:"sender"`
		FromMe    bool   `json:"fromMe"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	sender := types.EmptyJID
	if !given.FromMe {
		var err error
		if sender, err = l.memberIn(ctx, chat, given.Sender, "sender"); err != nil {
			return nil, err
		}
	}
	return l.client.BuildRevoke(chat, sender, given.MessageID), nil
}

var fonts = map[string]waE2E.ExtendedTextMessage_FontType{
	"system":     waE2E.ExtendedTextMessage_SYSTEM,
	"serif":      waE2E.ExtendedTextMessage_FB_SCRIPT,
	"sans-serif": waE2E.ExtendedTextMessage_SYSTEM_TEXT,
}

func buildStatus(l *link, ctx context.Context, chat types.JID, arguments json.RawMessage,
	files []*os.File) (*waE2E.Message, error) {
	var given struct {
		Type            string `json:"type"`
		Message         string `json:"message"`
		BackgroundColor string `json:"backgroundColor"`
		Font            string `json:"font"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	if given.Type != "text" {
		return buildMedia(l, ctx, chat, arguments, files)
	}
	text := &waE2E.ExtendedTextMessage{Text: &given.Message}
	if color, err := strconv.ParseUint(strings.TrimPrefix(given.BackgroundColor, "#"), 16, 24); err == nil {
		text.BackgroundArgb = proto.Uint32(0xff000000 | uint32(color))
	}
	if font, known := fonts[given.Font]; known {
		text.Font = font.Enum()
	}
	return &waE2E.Message{ExtendedTextMessage: text}, nil
}

// addContext to whatever part of the message has a place for it: what it answers, whom it mentions.
func (l *link) addContext(ctx context.Context, message *waE2E.Message, chat types.JID, given letter) error {
	if given.Reply == nil && len(given.Mentions) == 0 && !given.MentionAll || message.ReactionMessage != nil {
		return nil
	}
	info := &waE2E.ContextInfo{MentionedJID: l.mention(ctx, message, chat, given.Mentions)}
	if given.Reply != nil {
		l.addQuote(ctx, info, chat.ToNonAD(), *given.Reply)
	}
	if given.MentionAll && chat.Server == types.GroupServer {
		group, err := l.client.GetGroupInfo(ctx, chat)
		if err != nil {
			return host.Fail("internal", "the group's members are not known")
		}
		for _, each := range group.Participants {
			info.MentionedJID = append(info.MentionedJID, each.JID.String())
		}
	}
	setContext(message, info)
	return nil
}

func setContext(m *waE2E.Message, info *waE2E.ContextInfo) {
	switch {
	case m.ExtendedTextMessage != nil:
		m.ExtendedTextMessage.ContextInfo = info
	case m.ImageMessage != nil:
		m.ImageMessage.ContextInfo = info
	case m.VideoMessage != nil:
		m.VideoMessage.ContextInfo = info
	case m.AudioMessage != nil:
		m.AudioMessage.ContextInfo = info
	case m.StickerMessage != nil:
		m.StickerMessage.ContextInfo = info
	case m.DocumentMessage != nil:
		m.DocumentMessage.ContextInfo = info
	case m.LocationMessage != nil:
		m.LocationMessage.ContextInfo = info
	case m.ContactMessage != nil:
		m.ContactMessage.ContextInfo = info
	case m.ContactsArrayMessage != nil:
		m.ContactsArrayMessage.ContextInfo = info
	case m.PollCreationMessage != nil:
		m.PollCreationMessage.ContextInfo = info
	}
}
