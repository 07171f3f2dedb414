package session

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/types"
)

// scripted is a WhatsApp that answers what it was told to, and knows what it was asked.
type scripted struct {
	mutex   sync.Mutex // guards all below
	group   *types.GroupInfo
	picture *types.ProfilePictureInfo
	failure error // of whatever is asked
	asked   []string
	shared  []appstate.PatchInfo

	looked  chan struct{} // for each look at a picture
	wanted  func()        // what the phone does when it is asked for a file
	dialled func()        // what happens meanwhile
	named   func()        // and while a group's name is asked for
}

func (w *scripted) answer(what string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.asked = append(w.asked, what)
	return w.failure
}

func (w *scripted) set(failure error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.failure = failure
}

func (w *scripted) requests() []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return append([]string{}, w.asked...)
}

func (w *scripted) ConnectContext(context.Context) error {
	if w.dialled != nil {
		w.dialled()
	}
	return w.answer("connect")
}

func (w *scripted) GetGroupInfo(context.Context, types.JID) (*types.GroupInfo, error) {
	if w.named != nil {
		w.named()
	}
	if err := w.answer("group"); err != nil || w.group == nil {
		return nil, errRefused
	}
	return w.group, nil
}

func (w *scripted) GetProfilePictureInfo(context.Context, types.JID, *whatsmeow.GetProfilePictureParams) (
	*types.ProfilePictureInfo, error) {
	if w.looked != nil {
		defer func() { w.looked <- struct{}{} }()
	}
	return w.picture, w.answer("picture")
}

func (w *scripted) MarkRead(_ context.Context, ids []types.MessageID, _ time.Time, chat, sender types.JID,
	_ ...types.ReceiptType) error {
	return w.answer("read " + ids[0] + " of " + sender.String() + " in " + chat.String())
}

func (w *scripted) RejectCall(_ context.Context, from types.JID, id string) error {
	return w.answer("reject " + id + " of " + from.String())
}

func (w *scripted) FetchAppState(_ context.Context, name appstate.WAPatchName, _, _ bool) error {
	return w.answer("fetch " + string(name))
}

func (w *scripted) SendAppState(_ context.Context, patch appstate.PatchInfo) error {
	err := w.answer("share")
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.shared = append(w.shared, patch)
	return err
}

func (w *scripted) SendMediaRetryReceipt(_ context.Context, message *types.MessageInfo, _ []byte) error {
	defer func() {
		if w.wanted != nil {
			w.wanted()
		}
	}()
	return w.answer("media of " + message.ID + " in " + message.Chat.String())
}

func (w *scripted) ResetConnection() { w.answer("reset") }

var errRefused = errors.New("no")

// await an event that fits, from the first on.
func (w *world) await(kind string, fits func(Object) bool) Object {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for {
		for _, each := range w.events {
			if data := each.Data.(Object); each.Type == kind && fits(data) {
				return data
			}
		}
		w.changed.Wait()
	}
}

func (w *world) awaitState(state string) Object {
	return w.await("instance.state", func(data Object) bool { return data["state"] == state })
}

// of a kind, all that was told until now.
func (w *world) of(kind string) (all []Object) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, each := range w.events {
		if each.Type == kind {
			all = append(all, each.Data.(Object))
		}
	}
	return all
}
