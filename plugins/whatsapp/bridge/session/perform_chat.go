package session

import (
	"context"
	"encoding/json"
	"time"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/types"

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

func (l *link) share(ctx context.Context, patch appstate.PatchInfo) error {
	id, err := l.client.Store.AppStateKeys.GetLatestAppStateSyncKeyID(ctx)
	if err != nil || id == nil {
		return host.Fail("internal", "the phone has not shared its keys yet")
	}
	l.sharing.Lock()
	defer l.sharing.Unlock()
	if err = l.client.SendAppState(ctx, patch); err != nil {
		// The library may be taking in what others have changed, which the fetch waits for.
		if err = l.client.FetchAppState(ctx, patch.Type, false, false); err == nil {
			err = l.client.SendAppState(ctx, patch)
		}
	}
	if err != nil {
		l.s.bridge.Host.Log("warn", "WhatsApp refused a change of what phones share",
			Object{"instance": l.s.id.Value, "reason": masked(err.Error())})
		return host.Fail("internal", "WhatsApp refused it")
	}
	return nil
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
