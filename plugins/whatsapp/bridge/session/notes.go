package session

import (
	"go.mau.fi/whatsmeow/types/events"
)

// note what no client is told of, but an operator may ask about.
func (l *link) note(evt any) {
	h, about := l.s.bridge.Host, Object{"instance": l.s.id.Value}
	switch evt := evt.(type) {
	case *events.OfflineSyncPreview:
		about["total"], about["messages"] = evt.Total, evt.Messages
		h.Log("debug", "WhatsApp announces what has waited", about)
		h.Count("offline_announced")
	case *events.OfflineSyncCompleted:
		about["total"] = evt.Count
		h.Log("debug", "WhatsApp has sent what has waited", about)
		h.Count("offline_completed")
	case *events.AppStateSyncComplete:
		about["collection"] = string(evt.Name)
		h.Log("debug", "What phones share was read", about)
		h.Count("app_state_read")
	case *events.AppStateSyncError:
		about["collection"] = string(evt.Name)
		h.Log("info", "What phones share was not read", about)
		h.Count("app_state_unreadable")
	case *events.GroupInfo:
		l.noteUnknown(evt)
	}
}

// noteUnknown changes of a group, by the words that WhatsApp has for them.
func (l *link) noteUnknown(evt *events.GroupInfo) {
	for _, change := range evt.UnknownChanges {
		l.s.bridge.Host.Log("info", "A group was changed in an unknown way",
			Object{"instance": l.s.id.Value, "change": masked(change.Tag)})
		l.s.bridge.Host.Count("changes_unknown")
	}
}
