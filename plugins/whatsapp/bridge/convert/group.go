package convert

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/host"
)

type flow struct {
	ctx   context.Context
	d     Directory
	group types.JID
	at    time.Time
	actor any
	all   []Object
}

func (f *flow) person(jid types.JID) Object { return PersonOf(f.ctx, f.d, jid, types.EmptyJID, "") }

func (f *flow) add(kind string, value any) Object {
	data := Object{"type": kind, "groupJid": f.group.String(),
		"groupName": f.d.Group(f.ctx, f.group).Name, "timestamp": host.Time(f.at),
		"participants": []Object{}, "actor": f.actor, "reason": nil, "isSelf": false, "value": value}
	f.all = append(f.all, data)
	return data
}

func (f *flow) addPeople(kind string, people []types.JID, reason string) {
	if len(people) == 0 {
		return
	}
	data := f.add(kind, nil)
	self := f.d.Self()
	var participants []Object
	for _, jid := range people {
		participants = append(participants, f.person(jid))
		if jid.User == self.JID.User || jid.User == self.LID.User {
			data["isSelf"] = true
		}
	}
	data["participants"] = participants
	if reason == "invite" {
		data["reason"] = reason
	}
}

func actorOf(ctx context.Context, d Directory, sender, number *types.JID) any {
	if sender == nil || sender.IsEmpty() {
		return nil
	}
	other := types.EmptyJID
	if number != nil {
		other = *number
	}
	return PersonOf(ctx, d, *sender, other, "")
}

// GroupChangesOf are one event for each change, in the order of the list of events.
func GroupChangesOf(ctx context.Context, d Directory, evt *events.GroupInfo) []Object {
	f := &flow{ctx: ctx, d: d, group: evt.JID, at: evt.Timestamp,
		actor: actorOf(ctx, d, evt.Sender, evt.SenderPN)}
	f.addPeople("joined", evt.Join, evt.JoinReason)
	f.addPeople("left", evt.Leave, "")
	f.addPeople("promoted", evt.Promote, "")
	f.addPeople("demoted", evt.Demote, "")
	f.addSettings(evt)
	f.addLinks(evt)
	if evt.Suspended {
		f.add("suspended", nil)
	}
	if evt.Unsuspended {
		f.add("unsuspended", nil)
	}
	if evt.Delete != nil {
		var reason any
		if evt.Delete.DeleteReason != "" {
			reason = evt.Delete.DeleteReason
		}
		f.add("delete", reason)
	}
	return f.all
}

func (f *flow) addSettings(evt *events.GroupInfo) {
	if evt.Name != nil {
		f.add("name", evt.Name.Name)["groupName"] = evt.Name.Name
	}
	if evt.Topic != nil {
		f.add("topic", evt.Topic.Topic)
	}
	if evt.Locked != nil {
		f.add("locked", evt.Locked.IsLocked)
	}
	if evt.Announce != nil {
		f.add("announce", evt.Announce.IsAnnounce)
	}
	if evt.Ephemeral != nil {
		f.add("ephemeral", evt.Ephemeral.DisappearingTimer)
	}
	if evt.MembershipApprovalMode != nil {
		f.add("membership_approval_mode", evt.MembershipApprovalMode.IsJoinApprovalRequired)
	}
}

func (f *flow) addLinks(evt *events.GroupInfo) {
	if evt.NewInviteLink != nil {
		f.add("new_invite_link", *evt.NewInviteLink)
	}
	f.addLink("link", evt.Link)
	f.addLink("unlink", evt.Unlink)
}

func (f *flow) addLink(kind string, link *types.GroupLinkChange) {
	if link != nil {
		f.add(kind, Object{"jid": link.Group.JID.String(), "name": link.Group.Name,
			"linkType": string(link.Type)})
	}
}

// JoinOf a group by the instance itself.
func JoinOf(ctx context.Context, d Directory, evt *events.JoinedGroup) Object {
	f := &flow{ctx: ctx, d: d, group: evt.JID, at: time.Now(),
		actor: actorOf(ctx, d, evt.Sender, evt.SenderPN)}
	self := d.Self()
	f.addPeople("joined", []types.JID{self.JID}, evt.Reason)
	data := f.all[0]
	data["groupName"], data["value"] = evt.GroupInfo.Name, GroupOf(ctx, d, &evt.GroupInfo)
	return data
}

// PictureOf a group; nil for a person's.
func PictureOf(ctx context.Context, d Directory, evt *events.Picture) Object {
	if evt.JID.Server != types.GroupServer {
		return nil
	}
	f := &flow{ctx: ctx, d: d, group: evt.JID, at: evt.Timestamp,
		actor: actorOf(ctx, d, &evt.Author, nil)}
	var id any
	if evt.PictureID != "" {
		id = evt.PictureID
	}
	return f.add("picture", Object{"removed": evt.Remove, "pictureId": id})
}

// GroupOf is a group as the gateway's routes show it.
func GroupOf(ctx context.Context, d Directory, group *types.GroupInfo) Object {
	self := d.Self()
	isAdmin := false
	participants := []Object{}
	for _, each := range group.Participants {
		other := each.PhoneNumber
		if each.JID.Server == types.DefaultUserServer {
			other = each.LID
		}
		address := AddressOf(ctx, d, each.JID, other)
		shown := address.object()
		shown["isAdmin"], shown["isSuperAdmin"] = each.IsAdmin || each.IsSuperAdmin, each.IsSuperAdmin
		participants = append(participants, shown)
		if address.JID.User == self.JID.User || each.JID.User == self.LID.User {
			isAdmin = each.IsAdmin || each.IsSuperAdmin
		}
	}
	by := func(jid, number types.JID) any {
		if jid.IsEmpty() {
			return nil
		}
		return AddressOf(ctx, d, jid, number).JID.String()
	}
	return Object{"jid": group.JID.String(), "name": group.Name, "description": group.Topic,
		"inviteCode": nil, "createdBy": by(group.OwnerJID, group.OwnerPN),
		"createdAt": momentOrNull(group.GroupCreated), "isAdmin": isAdmin,
		"participantCount": len(participants), "participants": participants,
		"groupSettings": Object{"membersCanEditInfo": !group.IsLocked,
			"membersCanSendMessages": !group.IsAnnounce,
			"membersCanAddOthers":    group.MemberAddMode == types.GroupMemberAddModeAllMember,
			"requireAdminApproval":   group.IsJoinApprovalRequired},
		"metadata": Object{"nameSetBy": by(group.NameSetBy, group.NameSetByPN),
			"nameSetAt":        momentOrNull(group.NameSetAt),
			"descriptionSetBy": by(group.TopicSetBy, group.TopicSetByPN),
			"descriptionSetAt": momentOrNull(group.TopicSetAt)},
		"isEphemeral": group.IsEphemeral, "isIncognito": group.IsIncognito, "isSuspended": group.Suspended,
		"isDefaultSubGroup": group.IsDefaultSubGroup}
}
