package session

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/types"

	"pombo/bridge/convert"
)

const (
	groupNameWait = 5 * time.Second
	// So many messages of ours are remembered, for the order of their ids.
	mostRemembered = 4096
)

// people is convert.Directory of a link.
type people struct {
	link *link

	mutex  sync.Mutex // guards all below
	groups map[types.JID]string
	order  map[string]int
	count  int
}

func (p *people) Other(ctx context.Context, jid types.JID) types.JID {
	other, err := p.link.client.Store.GetAltJID(ctx, jid)
	if err != nil {
		return types.EmptyJID
	}
	return other
}

func (p *people) Name(ctx context.Context, jid types.JID) string {
	contact, err := p.link.client.Store.Contacts.GetContact(ctx, jid)
	if err != nil || !contact.Found {
		return ""
	}
	for _, name := range []string{contact.PushName, contact.FullName, contact.BusinessName} {
		if name != "" {
			return name
		}
	}
	return ""
}

// GroupName is asked for once; until WhatsApp has said it there is none.
func (p *people) GroupName(ctx context.Context, jid types.JID) string {
	p.mutex.Lock()
	name, known := p.groups[jid]
	p.mutex.Unlock()
	if known {
		return name
	}
	limited, cancel := context.WithTimeout(ctx, groupNameWait)
	defer cancel()
	if group, err := p.link.client.GetGroupInfo(limited, jid); err == nil {
		name = group.Name
	}
	p.rename(jid, name)
	return name
}

func (p *people) rename(group types.JID, name string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.groups == nil {
		p.groups = map[types.JID]string{}
	}
	p.groups[group] = name
}

func (p *people) Poll(ctx context.Context, id string) (string, []string) {
	poll, err := p.link.state.FindPoll(ctx, id)
	if err != nil {
		return "", nil
	}
	return poll.Title, poll.Options
}

func (p *people) Self() convert.Self {
	device := p.link.client.Store
	return convert.Self{JID: device.GetJID().ToNonAD(), LID: device.GetLID().ToNonAD(),
		Name: device.PushName}
}

// remember that this was sent after all others.
func (p *people) remember(id string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.order == nil || len(p.order) >= mostRemembered {
		p.order = map[string]int{}
	}
	p.count++
	p.order[id] = p.count
}

func (p *people) OldestFirst(ids []string) []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	sorted := slices.Clone(ids)
	slices.SortStableFunc(sorted, func(a, b string) int { return p.order[a] - p.order[b] })
	return sorted
}

func lidOrNull(lid types.JID) any {
	if lid.IsEmpty() {
		return nil
	}
	return lid.ToNonAD().String()
}
