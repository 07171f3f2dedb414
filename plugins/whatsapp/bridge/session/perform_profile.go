package session

import (
	"context"
	"encoding/json"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/types"

	"pombo/bridge/convert"
	"pombo/bridge/host"
)

func account(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	var given struct {
		Chat string `json:"chat"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	self := l.people.Self()
	jid := self.JID
	if given.Chat != "" {
		var err error
		if jid, err = chatIn(given.Chat); err != nil {
			return nil, err
		}
	}
	address := convert.AddressOf(ctx, &l.people, jid, types.EmptyJID)
	shown := Object{"jid": address.JID.String(), "lid": lidOrNull(address.LID)}
	if address.JID.Server == types.DefaultUserServer {
		shown["phoneNumber"] = address.JID.User
	}
	if name := l.people.Name(ctx, address.JID); name != "" {
		shown["profileName"] = name
	} else if address.JID == self.JID && self.Name != "" {
		shown["profileName"] = self.Name
	}
	if known, err := l.client.GetUserInfo(ctx, []types.JID{jid}); err == nil {
		shown["profileStatus"] = known[jid].Status
	}
	if picture, err := l.client.GetProfilePictureInfo(ctx, jid, nil); err == nil && picture != nil {
		shown["profilePicture"] = picture.URL
	}
	return shown, nil
}

func changeAccount(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	var given struct {
		Name   *string `json:"profileName"`
		Status *string `json:"profileStatus"`
	}
	var raw map[string]json.RawMessage
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	json.Unmarshal(arguments, &raw)
	if given.Name != nil {
		if err := l.share(ctx, appstate.BuildSettingPushName(*given.Name)); err != nil {
			return nil, err
		}
	}
	if given.Status != nil {
		if err := l.client.SetStatusMessage(ctx, types.SetStatusInput{Text: given.Status}); err != nil {
			return nil, host.Fail("internal", "WhatsApp refused it")
		}
	}
	if picture, wanted := raw["profilePicture"]; wanted {
		if err := l.setPicture(ctx, types.EmptyJID, picture); err != nil {
			if host.Code(err) == "invalid" {
				return nil, err
			}
			return nil, host.Fail("internal", "WhatsApp refused it")
		}
		go l.lookAtPicture()
	}
	return nil, nil
}

func privacyShown(known *types.PrivacySettings) Object {
	return Object{
		"visibility": Object{"lastSeen": orAll(known.LastSeen), "status": orAll(known.Status),
			"profile": orAll(known.Profile), "online": orAll(known.Online)},
		"privacy":     Object{"readReceipts": orAll(known.ReadReceipts)},
		"permissions": Object{"groupAdd": orAll(known.GroupAdd), "callAdd": orAll(known.CallAdd)},
	}
}

// WhatsApp leaves out what has never been changed.
func orAll(value types.PrivacySetting) types.PrivacySetting {
	if value == types.PrivacySettingUndefined {
		return types.PrivacySettingAll
	}
	return value
}

func privacy(l *link, ctx context.Context, _ json.RawMessage) (any, error) {
	known, err := l.client.TryFetchPrivacySettings(ctx, true)
	if err != nil {
		return nil, host.Fail("internal", "WhatsApp does not say")
	}
	return privacyShown(known), nil
}

var privacyTypes = map[string]types.PrivacySettingType{
	"lastSeen": types.PrivacySettingTypeLastSeen, "status": types.PrivacySettingTypeStatus,
	"profile": types.PrivacySettingTypeProfile, "online": types.PrivacySettingTypeOnline,
	"readReceipts": types.PrivacySettingTypeReadReceipts,
	"groupAdd":     types.PrivacySettingTypeGroupAdd, "callAdd": types.PrivacySettingTypeCallAdd,
}

func changePrivacy(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	var groups map[string]map[string]types.PrivacySetting
	if err := read(arguments, &groups); err != nil {
		return nil, err
	}
	for _, group := range groups {
		for name, value := range group {
			kind, known := privacyTypes[name]
			if !known {
				return nil, host.Fail("invalid", "Invalid setting")
			}
			if _, err := l.client.SetPrivacySetting(ctx, kind, value); err != nil {
				return nil, host.Fail("internal", "WhatsApp refused it")
			}
		}
	}
	return privacy(l, ctx, nil)
}
