package convert

import (
	"context"
	"maps"
	"slices"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
)

// ContactOf is what has become known of somebody; what it leaves out stays as it was.
func ContactOf(ctx context.Context, d Directory, evt any) Object {
	switch evt := evt.(type) {
	case *events.Contact:
		other := evt.Action.GetLidJID()
		if evt.JID.Server == types.HiddenUserServer {
			other = evt.Action.GetPnJID()
		}
		jid, _ := types.ParseJID(other)
		data := contact(ctx, d, evt.JID, jid)
		data["firstName"], data["fullName"] = evt.Action.GetFirstName(), evt.Action.GetFullName()
		return data
	case *events.PushName:
		data := contact(ctx, d, evt.JID, evt.JIDAlt)
		data["pushName"] = evt.NewPushName
		return data
	case *events.BusinessName:
		data := contact(ctx, d, evt.JID, types.EmptyJID)
		data["businessName"] = evt.NewBusinessName
		return data
	}
	return nil
}

func contact(ctx context.Context, d Directory, jid, other types.JID) Object {
	address := AddressOf(ctx, d, jid, other)
	data := Object{"jid": address.JID.String()}
	if !address.LID.IsEmpty() {
		data["lid"] = address.LID.String()
	}
	return data
}

// ContactsOf all that are known, by address. Who is kept under both forms of it is told once.
func ContactsOf(ctx context.Context, d Directory, known map[types.JID]types.ContactInfo) []Object {
	people := map[string]Object{}
	for jid, info := range known {
		if jid.Server != types.DefaultUserServer && jid.Server != types.HiddenUserServer {
			continue
		}
		data := contact(ctx, d, jid, types.EmptyJID)
		address := data["jid"].(string)
		if found, is := people[address]; is {
			maps.Copy(data, found)
		}
		for key, name := range map[string]string{"firstName": info.FirstName, "fullName": info.FullName,
			"pushName": info.PushName, "businessName": info.BusinessName} {
			if name != "" {
				data[key] = name
			}
		}
		people[address] = data
	}
	var all []Object
	for _, address := range slices.Sorted(maps.Keys(people)) {
		all = append(all, people[address])
	}
	return all
}
