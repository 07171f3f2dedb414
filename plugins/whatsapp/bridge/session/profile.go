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
	profile := profileOf(device.PushName, device.BusinessName, l.picture.Load())
	profile.Available = l.isReady() && l.wishes().KeepOnlineStatus
	return profile
}

func profileOf(name, business string, picture *string) host.Profile {
	profile := host.Profile{IsBusiness: business != "", BusinessName: business, PictureURL: picture}
	if name != "" {
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

// Profile is what is known already: of an instance without a link, what was, or what is kept of it.
func (s *Session) Profile(ctx context.Context) host.Profile {
	if l := s.current(); l != nil && !l.isPairing() {
		return l.profile()
	}
	if known := s.knownProfile(); known != nil {
		return *known
	}
	kept, err := s.keptProfile(ctx)
	if err != nil {
		return host.Profile{} // and the next one looks again
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.known == nil { // nothing has become known meanwhile
		s.known = &kept
	}
	return *s.known
}

func (s *Session) knownProfile() *host.Profile {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.known
}

// keptProfile is of a link of another process.
func (s *Session) keptProfile(ctx context.Context) (host.Profile, error) {
	kept, err := s.bridge.peeked(ctx, s.id)
	if err != nil {
		return host.Profile{}, err
	}
	defer kept.Close()
	name, business, err := kept.Names(ctx)
	var picture *string
	if err == nil {
		err = kept.FindFact(ctx, pictureFact, &picture)
	}
	return profileOf(name, business, picture), err
}

// know who the instance is, from now on without a link.
func (s *Session) know(profile host.Profile) {
	profile.Available = false
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.known = &profile
}
