package convert

import (
	"context"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
)

// changeOf is what is said of an earlier message.
func changeOf(ctx context.Context, d Directory, info *types.MessageInfo, m *waE2E.Message) *shape {
	if to := m.GetReactionMessage(); to != nil {
		return reactionOf(ctx, d, info, to)
	}
	change := m.GetProtocolMessage()
	switch {
	case change == nil:
		return nil
	case change.GetType() == waE2E.ProtocolMessage_REVOKE:
		id := change.GetKey().GetID()
		by := AddressOf(ctx, d, info.Sender, info.SenderAlt).JID.String()
		made := plain("message_revoke", "").with("revoke", Object{"original_id": id, "by": by,
			"byAdmin": info.Edit == types.EditAttributeAdminRevoke || isOthers(ctx, d, change.GetKey(), by)})
		made.id = id
		return made
	case change.GetType() == waE2E.ProtocolMessage_MESSAGE_EDIT:
		return editOf(change.GetKey().GetID(), shapeOf(ctx, d, info, unwrapped(change.GetEditedMessage())))
	}
	return nil
}

func isOthers(ctx context.Context, d Directory, key *waCommon.MessageKey, by string) bool {
	author := key.GetParticipant()
	return author != "" && !key.GetFromMe() && phoneOf(ctx, d, author) != by
}

// editOf an earlier message by what it is now; what has no text of its own, or says itself what it changes, stays.
func editOf(original string, changed *shape) *shape {
	if changed == nil {
		return nil
	}
	switch changed.message["type"] {
	case "message_edit", "message_revoke", "unsupported":
		return changed
	}
	text := changed.message["content"]
	return plain("message_edit", text.(string)).in(changed.context).with("isEdit", true).
		with("edit", Object{"original_id": original, "text": text})
}

// isOwn says whether a message that another one names is the instance's. The key of it is written by whoever
// sent that other one: `fromMe` is theirs.
func isOwn(ctx context.Context, d Directory, info *types.MessageInfo, key *waCommon.MessageKey) bool {
	switch {
	case info.IsFromMe || key.GetFromMe():
		return info.IsFromMe && key.GetFromMe()
	case chatType(info.Chat) == "private":
		return true
	case key.GetParticipant() == "":
		return false
	}
	self, author := d.Self(), phoneOf(ctx, d, key.GetParticipant())
	return author == self.JID.String() || author == self.LID.String()
}

func reactionOf(ctx context.Context, d Directory, info *types.MessageInfo, to *waE2E.ReactionMessage) *shape {
	key := to.GetKey()
	var participant any
	if author := key.GetParticipant(); author != "" {
		participant = phoneOf(ctx, d, author)
	}
	return plain("reaction", to.GetText()).with("reaction", Object{"text": to.GetText(),
		"emoji": to.GetText(), "message_id": key.GetID(), "messageId": key.GetID(),
		"fromMe": isOwn(ctx, d, info, key), "participant": participant})
}
