package session

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waServerSync"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/convert"
	"pombo/bridge/host"
)

// label that was changed. Those that a collection had before are told before it, or else would undo it.
func (l *link) label(evt any) bool {
	l.telling.labels.Lock()
	defer l.telling.labels.Unlock()
	return l.publish("label.update", "", convert.LabelOf(l.ctx, &l.people, evt), "")
}

// labelIn what phones share, as an event of the library's; nil: it is about something else.
func labelIn(shared appstate.Mutation) any {
	index, at := shared.Index, time.UnixMilli(shared.Action.GetTimestamp())
	edit, put := shared.Action.GetLabelEditAction(), shared.Action.GetLabelAssociationAction()
	chat := types.EmptyJID
	if len(index) > 2 {
		chat, _ = types.ParseJID(index[2])
	}
	switch {
	case len(index) > 1 && index[0] == appstate.IndexLabelEdit:
		return &events.LabelEdit{Timestamp: at, LabelID: index[1], Action: edit, FromFullSync: true}
	case len(index) > 2 && index[0] == appstate.IndexLabelAssociationChat:
		return &events.LabelAssociationChat{JID: chat, Timestamp: at, LabelID: index[1], Action: put,
			FromFullSync: true}
	case len(index) > 5 && index[0] == appstate.IndexLabelAssociationMessage:
		return &events.LabelAssociationMessage{JID: chat, Timestamp: at, LabelID: index[1], MessageID: index[3],
			Action: put, FromFullSync: true}
	}
	return nil
}

// tellLabels as they were until then: what has been changed since comes by itself. In a snapshot the two cannot be
// told apart.
func (l *link) tellLabels(until uint64) bool {
	shared, snapshot, err := l.readCollection(l.ctx, appstate.WAPatchRegular)
	if err != nil {
		return false
	}
	var all []host.Event
	for _, each := range shared {
		isPast := each.PatchVersion <= max(until, snapshot)
		if evt := labelIn(each); evt != nil && isPast && each.Operation == waServerSync.SyncdMutation_SET {
			all = append(all, l.event("label.update", "", convert.LabelOf(l.ctx, &l.people, evt), ""))
		}
	}
	return l.publishInParts(all)
}

// listLabels by what phones share, from its beginning. It is told to nobody again.
func listLabels(l *link, ctx context.Context, _ json.RawMessage) (any, error) {
	if err := l.requireKeys(ctx); err != nil {
		return nil, err
	}
	shared, _, err := l.readCollection(ctx, appstate.WAPatchRegular)
	if err != nil {
		return nil, l.notShared(err)
	}
	return l.labelsIn(ctx, shared), nil
}

func (l *link) labelsIn(ctx context.Context, shared []appstate.Mutation) Object {
	known, chats := map[string]Object{}, map[labelled]bool{}
	for _, each := range shared {
		data := convert.LabelOf(ctx, &l.people, labelIn(each))
		if data == nil {
			continue
		}
		id, isThere := data["labelId"].(string), each.Operation == waServerSync.SyncdMutation_SET
		switch {
		case data["type"] == "chat":
			chats[labelled{data["chatJid"].(string), id}] = isThere && data["labeled"].(bool)
		case data["type"] == "edit" && isThere && !data["deleted"].(bool):
			known[id] = Object{"id": id, "name": data["name"], "color": data["color"]}
		case data["type"] == "edit":
			delete(known, id)
		}
	}
	return listed(known, chats)
}

type labelled struct{ Chat, ID string }

func listed(known map[string]Object, chats map[labelled]bool) Object {
	labels, on := []Object{}, []Object{}
	for _, id := range slices.Sorted(maps.Keys(known)) {
		labels = append(labels, known[id])
	}
	for each, is := range chats {
		if is && known[each.ID] != nil {
			on = append(on, Object{"id": each.ID, "chat": each.Chat})
		}
	}
	return Object{"labels": labels, "chats": on}
}

type labelArguments struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Color   int32  `json:"color"`
	Chat    string `json:"chat"`
	Labeled bool   `json:"labeled"`
}

func editLabel(deleted bool) operation {
	return func(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
		var given labelArguments
		if err := read(arguments, &given); err != nil {
			return nil, err
		}
		return nil, l.share(ctx, appstate.BuildLabelEdit(given.ID, given.Name, given.Color, deleted))
	}
}

func labelChat(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	var given labelArguments
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	chat, err := chatIn(given.Chat)
	if err != nil {
		return nil, err
	}
	return nil, l.share(ctx, appstate.BuildLabelChat(chat, given.ID, given.Labeled))
}

// star a message. Favorite chats are one list, which nobody here knows the rest of.
func star(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	var given struct {
		Chat      string `json:"chat"`
		MessageID string `json:"messageId"`
		Sender    string `json:"sender"`
		FromMe    bool   `json:"fromMe"`
		Favorite  bool   `json:"favorite"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	if given.MessageID == "" {
		return nil, host.Fail("unsupported", "Only messages can be made favorites")
	}
	chat, err := chatIn(given.Chat)
	if err != nil {
		return nil, err
	}
	sender := chat // which says nothing
	if !given.FromMe && chat.Server == types.GroupServer {
		if sender, err = l.memberIn(ctx, chat, given.Sender, "sender"); err != nil {
			return nil, err
		}
	}
	return nil, l.share(ctx, appstate.BuildStar(chat, sender, given.MessageID, given.FromMe, given.Favorite))
}
