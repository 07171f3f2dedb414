package session

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"pombo/bridge/convert"
	"pombo/bridge/host"
)

var (
	errUnsupported  = host.Fail("unsupported", "Not supported by the whatsapp connector")
	errNotConnected = host.Fail("unavailable", "Instance is not connected to WhatsApp")
)

type operation func(*link, context.Context, json.RawMessage) (any, error)

var operations = map[string]operation{
	"number.find":    findNumber,
	"number.findAll": findNumbers,

	"chat.presence":     showTyping,
	"chat.markRead":     markRead,
	"chat.block":        block,
	"chat.archive":      archive,
	"chat.pin":          pin,
	"chat.mute":         mute,
	"chat.markChatRead": markChatRead,
	"chat.deleteChat":   deleteChat,
	"chat.delete":       deleteMessage,

	"chat.favorite": star,
	"label.create":  editLabel(false),
	"label.delete":  editLabel(true),
	"label.chat":    labelChat,
	"label.list":    listLabels,

	"group.create":       createGroup,
	"group.list":         listGroups,
	"group.info":         groupInfo,
	"group.update":       updateGroup,
	"group.participants": changeMembers,
	"group.join":         joinGroup,
	"group.resetLink":    resetLink,
	"group.requests":     listRequests,
	"group.leave":        leaveGroup,

	"community.create":        createCommunity,
	"community.link":          linkGroups((*whatsmeow.Client).LinkGroup),
	"community.unlink":        linkGroups((*whatsmeow.Client).UnlinkGroup),
	"community.listSubGroups": listSubGroups,

	"newsletter.create": createChannel,
	"newsletter.list":   listChannels,
	"newsletter.info":   channelInfo,
	"newsletter.join":   follow((*whatsmeow.Client).FollowNewsletter),
	"newsletter.leave":  follow((*whatsmeow.Client).UnfollowNewsletter),

	"profile.getAccount": account,
	"profile.account":    changeAccount,
	"profile.getPrivacy": privacy,
	"profile.privacy":    changePrivacy,
}

// Perform what docs/connectors.md names.
func (s *Session) Perform(ctx context.Context, name string, arguments json.RawMessage,
	files []*os.File) (any, error) {
	if name == "settings.apply" {
		return Object{}, s.Apply(ctx, arguments)
	}
	known, is := operations[name]
	_, sends := builders[name]
	if !is && !sends {
		return nil, errUnsupported
	}
	l := s.current()
	if l == nil || !l.isReady() {
		return nil, errNotConnected
	}
	if is {
		return known(l, ctx, arguments)
	}
	return l.send(ctx, name, arguments, files)
}

// found numbers are not asked for again, for a day.
type foundNumbers struct {
	mutex sync.Mutex // guards it
	known map[string]foundNumber
}

type foundNumber struct {
	jid   types.JID
	until time.Time
}

const foundFor, mostFound = 24 * time.Hour, 100_000

func (f *foundNumbers) get(number string) types.JID {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if found, is := f.known[number]; is && time.Now().Before(found.until) {
		return found.jid
	}
	return types.EmptyJID
}

func (f *foundNumbers) put(number string, jid types.JID) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.known == nil || len(f.known) >= mostFound {
		f.known = map[string]foundNumber{}
	}
	f.known[number] = foundNumber{jid, time.Now().Add(foundFor)}
}

// find who is registered, of each person the first of the numbers that are tried. Empty: nobody.
func (l *link) find(ctx context.Context, people [][]string) ([]types.JID, error) {
	var asked []string
	for _, numbers := range people {
		if l.foundAmong(numbers).IsEmpty() {
			for _, number := range numbers {
				asked = append(asked, "+"+number)
			}
		}
	}
	if len(asked) > 0 {
		answers, err := l.client.IsOnWhatsApp(ctx, asked)
		if err != nil {
			return nil, host.Fail("timedOut", "Timed out waiting for WhatsApp")
		}
		for _, each := range answers {
			if !each.IsIn {
				continue
			}
			jid := convert.AddressOf(ctx, &l.people, each.JID, each.PhoneNumber).JID
			l.found.put(strings.TrimPrefix(each.Query, "+"), jid)
		}
	}
	all := make([]types.JID, len(people))
	for i, numbers := range people {
		all[i] = l.foundAmong(numbers)
	}
	return all, nil
}

