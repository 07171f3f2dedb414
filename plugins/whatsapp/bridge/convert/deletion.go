package convert

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/host"
)

// DeletionOf what a phone has deleted for its owner: a message, or what was said in a chat until then.
func DeletionOf(ctx context.Context, d Directory, evt any) Object {
	switch evt := evt.(type) {
	case *events.DeleteForMe:
		return Object{"chat": addressText(ctx, d, evt.ChatJID), "messageId": evt.MessageID}
	case *events.ClearChat:
		return deletion(ctx, d, evt.JID, evt.Timestamp)
	case *events.DeleteChat:
		return deletion(ctx, d, evt.JID, evt.Timestamp)
	}
	return nil
}

func deletion(ctx context.Context, d Directory, chat types.JID, at time.Time) Object {
	return Object{"chat": addressText(ctx, d, chat), "deletedUntil": host.Time(at)}
}

func addressText(ctx context.Context, d Directory, chat types.JID) string {
	return AddressOf(ctx, d, chat, types.EmptyJID).JID.String()
}
