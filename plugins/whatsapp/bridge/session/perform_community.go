package session

import (
	"context"
	"encoding/json"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
)

func createCommunity(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	g, err := groupGiven(arguments)
	if err != nil {
		return nil, err
	}
	made, err := l.client.CreateGroup(ctx, whatsmeow.ReqCreateGroup{Name: text(g.Name),
		GroupParent: types.GroupParent{IsParent: true, DefaultMembershipApprovalMode: g.Approval}})
	if err == nil && text(g.Description) != "" {
		err = l.client.SetGroupTopic(ctx, made.JID, "", "", *g.Description)
	}
	if err != nil {
		return nil, groupFailure(err)
	}
	return Object{"jid": made.JID.String(), "name": made.Name, "isCommunity": made.IsParent}, nil
}

// WhatsApp takes many of them at once for a mistake.
const pauseOfLinks = time.Second

func linkGroups(change func(*whatsmeow.Client, context.Context, types.JID, types.JID) error) operation {
	return func(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
		g, err := groupGiven(arguments)
		if err != nil {
			return nil, err
		}
		linked, failed := []string{}, []Object{}
		for i, name := range g.Groups {
			if i > 0 {
				select {
				case <-time.After(pauseOfLinks):
				case <-ctx.Done():
				}
			}
			child, err := chatIn(name)
			if err == nil {
				if err = change(l.client, ctx, g.community, child); err != nil {
					err = groupFailure(err)
				}
			}
			if err != nil {
				failed = append(failed, Object{"jid": name, "error": err.Error()})
				continue
			}
			linked = append(linked, name)
		}
		return Object{"linked": linked, "failed": failed}, nil
	}
}

func listSubGroups(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	g, err := groupGiven(arguments)
	if err != nil {
		return nil, err
	}
	found, err := l.client.GetSubGroups(ctx, g.community)
	if err != nil {
		return nil, groupFailure(err)
	}
	all := []Object{}
	for _, each := range found {
		all = append(all, Object{"jid": each.JID.String(), "name": each.Name,
			"isDefaultSubGroup": each.IsDefaultSubGroup})
	}
	return Object{"subgroups": all}, nil
}
