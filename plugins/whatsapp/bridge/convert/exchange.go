package convert

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/host"
)

// Exchange is a message as an event: its data, what fetches its file, and which chat it is of. The
// data are nil for what is no message to anybody.
type Exchange struct {
	Data     Object
	Chat     string
	MediaKey string
}

// ExchangeOf a message that was received, or typed on the phone, or sent by us from `source`.
func ExchangeOf(ctx context.Context, d Directory, evt *events.Message, source string) Exchange {
	made := shapeOf(ctx, d, &evt.Info, evt.Message)
	if evt.IsEdit {
		made = editOf(evt.Info.ID, made)
	}
	if made == nil {
		return Exchange{}
	}
	return exchange(ctx, d, evt, made, source)
}

// EditOf the message that `evt` says how it is now; `original` is its id, whatever else `evt` names.
func EditOf(ctx context.Context, d Directory, evt *events.Message, original string) Exchange {
	now := evt.Message
	for now.GetProtocolMessage().GetType() == waE2E.ProtocolMessage_MESSAGE_EDIT {
		now = unwrapped(now.GetProtocolMessage().GetEditedMessage())
	}
	made := editOf(original, shapeOf(ctx, d, &evt.Info, now))
	if made == nil {
		return Exchange{}
	}
	return exchange(ctx, d, evt, made, "")
}

// VoteOf a poll, decrypted: all that the voter has chosen now.
func VoteOf(ctx context.Context, d Directory, evt *events.Message, chosen []string) Exchange {
	id := evt.Message.GetPollUpdateMessage().GetPollCreationMessageKey().GetID()
	title, _ := d.Poll(ctx, id)
	voter := PersonOf(ctx, d, evt.Info.Sender, evt.Info.SenderAlt, evt.Info.PushName)
	if evt.Info.IsFromMe {
		voter = selfOf(d)
	}
	made := plain("poll_update", strings.Join(chosen, ", ")).with("poll",
		Object{"message_id": id, "title": title, "options": named(chosen), "voter": voter})
	return exchange(ctx, d, evt, made, "")
}

// PlaceholderOf a message that could not be read.
func PlaceholderOf(ctx context.Context, d Directory, info types.MessageInfo, why string) Exchange {
	made := plain("unavailable", "").with("rawType", why)
	return exchange(ctx, d, &events.Message{Info: info}, made, "")
}

func exchange(ctx context.Context, d Directory, evt *events.Message, made *shape, source string) Exchange {
	info := &evt.Info
	chat := chatOf(ctx, d, info)
	message := made.message
	for _, key := range []string{"media", "context", "edit", "location", "contact", "reaction", "interactive"} {
		if _, has := message[key]; !has {
			message[key] = nil
		}
	}
	message["source"] = source
	if _, has := message["isEdit"]; !has {
		message["isEdit"] = false
	}
	result := Exchange{Chat: chat["jid"].(string)}
	if made.medium != nil {
		message["media"] = made.medium.object()
		result.MediaKey = made.medium.key(info)
	}
	flag(message, "isViewOnce", evt.IsViewOnce || made.medium.isViewOnce())
	flag(message, "isEphemeral", evt.IsEphemeral || made.context.GetExpiration() > 0)
	id := info.ID
	if made.id != "" {
		id = made.id
	}
	result.Data = Object{"id": id, "direction": "incoming", "timestamp": host.Time(info.Timestamp),
		"chat": chat, "recipient": Object{}, "message": message}
	if info.IsFromMe {
		result.Data["direction"] = "outgoing"
		result.Data["sender"] = selfOf(d)
		if chat["type"] == "private" {
			result.Data["recipient"] = Object{"jid": chat["jid"], "lid": chat["lid"]}
		}
	} else {
		result.Data["sender"] = PersonOf(ctx, d, info.Sender, info.SenderAlt, info.PushName)
	}
	addContext(ctx, d, made.context, result.Data)
	return result
}

func flag(object Object, key string, on bool) {
	if on {
		object[key] = true
	}
}

func chatOf(ctx context.Context, d Directory, info *types.MessageInfo) Object {
	jid, other := info.Chat, info.RecipientAlt
	if info.IsIncomingBroadcast() && jid != types.StatusBroadcastJID {
		jid, other = info.Sender, info.SenderAlt
	} else if !info.IsFromMe && !info.IsGroup {
		other = info.SenderAlt
	}
	kind := chatType(jid)
	var chat Object
	switch kind {
	case "private":
		name := info.PushName
		if info.IsFromMe {
			name = ""
		}
		chat = PersonOf(ctx, d, jid, other, name)
	case "group":
		known := d.Group(ctx, jid)
		chat = Object{"jid": jid.String(), "lid": nil, "name": known.Name}
		flag(chat, "isCommunity", known.IsCommunity)
	default:
		chat = Object{"jid": jid.String(), "lid": nil, "name": ""}
	}
	chat["type"] = kind
	return chat
}

// What it quotes, whom it mentions, and where it comes from.
func addContext(ctx context.Context, d Directory, info *waE2E.ContextInfo, data Object) {
	if info == nil {
		return
	}
	message := data["message"].(Object)
	shown := Object{"isForwarded": info.GetIsForwarded(), "forwardingScore": info.GetForwardingScore(),
		"expiration": info.GetExpiration(), "quotedType": nil}
	message["context"] = shown
	flag(message, "isForwarded", info.GetIsForwarded())
	isAnswer := message["interactive"] != nil
	if quoted := info.GetQuotedMessage(); info.GetStanzaID() != "" {
		text := ""
		if quoted != nil {
			if made := shapeOf(ctx, d, &types.MessageInfo{}, unwrapped(quoted)); made != nil {
				shown["quotedType"] = made.message["type"]
				text = made.message["content"].(string)
			}
		}
		if !isAnswer || quoted != nil {
			data["reply"] = Object{"message_id": info.GetStanzaID(), "text": text,
				"sender": phoneOf(ctx, d, info.GetParticipant())}
		}
	}
	if all := info.GetMentionedJID(); len(all) > 0 {
		mentioned := []string{}
		for _, each := range all {
			number := phoneOf(ctx, d, each)
			mentioned = append(mentioned, number)
			readdress(message, each, number)
		}
		data["mentions"] = Object{"mentionedUsers": mentioned}
	}
}

// Readdressed text: with another address of the same person where it is mentioned. Addresses in messages are
// whatever their senders make them.
func Readdressed(text, from, to string) string {
	user := func(address string) string { return "@" + strings.SplitN(address, "@", 2)[0] }
	was, is := user(from), user(to)
	if was == is || was == "@" {
		return text
	}
	var made strings.Builder
	for {
		before, after, found := strings.Cut(text, was)
		made.WriteString(before)
		if !found {
			return made.String()
		}
		if next, _ := utf8.DecodeRuneInString(after); unicode.IsLetter(next) || unicode.IsDigit(next) {
			made.WriteString(was) // a longer number
		} else {
			made.WriteString(is)
		}
		text = after
	}
}

func readdress(message Object, from, to string) {
	message["content"] = Readdressed(message["content"].(string), from, to)
	if media, is := message["media"].(Object); is {
		media["caption"] = Readdressed(media["caption"].(string), from, to)
	}
	if edit, is := message["edit"].(Object); is {
		edit["text"] = message["content"]
	}
}
