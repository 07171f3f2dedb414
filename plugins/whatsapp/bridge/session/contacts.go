package session

import (
	"pombo/bridge/convert"
	"pombo/bridge/host"
)

// contact of whom something has become known.
func (l *link) contact(evt any) bool {
	data := convert.ContactOf(l.ctx, &l.people, evt)
	return l.publish("contact.update", data["jid"].(string), data, "")
}

func (l *link) tellContacts(uint64) bool {
	known, err := l.client.Store.Contacts.GetAllContacts(l.ctx)
	if err != nil {
		return false
	}
	var all []host.Event
	for _, data := range convert.ContactsOf(l.ctx, &l.people, known) {
		all = append(all, l.event("contact.update", data["jid"].(string), data, ""))
	}
	return l.publishInParts(all)
}
