package session

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"pombo/bridge/convert"
	"pombo/bridge/host"
)

// groupArguments are all that operations on groups and communities are told.
type groupArguments struct {
	Group        string   `json:"group"`
	Community    string   `json:"community"`
	Groups       []string `json:"groups"`
	Name         *string  `json:"name"`
	Description  *string  `json:"description"`
	Participants []string `json:"participants"`
	Action       string   `json:"action"`
	InviteCode   string   `json:"inviteCode"`
	Approval     string   `json:"membershipApprovalMode"`
	Settings     struct {
		EditInfo *bool `json:"membersCanEditInfo"`
		Send     *bool `json:"membersCanSendMessages"`
		Add      *bool `json:"membersCanAddOthers"`
		Approval *bool `json:"requireAdminApproval"`
	} `json:"groupSettings"`
}

type given struct {
	groupArguments
	group, community types.JID
	people           []types.JID
	raw              map[string]json.RawMessage
}

func groupGiven(arguments json.RawMessage) (g given, err error) {
	if err = read(arguments, &g.groupArguments); err != nil {
		return g, err
	}
	json.Unmarshal(arguments, &g.raw)
	for text, into := range map[string]*types.JID{g.Group: &g.group, g.Community: &g.community} {
		if text == "" {
			continue
		}
		if *into, err = chatIn(text); err != nil {
			return g, err
		}
	}
	for _, each := range g.Participants {
		person, err := chatIn(each)
		if err != nil {
			return g, err
		}
		g.people = append(g.people, person)
	}
	return g, nil
}

func text(given *string) string {
	if given == nil {
		return ""
	}
	return *given
}

func createGroup(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	g, err := groupGiven(arguments)
	if err != nil {
		return nil, err
	}
	made, err := l.client.CreateGroup(ctx, whatsmeow.ReqCreateGroup{Name: text(g.Name),
		Participants: g.people, GroupLinkedParent: types.GroupLinkedParent{LinkedParentJID: g.community}})
	if err != nil {
		return nil, groupFailure(err)
	}
	l.people.rename(made.JID, made.Name)
	return convert.GroupOf(ctx, &l.people, made), nil
}

// updateGroup stops at the first change that WhatsApp refuses.
func updateGroup(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	g, err := groupGiven(arguments)
	if err != nil {
		return nil, err
	}
	c := l.client
	var steps []func() error
	if g.Name != nil {
		steps = append(steps, func() error { return c.SetGroupName(ctx, g.group, *g.Name) })
	}
	if g.Description != nil {
		steps = append(steps, func() error { return c.SetGroupTopic(ctx, g.group, "", "", *g.Description) })
	}
	if picture, given := g.raw["image"]; given {
		steps = append(steps, func() error { return l.setPicture(ctx, g.group, picture) })
	}
	for _, each := range []struct {
		wanted *bool
		set    func(bool) error
	}{
		{g.Settings.EditInfo, func(on bool) error { return c.SetGroupLocked(ctx, g.group, !on) }},
		{g.Settings.Send, func(on bool) error { return c.SetGroupAnnounce(ctx, g.group, !on) }},
		{g.Settings.Add, func(on bool) error { return c.SetGroupMemberAddMode(ctx, g.group, addMode(on)) }},
		{g.Settings.Approval, func(on bool) error { return c.SetGroupJoinApprovalMode(ctx, g.group, on) }},
	} {
		if each.wanted != nil {
			steps = append(steps, func() error { return each.set(*each.wanted) })
		}
	}
	for _, step := range steps {
		if err = step(); err != nil {
			return nil, groupFailure(err)
		}
	}
	return l.groupNow(ctx, g.group)
}

func addMode(everybody bool) types.GroupMemberAddMode {
	if everybody {
		return types.GroupMemberAddModeAllMember
	}
	return types.GroupMemberAddModeAdmin
}