func (l *link) foundAmong(numbers []string) types.JID {
	for _, number := range numbers {
		if jid := l.found.get(number); !jid.IsEmpty() {
			return jid
		}
	}
	return types.EmptyJID
}

func findNumber(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	var given struct {
		Numbers []string `json:"numbers"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	found, err := l.find(ctx, [][]string{given.Numbers})
	if err != nil {
		return nil, err
	}
	if found[0].IsEmpty() {
		return nil, host.Fail("invalid", "Number is not registered on WhatsApp")
	}
	return Object{"jid": found[0].String()}, nil
}

func findNumbers(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	var given struct {
		People [][]string `json:"people"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	found, err := l.find(ctx, given.People)
	if err != nil {
		return nil, err
	}
	jids := make([]any, len(found))
	for i, jid := range found {
		if !jid.IsEmpty() {
			jids[i] = jid.String()
		}
	}
	return Object{"jids": jids}, nil
}

func chatIn(text string) (types.JID, error) {
	jid, err := types.ParseJID(text)
	if err != nil || text == "" {
		return jid, host.Fail("invalid", "Invalid chat")
	}
	return jid.ToNonAD(), nil
}

// showTyping, or speaking, or neither; it is taken back by itself.
func showTyping(l *link, _ context.Context, arguments json.RawMessage) (any, error) {
	var given struct {
		Chat     string `json:"chat"`
		State    string `json:"state"`
		Duration int    `json:"duration"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	chat, err := chatIn(given.Chat)
	if err != nil {
		return nil, err
	}
	state, media := types.ChatPresenceComposing, types.ChatPresenceMediaText
	switch given.State {
	case "recording":
		media = types.ChatPresenceMediaAudio
	case "paused":
		state = types.ChatPresencePaused
	}
	if err = l.client.SendChatPresence(l.ctx, chat, state, media); err != nil {
		return nil, host.Fail("internal", "it could not be shown")
	}
	if given.Duration > 0 && state == types.ChatPresenceComposing {
		time.AfterFunc(time.Duration(given.Duration)*time.Second, func() {
			l.client.SendChatPresence(l.ctx, chat, types.ChatPresencePaused, types.ChatPresenceMediaText)
		})
	}
	return nil, nil
}

func markRead(l *link, ctx context.Context, arguments json.RawMessage) (any, error) {
	var given struct {
		Chat      string `json:"chat"`
		MessageID string `json:"messageId"`
		Sender    string `json:"sender"`
	}
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	chat, err := chatIn(given.Chat)
	if err != nil {
		return nil, err
	}
	sender := chat
	if given.Sender != "" {
		if sender, err = chatIn(given.Sender); err != nil {
			return nil, err
		}
		sender = l.member(ctx, chat, sender)
	}
	return nil, l.markRead(ctx, chat, sender, given.MessageID)
}

// markRead and tell of it.
func (l *link) markRead(ctx context.Context, chat, sender types.JID, id string) error {
	at := l.now()
	if err := l.whatsapp.MarkRead(l.ctx, []types.MessageID{id}, at, chat, sender); err != nil {
		return host.Fail("internal", "it could not be marked")
	}
	if l.isIgnored(chat) {
		return nil
	}
	data, of := convert.ReadOf(ctx, &l.people, chat, sender, id, at)
	told := make(chan bool, 1)
	go func() { told <- l.publishBeside(l.event("message.status", of, data, "")) }() // whoever still waits
	select {
	case is := <-told:
		if is {
			return nil
		}
	case <-ctx.Done():
	}
	return host.Fail("timedOut", "The message was marked, and cannot be told of yet")
}
