package convert

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/host"
)

var receiptWords = map[types.ReceiptType]string{
	types.ReceiptTypeDelivered:   "delivered",
	types.ReceiptTypeSender:      "sender",
	types.ReceiptTypeRetry:       "retry",
	types.ReceiptTypeRead:        "read",
	types.ReceiptTypeReadSelf:    "read_self",
	types.ReceiptTypePlayed:      "played",
	types.ReceiptTypePlayedSelf:  "played_self",
	types.ReceiptTypeInactive:    "inactive",
	types.ReceiptTypeServerError: "server_error",
}

// StatusOf messages; nil for a receipt that is between devices only. Its second result is the chat.
func StatusOf(ctx context.Context, d Directory, receipt *events.Receipt) (Object, string) {
	word, known := receiptWords[receipt.Type]
	if !known || len(receipt.MessageIDs) == 0 {
		return nil, ""
	}
	chat := AddressOf(ctx, d, receipt.Chat, receipt.RecipientAlt)
	if !receipt.IsFromMe && !receipt.IsGroup {
		chat = AddressOf(ctx, d, receipt.Chat, receipt.SenderAlt)
	}
	shown := chat.object()
	shown["type"] = chatType(chat.JID)
	ids := d.OldestFirst(receipt.MessageIDs)
	data := Object{"timestamp": host.Time(receipt.Timestamp), "status": word, "messageIds": ids,
		"chat": shown, "recipient": PersonOf(ctx, d, receipt.Sender, receipt.SenderAlt, "")}
	if receipt.IsGroup {
		author := receipt.MessageSender
		if author.IsEmpty() {
			author = d.Self().JID
		}
		data["messageSender"] = AddressOf(ctx, d, author, types.EmptyJID).JID.String()
	}
	return data, chat.JID.String()
}

// ReadOf is what this device has read, of which WhatsApp tells the others alone.
func ReadOf(ctx context.Context, d Directory, chat, author types.JID, id string, at time.Time) (Object, string) {
	data, of := StatusOf(ctx, d, &events.Receipt{
		MessageSource: types.MessageSource{Chat: chat, Sender: d.Self().JID, IsFromMe: true,
			IsGroup: chat.Server == types.GroupServer},
		MessageIDs: []string{id}, MessageSender: author, Timestamp: at, Type: types.ReceiptTypeReadSelf})
	data["recipient"] = selfOf(d)
	return data, of
}

// FailedOf is the status of a message that WhatsApp will not get.
func FailedOf(ctx context.Context, d Directory, chat types.JID, id string, at string) (Object, string) {
	address := AddressOf(ctx, d, chat, types.EmptyJID)
	shown := address.object()
	shown["type"] = chatType(chat)
	data := Object{"timestamp": at, "status": "server_error", "messageIds": []string{id},
		"chat": shown, "recipient": PersonOf(ctx, d, chat, types.EmptyJID, "")}
	if chat.Server == types.GroupServer {
		data["messageSender"] = d.Self().JID.ToNonAD().String()
	}
	return data, address.JID.String()
}

func call(ctx context.Context, d Directory, kind string, meta types.BasicCallMeta) Object {
	var creator, group any
	if !meta.CallCreator.IsEmpty() {
		creator = AddressOf(ctx, d, meta.CallCreator, meta.CallCreatorAlt).object()
	}
	if !meta.GroupJID.IsEmpty() {
		group = meta.GroupJID.String()
	}
	other := types.EmptyJID
	if meta.From.User == meta.CallCreator.User {
		other = meta.CallCreatorAlt
	}
	return Object{"type": kind, "status": kind, "callId": meta.CallID,
		"timestamp": host.Time(meta.Timestamp), "from": PersonOf(ctx, d, meta.From, other, ""),
		"creator": creator, "isGroup": group != nil, "groupJid": group, "isVideo": nil, "media": nil,
		"platform": nil, "version": nil, "reason": nil, "autoRejected": false}
}

func remote(data Object, meta types.CallRemoteMeta) Object {
	if meta.RemotePlatform != "" {
		data["platform"] = meta.RemotePlatform
	}
	if meta.RemoteVersion != "" {
		data["version"] = meta.RemoteVersion
	}
	return data
}

func pictured(data Object, video bool) Object {
	data["isVideo"], data["media"] = video, "audio"
	if video {
		data["media"] = "video"
	}
	return data
}

// CallOf is nil for what is said between devices only.
func CallOf(ctx context.Context, d Directory, evt any) Object {
	switch evt := evt.(type) {
	case *events.CallOffer:
		_, video := evt.Data.GetOptionalChildByTag("video")
		return pictured(remote(call(ctx, d, "offer", evt.BasicCallMeta), evt.CallRemoteMeta), video)
	case *events.CallAccept:
		return remote(call(ctx, d, "accepted", evt.BasicCallMeta), evt.CallRemoteMeta)
	case *events.CallReject:
		return call(ctx, d, "rejected", evt.BasicCallMeta)
	case *events.CallTerminate:
		data := call(ctx, d, "terminated", evt.BasicCallMeta)
		if evt.Reason != "" {
			data["reason"] = evt.Reason
		}
		return data
	case *events.CallOfferNotice:
		data := pictured(call(ctx, d, "notification", evt.BasicCallMeta), evt.Media == "video")
		data["isGroup"] = data["isGroup"].(bool) || evt.Type == "group"
		return data
	case *events.CallRelayLatency:
		return call(ctx, d, "latency", evt.BasicCallMeta)
	}
	return nil
}

// RejectedOf is our own rejection of a call, of which WhatsApp says nothing.
func RejectedOf(ctx context.Context, d Directory, meta types.BasicCallMeta) Object {
	data := call(ctx, d, "rejected", meta)
	data["autoRejected"] = true
	return data
}
