package convert

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/host"
)

// LabelOf a change. One that a full sync repeats is marked as history: it has happened before.
func LabelOf(ctx context.Context, d Directory, evt any) Object {
	switch evt := evt.(type) {
	case *events.LabelEdit:
		data := label("edit", evt.LabelID, evt.Timestamp, "edited", evt.FromFullSync)
		if evt.Action.GetDeleted() {
			data["action"] = "deleted"
		}
		data["name"], data["color"] = evt.Action.GetName(), evt.Action.GetColor()
		data["deleted"] = evt.Action.GetDeleted()
		return data
	case *events.LabelAssociationChat:
		data := label("chat", evt.LabelID, evt.Timestamp, "removed", evt.FromFullSync)
		return labelled(ctx, d, data, evt.JID, evt.Action.GetLabeled())
	case *events.LabelAssociationMessage:
		data := label("message", evt.LabelID, evt.Timestamp, "removed", evt.FromFullSync)
		data["messageId"] = evt.MessageID
		return labelled(ctx, d, data, evt.JID, evt.Action.GetLabeled())
	}
	return nil
}

func label(kind, id string, at time.Time, action string, isHistory bool) Object {
	data := Object{"type": kind, "timestamp": host.Time(at), "labelId": id, "action": action}
	if isHistory {
		data["isHistory"] = true
	}
	return data
}

func labelled(ctx context.Context, d Directory, data Object, chat types.JID, on bool) Object {
	if on {
		data["action"] = "added"
	}
	data["labeled"] = on
	data["chatJid"] = addressText(ctx, d, chat)
	return data
}