func (l *link) groupNow(ctx context.Context, jid types.JID) (any, error) {
	group, err := l.client.GetGroupInfo(ctx, jid)
	if err != nil {
		return nil, groupFailure(err)
	}
	l.people.rename(group.JID, group.Name)
	return convert.GroupOf(ctx, &l.people, group), nil
}

// setPicture of base64, or none; of the instance itself when there is no group.
func (l *link) setPicture(ctx context.Context, group types.JID, picture json.RawMessage) error {
	var encoded *string
	if json.Unmarshal(picture, &encoded) != nil {
		return host.Fail("invalid", "Invalid picture")
	}
	var bytes []byte
	if encoded != nil {
		var err error
		if bytes, err = base64.StdEncoding.DecodeString(*encoded); err != nil {
			return host.Fail("invalid", "Invalid picture")
		}
	}
	_, err := l.client.SetGroupPhoto(ctx, group, bytes)
	return err
}

func changeMembers(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	g, err := groupGiven(arguments)
	if err != nil {
		return nil, err
	}
	var changed []types.GroupParticipant
	switch g.Action {
	case "add", "remove", "promote", "demote":
		changed, err = l.client.UpdateGroupParticipants(ctx, g.group, g.people,
			whatsmeow.ParticipantChange(g.Action))
	case "approve", "reject":
		changed, err = l.client.UpdateGroupRequestParticipants(ctx, g.group, g.people,
			whatsmeow.ParticipantRequestChange(g.Action))
	default:
		return nil, host.Fail("invalid", "Invalid action")
	}
	if err != nil {
		return nil, groupFailure(err)
	}
	all := []Object{}
	for _, person := range g.people {
		all = append(all, Object{"jid": person.String(), "error": l.errorOf(ctx, person, changed)})
	}
	return Object{"participants": all}, nil
}

func (l *link) errorOf(ctx context.Context, person types.JID, changed []types.GroupParticipant) any {
	wanted := convert.AddressOf(ctx, &l.people, person, types.EmptyJID)
	for _, each := range changed {
		found := convert.AddressOf(ctx, &l.people, each.JID, each.PhoneNumber)
		if found.JID != wanted.JID {
			continue
		}
		if each.Error == 0 || each.Error == 200 {
			return nil
		}
		return "WhatsApp refused it: " + strconv.Itoa(each.Error)
	}
	return "WhatsApp did not say what became of it"
}

func joinGroup(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	g, err := groupGiven(arguments)
	if err != nil {
		return nil, err
	}
	jid, err := l.client.JoinGroupWithLink(ctx, g.InviteCode)
	if err != nil {
		return nil, groupFailure(err)
	}
	joined := Object{"jid": jid.String()}
	// WhatsApp does not say whether an admin has to agree first.
	if _, err = l.client.GetGroupInfo(ctx, jid); err != nil {
		joined["pending"] = true
	}
	return joined, nil
}

func resetLink(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	g, err := groupGiven(arguments)
	if err != nil {
		return nil, err
	}
	link, err := l.client.GetGroupInviteLink(ctx, g.group, true)
	if err != nil {
		return nil, groupFailure(err)
	}
	return Object{"inviteCode": strings.TrimPrefix(link, whatsmeow.InviteLinkPrefix)}, nil
}

func listRequests(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	g, err := groupGiven(arguments)
	if err != nil {
		return nil, err
	}
	found, err := l.client.GetGroupRequestParticipants(ctx, g.group)
	if err != nil {
		return nil, groupFailure(err)
	}
	all := []Object{}
	for _, each := range found {
		address := convert.AddressOf(ctx, &l.people, each.JID, types.EmptyJID)
		all = append(all, Object{"jid": address.JID.String(), "lid": lidOrNull(address.LID),
			"requestedAt": host.Time(each.RequestedAt)})
	}
	return Object{"requests": all}, nil
}

func leaveGroup(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	g, err := groupGiven(arguments)
	if err == nil {
		if err = l.client.LeaveGroup(ctx, g.group); err != nil {
			err = groupFailure(err)
		}
	}
	return nil, err
}
