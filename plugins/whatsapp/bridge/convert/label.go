package convert

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/host"
)

// LabelOf is nil for what a full sync repeats.
func LabelOf(ctx context.Context, d Directory, evt any) Object {
	switch evt := evt.(type) {
	case *events.LabelEdit:
		if evt.FromFullSync {
			return nil
		}
		data := label("edit", evt.LabelID, evt.Timestamp, "edited")
		if evt.Action.GetDeleted() {
			data["action"] = "deleted"
		}
		data["name"], data["color"] = evt.Action.GetName(), evt.Action.GetColor()
		data["deleted"] = evt.Action.GetDeleted()
		return data
	case *events.LabelAssociationChat:
		if evt.FromFullSync {
			return nil
		}
		return labelled(ctx, d, "chat", evt.LabelID, evt.Timestamp, evt.JID, evt.Action.GetLabeled())
	case *events.LabelAssociationMessage:
		if evt.FromFullSync {
			return nil
		}
		data := labelled(ctx, d, "message", evt.LabelID, evt.Timestamp, evt.JID, evt.Action.GetLabeled())
		data["messageId"] = evt.MessageID
		return data
	}
	return nil
}

func label(kind, id string, at time.Time, action string) Object {
	return Object{"type": kind, "timestamp": host.Time(at), "labelId": id, "action": action}
}

func labelled(ctx context.Context, d Directory, kind, id string, at time.Time, chat types.JID,
	on bool) Object {
	data := label(kind, id, at, "removed")
	if on {
		data["action"] = "added"
	}
	data["labeled"] = on
	data["chatJid"] = AddressOf(ctx, d, chat, types.EmptyJID).JID.String()
	return data
}
