package session

import (
	"context"
	"encoding/json"
	"errors"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/convert"
	"pombo/bridge/host"
)

func groupFailure(err error) error {
	switch {
	case host.Code(err) != "":
		return err
	case errors.Is(err, whatsmeow.ErrGroupNotFound), errors.Is(err, whatsmeow.ErrInviteLinkInvalid),
		errors.Is(err, whatsmeow.ErrInviteLinkRevoked):
		return host.Fail("notFound", "Group not found")
	case errors.Is(err, whatsmeow.ErrNotInGroup), errors.Is(err, whatsmeow.ErrIQForbidden):
		return host.Fail("forbidden", "Not allowed in this group")
	case errors.Is(err, whatsmeow.ErrIQTimedOut), errors.Is(err, context.DeadlineExceeded):
		return host.Fail("timedOut", "Timed out waiting for WhatsApp")
	}
	return host.Fail("internal", "WhatsApp refused it")
}

func listGroups(l *link, ctx context.Context, _ json.RawMessage) (any, error) {
	groups, err := l.client.GetJoinedGroups(ctx)
	if err != nil {
		return nil, groupFailure(err)
	}
	all := []Object{}
	for _, group := range groups {
		l.people.rename(group.JID, group.Name)
		all = append(all, convert.GroupOf(ctx, &l.people, group))
	}
	return Object{"groups": all}, nil
}

func groupInfo(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	var given struct {
		Group      string `json:"group"`
		InviteCode string `json:"inviteCode"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	var group *types.GroupInfo
	var err error
	if given.InviteCode != "" {
		group, err = l.client.GetGroupInfoFromLink(ctx, given.InviteCode)
	} else {
		var jid types.JID
		if jid, err = chatIn(given.Group); err != nil {
			return nil, err
		}
		group, err = l.client.GetGroupInfo(ctx, jid)
	}
	if err != nil {
		return nil, groupFailure(err)
	}
	return convert.GroupOf(ctx, &l.people, group), nil
}

func block(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	var given struct {
		Chat  string `json:"chat"`
		Block bool   `json:"block"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	chat, err := chatIn(given.Chat)
	if err != nil {
		return nil, err
	}
	action := events.BlocklistChangeActionUnblock
	if given.Block {
		action = events.BlocklistChangeActionBlock
	}
	if _, err = l.client.UpdateBlocklist(ctx, chat, action); err != nil {
		return nil, host.Fail("internal", "WhatsApp refused it")
	}
	return nil, nil
}
