package session

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/whatsmeow"

	"pombo/bridge/host"
)

const (
	pictureFact = "picture"
	pictureWait = 30 * time.Second
)

func (l *link) profile() host.Profile {
	device := l.client.Store
	profile := host.Profile{IsBusiness: device.BusinessName != "", BusinessName: device.BusinessName,
		PictureURL: l.picture.Load(), Available: l.isReady() && l.wishes().KeepOnlineStatus}
	if name := device.PushName; name != "" {
		profile.Name = &name
	}
	return profile
}

// lookAtPicture of the instance itself. What was known stays so while WhatsApp does not answer.
func (l *link) lookAtPicture() {
	ctx, cancel := context.WithTimeout(l.ctx, pictureWait)
	defer cancel()
	found, err := l.whatsapp.GetProfilePictureInfo(ctx, l.people.Self().JID, nil)
	var url *string
	switch {
	case err == nil && found != nil:
		url = &found.URL
	case !errors.Is(err, whatsmeow.ErrProfilePictureNotSet):
		return
	}
	l.picture.Store(url)
	// Lost by a crash it is asked for again: it is kept for the time until then.
	l.state.KeepFact(ctx, pictureFact, url)
}

// Profile is what is known already: of an instance without a link, what was.
func (s *Session) Profile() host.Profile {
	if l := s.current(); l != nil && !l.isPairing() {
		return l.profile()
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.known
}

// know who the instance is, from now on without a link.
func (s *Session) know(profile host.Profile) {
	profile.Available = false
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.known = profile
}
