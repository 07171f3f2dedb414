package session

import (
	"context"
	"encoding/json"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// quote of a message that is answered. What its event had beside the text may be known, or not.
type quote struct {
	MessageID string          `json:"messageId"`
	Chat      string          `json:"chat"` // empty: the one that the answer goes to
	SenderJID string          `json:"senderJid"`
	Text      string          `json:"text"`
	Message   json.RawMessage `json:"message"`
}

// quotedMessage is as much of its event as phones show of a quote.
type quotedMessage struct {
	Type  string `json:"type"`
	Media struct {
		Type     string `json:"type"`
		MimeType string `json:"mimetype"`
		FileName string `json:"fileName"`
	} `json:"media"`
	Location struct {
		Latitude  float64 `json:"latitude"`
		Longitude float64 `json:"longitude"`
		Address   string  `json:"address"`
		Live      bool    `json:"live"`
	} `json:"location"`
	Contacts []struct {
		Name  string `json:"display_name"`
		VCard string `json:"vcard"`
	} `json:"contacts"`
	Poll struct {
		Options []struct {
			Name string `json:"name"`
		} `json:"options"`
		MaxAnswer uint32 `json:"maxAnswer"`
	} `json:"poll"`
	Event struct {
		StartAt     time.Time `json:"startAt"`
		Description string    `json:"description"`
		IsCanceled  bool      `json:"isCanceled"`
	} `json:"event"`
	GroupInvite struct {
		GroupJID  string `json:"groupJid"`
		GroupName string `json:"groupName"`
	} `json:"group_invite"`
	Interactive struct {
		Title string `json:"title"`
	} `json:"interactive"`
}

func textOrNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// message of the kind that it is, or, where that is not known, or has no place of its own, its text.
func (q quote) message() *waE2E.Message {
	var known quotedMessage
	if len(q.Message) > 0 && json.Unmarshal(q.Message, &known) == nil {
		for _, try := range []func(quotedMessage, string) *waE2E.Message{
			quotedFile, quotedPlace, quotedContacts, quotedOccasion, quotedChoice} {
			if made := try(known, q.Text); made != nil {
				return made
			}
		}
	}
	return &waE2E.Message{Conversation: &q.Text}
}

func quotedFile(known quotedMessage, text string) *waE2E.Message {
	caption, mime := textOrNil(text), textOrNil(known.Media.MimeType)
	switch known.Type {
	case "image":
		return &waE2E.Message{ImageMessage: &waE2E.ImageMessage{Caption: caption, Mimetype: mime}}
	case "video":
		video := &waE2E.VideoMessage{Caption: caption, Mimetype: mime}
		if known.Media.Type == "ptv" {
			return &waE2E.Message{PtvMessage: video}
		}
		return &waE2E.Message{VideoMessage: video}
	case "audio":
		return &waE2E.Message{AudioMessage: &waE2E.AudioMessage{Mimetype: mime,
			PTT: proto.Bool(known.Media.Type == "ptt")}}
	case "document":
		name := textOrNil(known.Media.FileName)
		return &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{Caption: caption, Mimetype: mime,
			FileName: name, Title: name}}
	case "sticker":
		return &waE2E.Message{StickerMessage: &waE2E.StickerMessage{Mimetype: mime}}
	}
	return nil
}

func quotedPlace(known quotedMessage, text string) *waE2E.Message {
	at := known.Location
	switch {
	case known.Type != "location":
		return nil
	case at.Live:
		return &waE2E.Message{LiveLocationMessage: &waE2E.LiveLocationMessage{DegreesLatitude: &at.Latitude,
			DegreesLongitude: &at.Longitude, Caption: textOrNil(text)}}
	}
	return &waE2E.Message{LocationMessage: &waE2E.LocationMessage{DegreesLatitude: &at.Latitude,
		DegreesLongitude: &at.Longitude, Name: textOrNil(text), Address: textOrNil(at.Address)}}
}

func quotedContacts(known quotedMessage, _ string) *waE2E.Message {
	if known.Type != "contact" {
		return nil
	}
	var all []*waE2E.ContactMessage
	for _, each := range known.Contacts {
		all = append(all, &waE2E.ContactMessage{DisplayName: proto.String(each.Name), Vcard: proto.String(each.VCard)})
	}
	return contactsMessage(all)
}

func quotedOccasion(known quotedMessage, text string) *waE2E.Message {
	switch known.Type {
	case "poll":
		poll := &waE2E.PollCreationMessage{Name: &text, SelectableOptionsCount: &known.Poll.MaxAnswer}
		for _, each := range known.Poll.Options {
			poll.Options = append(poll.Options, &waE2E.PollCreationMessage_Option{OptionName: proto.String(each.Name)})
		}
		return &waE2E.Message{PollCreationMessage: poll}
	case "event":
		event := &waE2E.EventMessage{Name: &text, Description: textOrNil(known.Event.Description),
			IsCanceled: &known.Event.IsCanceled}
		if at := known.Event.StartAt; !at.IsZero() {
			event.StartTime = proto.Int64(at.Unix())
		}
		return &waE2E.Message{EventMessage: event}
	case "group_invite":
		return &waE2E.Message{GroupInviteMessage: &waE2E.GroupInviteMessage{Caption: &text,
			GroupJID: &known.GroupInvite.GroupJID, GroupName: &known.GroupInvite.GroupName}}
	}
	return nil
}

// quotedChoice is what can be chosen from, or was.
func quotedChoice(known quotedMessage, text string) *waE2E.Message {
	chosen := &known.Interactive.Title
	switch known.Type {
	case "buttons":
		return &waE2E.Message{ButtonsMessage: &waE2E.ButtonsMessage{ContentText: &text}}
	case "list":
		return &waE2E.Message{ListMessage: &waE2E.ListMessage{Description: &text}}
	case "buttons_response":
		return &waE2E.Message{ButtonsResponseMessage: &waE2E.ButtonsResponseMessage{
			Response: &waE2E.ButtonsResponseMessage_SelectedDisplayText{SelectedDisplayText: *chosen}}}
	case "template_button_reply":
		return &waE2E.Message{TemplateButtonReplyMessage: &waE2E.TemplateButtonReplyMessage{
			SelectedDisplayText: chosen}}
	case "list_response":
		return &waE2E.Message{ListResponseMessage: &waE2E.ListResponseMessage{Title: chosen}}
	}
	return nil
}

// addQuote of what was said in that chat, or in another: a group's message that is answered in private, or a story.
func (l *link) addQuote(ctx context.Context, info *waE2E.ContextInfo, chat types.JID, given quote) {
	from := chat
	if other, err := types.ParseJID(given.Chat); err == nil && other.User != "" {
		from = other.ToNonAD()
	}
	info.StanzaID = &given.MessageID
	info.Participant = proto.String(l.asMember(ctx, from, given.SenderJID))
	info.QuotedMessage = given.message()
	// A person may be known by two addresses: that they differ says nothing.
	isUser := from.Server == types.DefaultUserServer || from.Server == types.HiddenUserServer
	if from != chat && !isUser {
		info.RemoteJID = proto.String(from.String())
	}
}
