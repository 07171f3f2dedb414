package session

import (
	"context"
	"net/http"
	"sync"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/store"
)

const versionWait = 30 * time.Second

// versions of WhatsApp Web are of the whole process: the library has one for all of its clients.
type versions struct {
	mutex sync.RWMutex // guards the library's
	asked sync.Mutex   // one session asks for all
}

// written by the library, with the version that it was written with.
func (v *versions) written(payload func() *waWa6.ClientPayload) (*waWa6.ClientPayload, store.WAVersionContainer) {
	v.mutex.RLock()
	defer v.mutex.RUnlock()
	return payload(), store.GetWAVersion()
}

// renewed since WhatsApp has refused the old one: by somebody else, or now, by what WhatsApp itself
// serves to browsers.
func (v *versions) renewed(ctx context.Context, client *http.Client, old store.WAVersionContainer) bool {
	v.asked.Lock()
	defer v.asked.Unlock()
	if old.LessThan(store.GetWAVersion()) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, versionWait)
	defer cancel()
	latest, err := whatsmeow.GetLatestVersion(ctx, client)
	if err != nil || !old.LessThan(*latest) {
		return false
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	store.SetWAVersion(*latest)
	return true
}

// outdated is told; with a newer version it is tried once more.
func (l *link) outdated() {
	data := Object{"state": "client_outdated"}
	if !l.s.bridge.versions.renewed(l.ctx, l.http, *l.version.Load()) {
		l.finish(data)
		return
	}
	l.s.bridge.Host.Count("versions_renewed")
	l.s.news.tellThen(l.s, l, data, func() { l.reopen(true) })
}
