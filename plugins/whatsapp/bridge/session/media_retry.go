package session

import (
	"context"
	"errors"
	"slices"
	"sync"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waMmsRetry"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"pombo/bridge/convert"
	"pombo/bridge/host"
)

// mediaRetry is a file that the phone is asked to upload once more.
type mediaRetry struct {
	key    []byte // of the file
	info   types.MessageInfo
	answer chan uploaded // has room for one
}

type uploaded struct {
	path string
	err  error
}

// mediaRetries that are waited for. Each sends a request of its own, since one may be lost with its connection;
// whatever is answered first is for all who wait for that file.
type mediaRetries struct {
	mutex   sync.Mutex // guards it
	waiting []*mediaRetry
}

func (r *mediaRetries) add(one *mediaRetry) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.waiting = append(r.waiting, one)
}

func (r *mediaRetries) drop(one *mediaRetry) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.waiting = slices.DeleteFunc(r.waiting, func(each *mediaRetry) bool { return each == one })
}

func (r *mediaRetries) settle(isIts func(*mediaRetry) (uploaded, bool)) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.waiting = slices.DeleteFunc(r.waiting, func(each *mediaRetry) bool {
		told, is := isIts(each)
		if is {
			each.answer <- told
		}
		return is
	})
}

func newMediaRetry(key convert.MediaKey) (*mediaRetry, error) {
	chat, err := types.ParseJID(key.Chat)
	if err != nil {
		return nil, err
	}
	sender, err := types.ParseJID(key.Sender)
	if err != nil {
		return nil, err
	}
	return &mediaRetry{key: key.Key, answer: make(chan uploaded, 1),
		info: types.MessageInfo{ID: key.ID, MessageSource: types.MessageSource{Chat: chat, Sender: sender,
			IsFromMe: key.FromMe, IsGroup: key.IsGroup}}}, nil
}

// askPhone of the instance for a file; where it lies then.
func (l *link) askPhone(ctx context.Context, key convert.MediaKey) (string, error) {
	ctx, cancel := l.within(ctx)
	defer cancel()
	one, err := newMediaRetry(key)
	if err != nil {
		return "", err
	}
	l.retries.add(one)
	defer l.retries.drop(one)
	if err = l.whatsapp.SendMediaRetryReceipt(ctx, &one.info, key.Key); err != nil {
		return "", err
	}
	select {
	case told := <-one.answer:
		return told.path, told.err
	case <-ctx.Done():
		return "", host.Fail("timedOut", "Media was not uploaded again")
	}
}

// uploadedAgain, or not, for whoever waits for that file.
func (l *link) uploadedAgain(evt *events.MediaRetry) {
	l.retries.settle(func(one *mediaRetry) (uploaded, bool) {
		if one.info.ID != evt.MessageID {
			return uploaded{}, false
		}
		found, err := whatsmeow.DecryptMediaRetryNotification(evt, one.key)
		switch {
		case evt.Ciphertext == nil:
			return uploaded{err: gone(errors.Is(err, whatsmeow.ErrMediaNotAvailableOnPhone))}, l.isOf(one, evt)
		case err != nil:
			return uploaded{}, false // another file's, which another chat has sent under that id
		case found.GetResult() != waMmsRetry.MediaRetryNotification_SUCCESS:
			return uploaded{err: gone(found.GetResult() == waMmsRetry.MediaRetryNotification_NOT_FOUND)}, true
		}
		return uploaded{path: found.GetDirectPath()}, true
	})
}

// isOf the message, by which an answer goes that is not sealed.
func (l *link) isOf(one *mediaRetry, evt *events.MediaRetry) bool {
	isBy := evt.SenderID.IsEmpty() || l.isSame(one.info.Sender, evt.SenderID)
	return isBy && one.info.IsFromMe == evt.FromMe && l.isSame(one.info.Chat, evt.ChatID)
}

// isSame user in either form, or chat.
func (l *link) isSame(a, b types.JID) bool {
	a, b = a.ToNonAD(), b.ToNonAD()
	return a == b || l.people.Other(l.ctx, a).ToNonAD() == b
}

func gone(forGood bool) error {
	if forGood {
		return host.Fail("notFound", "Media not found")
	}
	return host.Fail("unavailable", "Media could not be uploaded again")
}
