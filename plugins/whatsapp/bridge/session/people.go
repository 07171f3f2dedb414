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
	groupWait = 5 * time.Second
	// What WhatsApp has not said of a group it is not asked for again before that.
	groupPause = time.Minute
	// So many messages of ours are remembered, for the order of their ids.
	mostRemembered = 4096
)

// people is convert.Directory of a link.
type people struct {
	link *link

	mutex  sync.Mutex // guards all below
	groups map[types.JID]knownGroup
	order  map[string]int
	count  int
}

type knownGroup struct {
	convert.Group
	isWhole bool      // WhatsApp has said it
	again   time.Time // if not: it may be asked
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

// Group is asked for until WhatsApp has said what it is; until then it has no name, or the one that it
// was given meanwhile.
func (p *people) Group(ctx context.Context, jid types.JID) convert.Group {
	p.mutex.Lock()
	known := p.groups[jid]
	p.mutex.Unlock()
	if known.isWhole || p.link.now().Before(known.again) {
		return known.Group
	}
	limited, cancel := context.WithTimeout(ctx, groupWait)
	defer cancel()
	if info, err := p.link.whatsapp.GetGroupInfo(limited, jid); err == nil {
		return p.learn(jid, info)
	}
	return p.change(jid, func(known *knownGroup) { known.again = p.link.now().Add(groupPause) })
}

func (p *people) learn(group types.JID, info *types.GroupInfo) convert.Group {
	return p.change(group, func(known *knownGroup) {
		known.Name, known.IsCommunity, known.isWhole = info.Name, info.IsParent, true
	})
}

func (p *people) rename(group types.JID, name string) {
	p.change(group, func(known *knownGroup) { known.Name = name })
}

func (p *people) change(group types.JID, do func(*knownGroup)) convert.Group {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.groups == nil {
		p.groups = map[types.JID]knownGroup{}
	}
	known := p.groups[group]
	do(&known)
	p.groups[group] = known
	return known.Group
}

func (p *people) isSelf(jid types.JID) bool {
	self := p.Self()
	return jid.User != "" && (jid.ToNonAD() == self.JID || jid.ToNonAD() == self.LID)
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
