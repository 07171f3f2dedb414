package session

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/convert"
)

const mostRecent = 1000

// What was offered longer ago is over: it has waited for a connection.
const ringsFor = time.Minute

// recentIDs are of what is done once however often it is heard of: calls to be rejected, messages to be told of.
type recentIDs struct {
	mutex sync.Mutex // guards it
	ids   []string   // oldest first
}

// begin is false for what has begun already.
func (r *recentIDs) begin(id string) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if slices.Contains(r.ids, id) {
		return false
	}
	if len(r.ids) == mostRecent {
		r.ids = slices.Delete(r.ids, 0, 1)
	}
	r.ids = append(r.ids, id)
	return true
}

func (r *recentIDs) has(id string) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return slices.Contains(r.ids, id)
}

// fail lets whatever is heard of next try again.
func (r *recentIDs) fail(id string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.ids = slices.DeleteFunc(r.ids, func(each string) bool { return each == id })
}

func (l *link) call(evt any) bool {
	if !l.publish("call.update", "", convert.CallOf(l.ctx, &l.people, evt), "") {
		return false
	}
	var meta types.BasicCallMeta
	switch evt := evt.(type) {
	case *events.CallOffer:
		meta = evt.BasicCallMeta
	case *events.CallOfferNotice: // of a group's call, for one
		meta = evt.BasicCallMeta
	default:
		return true
	}
	rings := l.now().Sub(meta.Timestamp) < ringsFor
	if rings && l.wishes().AutoRejectCalls && l.rejected.begin(meta.CallID) {
		go l.guarded(func() { l.reject(meta) })
	}
	return true
}

// reject a call, tell of it, and send the caller what the instance has to say.
func (l *link) reject(meta types.BasicCallMeta) {
	caller, other := callerOf(meta)
	if err := l.whatsapp.RejectCall(l.ctx, caller, meta.CallID); err != nil {
		l.rejected.fail(meta.CallID)
		l.s.bridge.Host.Log("warn", "A call was not rejected", Object{"instance": l.s.id.Value})
		return
	}
	if !l.publishBeside(l.event("call.update", "", convert.RejectedOf(l.ctx, &l.people, meta), "")) {
		return
	}
	if text := l.wishes().CallRejectMessage; text != "" {
		chat := convert.AddressOf(l.ctx, &l.people, caller, other).JID
		// Once for each call, however often it is offered.
		id := "3EB0" + hexOf("call "+meta.CallID, 9)
		arguments := `{"chat":` + strconv.Quote(chat.String()) + `,"id":"` + id + `","source":"",` +
			`"message":` + quoted(text) + `}`
		if _, err := l.send(l.ctx, "message.text", []byte(arguments), nil); err != nil {
			l.s.bridge.Host.Log("warn", "A caller was not told why", Object{"instance": l.s.id.Value})
		}
	}
}

// callerOf a call, by both addresses: a group's own comes from the group.
func callerOf(meta types.BasicCallMeta) (caller, other types.JID) {
	switch {
	case meta.From.Server != types.DefaultUserServer && meta.From.Server != types.HiddenUserServer:
		return meta.CallCreator, meta.CallCreatorAlt
	case meta.From.User == meta.CallCreator.User:
		return meta.From, meta.CallCreatorAlt
	}
	return meta.From, types.EmptyJID
}
