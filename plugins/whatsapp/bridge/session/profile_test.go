package session

import (
	"testing"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/host"
)

func pictureOf(p host.Profile) string {
	if p.PictureURL == nil {
		return ""
	}
	return *p.PictureURL
}

func TestThePictureIsTheLastOneThatWhatsAppHasShown(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	for _, each := range []struct {
		picture *types.ProfilePictureInfo
		failure error
		wanted  string
	}{
		{nil, errRefused, ""},
		{&types.ProfilePictureInfo{URL: "https://a"}, nil, "https://a"},
		{nil, errRefused, "https://a"},
		{nil, whatsmeow.ErrProfilePictureNotSet, ""},
		{&types.ProfilePictureInfo{URL: "https://b"}, nil, "https://b"},
	} {
		w.whatsapp.picture = each.picture
		w.whatsapp.set(each.failure)
		l.lookAtPicture()
		if got := pictureOf(l.profile()); got != each.wanted {
			t.Fatalf("%q, not %q", got, each.wanted)
		}
	}
	next := w.linked(t) // of another process, that is
	if got := pictureOf(next.profile()); got != "https://b" {
		t.Fatalf("%q was kept", got)
	}
}

func TestAPictureIsLookedAtWhenItIsTheInstances(t *testing.T) {
	w := newWorld(t)
	w.device.LID = types.NewJID("815550001111", types.HiddenUserServer)
	l := w.linked(t)
	w.whatsapp.looked = make(chan struct{}, 2)
	other, _ := types.ParseJID(bob)
	for jid, wanted := range map[types.JID]bool{other: false, l.people.Self().JID: true, w.device.LID: true,
		types.EmptyJID: false} {
		if l.people.isSelf(jid) != wanted {
			t.Fatal(jid)
		}
	}
	for _, each := range []any{&events.Picture{JID: w.device.LID}, &events.Connected{}} {
		if !l.handle(each) {
			t.Fatal("it was not accepted")
		}
		<-w.whatsapp.looked
	}
}

func TestAProfileOutlivesItsLinkButNotTheSession(t *testing.T) {
	w := newWorld(t)
	w.device.PushName = "Shop"
	if err := w.session.start(t.Context(), w.opened, w.device, host.LinkRequest{}, false); err != nil {
		t.Fatal(err)
	}
	w.session.close(true)
	if known := w.session.Profile(t.Context()); known.Name == nil || *known.Name != "Shop" || known.Available {
		t.Fatal(known)
	}
	w.session.wipe(t.Context())
	if known := w.session.Profile(t.Context()); known.Name != nil {
		t.Fatal(*known.Name)
	}
}
