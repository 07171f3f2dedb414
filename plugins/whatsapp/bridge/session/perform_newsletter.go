package session

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"pombo/bridge/host"
)

// The terms of channels, which an account agrees to once.
const channelTerms, agreed = "20601218", "5"

func channelShown(channel *types.NewsletterMetadata) Object {
	about := channel.ThreadMeta
	shown := Object{"jid": channel.ID.String(), "state": string(channel.State.Type),
		"name": about.Name.Text, "description": about.Description.Text, "inviteCode": about.InviteCode,
		"subscriberCount": about.SubscriberCount, "pictureUrl": nil}
	if about.Picture != nil && about.Picture.URL != "" {
		shown["pictureUrl"] = about.Picture.URL
	}
	return shown
}

func (l *link) channel(ctx context.Context, arguments json.RawMessage) (*types.NewsletterMetadata, error) {
	var given struct {
		Newsletter string `json:"newsletter"`
		InviteCode string `json:"inviteCode"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	var found *types.NewsletterMetadata
	var err error
	if given.InviteCode != "" {
		found, err = l.client.GetNewsletterInfoWithInvite(ctx, given.InviteCode)
	} else {
		var jid types.JID
		if jid, err = chatIn(given.Newsletter); err != nil {
			return nil, err
		}
		found, err = l.client.GetNewsletterInfo(ctx, jid)
	}
	if err != nil || found == nil {
		return nil, host.Fail("notFound", "Newsletter not found")
	}
	return found, nil
}

func channelInfo(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	found, err := l.channel(ctx, arguments)
	if err != nil {
		return nil, err
	}
	return channelShown(found), nil
}

func follow(change func(*whatsmeow.Client, context.Context, types.JID) error) operation {
	return func(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
		found, err := l.channel(ctx, arguments)
		if err != nil {
			return nil, err
		}
		if err = change(l.client, ctx, found.ID); err != nil {
			return nil, host.Fail("internal", "WhatsApp refused it")
		}
		return channelShown(found), nil
	}
}

func listChannels(l *link, ctx context.Context, _ json.RawMessage) (any, error) {
	found, err := l.client.GetSubscribedNewsletters(ctx)
	if err != nil {
		return nil, host.Fail("internal", "WhatsApp does not say")
	}
	all := []Object{}
	for _, channel := range found {
		all = append(all, channelShown(channel))
	}
	return Object{"channels": all}, nil
}

func createChannel(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	var given struct {
		Name        string  `json:"name"`
		Description string  `json:"description"`
		Image       *string `json:"image"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	params := whatsmeow.CreateNewsletterParams{Name: given.Name, Description: given.Description}
	if given.Image != nil {
		picture, err := base64.StdEncoding.DecodeString(*given.Image)
		if err != nil {
			return nil, host.Fail("invalid", "Invalid picture")
		}
		params.Picture = picture
	}
	if err := l.client.AcceptTOSNotice(ctx, channelTerms, agreed); err != nil {
		return nil, host.Fail("internal", "WhatsApp refused it")
	}
	made, err := l.client.CreateNewsletter(ctx, params)
	if err != nil {
		return nil, host.Fail("internal", "WhatsApp refused it")
	}
	return channelShown(made), nil
}
