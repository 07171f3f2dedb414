package session

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"pombo/bridge/host"
)

// What phones share among each other about chats: nothing of it can be changed before the phone has
// passed its keys on, some minutes after it was linked.
type chatArguments struct {
	Chat        string `json:"chat"`
	Archive     bool   `json:"archive"`
	Pin         bool   `json:"pin"`
	Mute        bool   `json:"mute"`
	Duration    int64  `json:"duration"` // seconds; 0: for ever
	Read        bool   `json:"read"`
	DeleteMedia bool   `json:"deleteMedia"`
}

const mostPinned = 3

func changeChat(patch func(chatArguments, types.JID) appstate.PatchInfo,
	checks ...func(*link, context.Context, chatArguments, types.JID) error) operation {
	return func(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
		var given chatArguments
		if err := read(arguments, &given); err != nil {
			return nil, err
		}
		chat, err := chatIn(given.Chat)
		if err != nil {
			return nil, err
		}
		for _, check := range checks {
			if err = check(l, ctx, given, chat); err != nil {
				return nil, err
			}
		}
		return nil, l.share(ctx, patch(given, chat))
	}
}

// requireRoom for one more than phones show.
func requireRoom(l *link, ctx context.Context, given chatArguments, chat types.JID) error {
	count, err := l.state.PinnedBeside(ctx, chat)
	if err == nil && given.Pin && count >= mostPinned {
		return host.Fail("invalid", "Maximum of %d pinned chats reached", mostPinned)
	}
	return nil
}

// deleteMessage for everyone, which is a message of its own, or on the phones of the instance alone.
func deleteMessage(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	var given struct {
		Chat      string    `json:"chat"`
		MessageID string    `json:"messageId"`
		Sender    string    `json:"sender"`
		FromMe    bool      `json:"fromMe"`
		Timestamp time.Time `json:"timestamp"`
		Everyone  bool      `json:"deleteForEveryone"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	if given.Everyone {
		return l.send(ctx, "chat.delete", arguments, nil)
	}
	chat, err := chatIn(given.Chat)
	if err != nil {
		return nil, err
	}
	index := []string{appstate.IndexDeleteMessageForMe, chat.String(), given.MessageID, "1", "0"}
	if !given.FromMe {
		index[3] = "0"
	}
	if !given.FromMe && chat.Server == types.GroupServer {
		sender, err := l.memberIn(ctx, chat, given.Sender, "sender")
		if err != nil {
			return nil, err
		}
		index[4] = sender.String()
	}
	action := new(waSyncAction.DeleteMessageForMeAction)
	if !given.Timestamp.IsZero() {
		action.MessageTimestamp = proto.Int64(given.Timestamp.Unix())
	}
	return nil, l.share(ctx, appstate.PatchInfo{Type: appstate.WAPatchRegularHigh,
		Mutations: []appstate.MutationInfo{{Index: index, Version: 3, Value: &waSyncAction.SyncActionValue{
			DeleteMessageForMeAction: action}}}})
}

// requireKeys by which phones share: the phone passes them on.
func (l *link) requireKeys(ctx context.Context) error {
	id, err := l.client.Store.AppStateKeys.GetLatestAppStateSyncKeyID(ctx)
	if err != nil || id == nil {
		return host.Fail("internal", "the phone has not shared its keys yet")
	}
	return nil
}

func (l *link) share(ctx context.Context, patch appstate.PatchInfo) error {
	if err := l.requireKeys(ctx); err != nil {
		return err
	}
	l.sharing.Lock()
	defer l.sharing.Unlock()
	err := l.whatsapp.SendAppState(ctx, patch)
	if err != nil {
		// The library may be taking in what others have changed, which the fetch waits for.
		if err = l.whatsapp.FetchAppState(ctx, patch.Type, false, false); err == nil {
			err = l.whatsapp.SendAppState(ctx, patch)
		}
	}
	if err != nil {
		return l.notShared(err)
	}
	return nil
}

// notShared is refused, or unknown: the change may have been made before its answer was lost.
func (l *link) notShared(err error) error {
	if isUnanswered(err) {
		return host.Fail("timedOut", "Timed out waiting for WhatsApp")
	}
	l.s.bridge.Host.Log("warn", "WhatsApp refused a change of what phones share",
		Object{"instance": l.s.id.Value, "reason": masked(err.Error())})
	return host.Fail("internal", "WhatsApp refused it")
}

func isUnanswered(err error) bool {
	var lost *whatsmeow.DisconnectedError
	return errors.As(err, &lost) || errors.Is(err, whatsmeow.ErrIQTimedOut) ||
		errors.Is(err, whatsmeow.ErrNotConnected) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, context.Canceled)
}

var (
	archive = changeChat(func(given chatArguments, chat types.JID) appstate.PatchInfo {
		return appstate.BuildArchive(chat, given.Archive, time.Time{}, nil)
	})
	pin = changeChat(func(given chatArguments, chat types.JID) appstate.PatchInfo {
		return appstate.BuildPin(chat, given.Pin)
	}, requireRoom)
	mute = changeChat(func(given chatArguments, chat types.JID) appstate.PatchInfo {
		return appstate.BuildMute(chat, given.Mute, time.Duration(given.Duration)*time.Second)
	})
	markChatRead = changeChat(func(given chatArguments, chat types.JID) appstate.PatchInfo {
		return appstate.BuildMarkChatAsRead(chat, given.Read, time.Time{}, nil)
	})
	deleteChat = changeChat(func(given chatArguments, chat types.JID) appstate.PatchInfo {
		return appstate.BuildDeleteChat(chat, time.Time{}, nil, given.DeleteMedia)
	})
)
