package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"pombo/bridge/host"
	"pombo/bridge/state"
)

const (
	shortestPause, longestPause = time.Second, 5 * time.Minute
	mostTimeouts                = 3 // of pings in a row
	// What ends in a bug is asked for again so often in a row and no more: what waits behind it would never come.
	mostForBugs = 3
)

var errNoToken = errors.New("there is no token that could be renewed")

// link is a client of WhatsApp's and what it needs, from when it is opened until it has ended.
type link struct {
	s        *Session
	state    *state.State
	client   *whatsmeow.Client
	http     *http.Client
	hand     hand
	patches  patches
	request  host.LinkRequest
	whatsapp whatsapp
	asked    atomic.Bool // by a client who waits for it: a first failure is the last

	ctx    context.Context // ends with the link
	cancel context.CancelFunc
	done   chan struct{} // closed when all is closed
	lost   chan bool     // the connection; true: to be opened again at once
	silent atomic.Bool   // nothing more is told of it

	paired     context.Context // ends when it is told that a phone has linked it, and with the link
	tellPaired context.CancelFunc

	version  atomic.Pointer[store.WAVersionContainer] // that it was last opened with
	pairing  atomic.Bool
	codes    atomic.Int32              // what has become of them
	scanner  atomic.Pointer[types.JID] // of one of them: a phone, by the device that it makes of us
	lots     atomic.Int64              // of codes that have come while it is
	rejoined atomic.Bool               // with what pairing has made
	over     atomic.Bool               // its end has been told, or is about to be
	void     atomic.Bool               // and what is kept of it is to be wiped
	clearing sync.Once
	failures atomic.Int64              // to connect, in a row
	refused  atomic.Int64              // connections in a row that brought what could not be accepted
	asking   atomic.Bool               // for that, by another one
	dialling sync.Mutex                // held by whoever opens another connection, or gives this one up
	dialled  atomic.Int64              // which connection this one is
	login    atomic.Pointer[login]     // the last one
	settling atomic.Bool               // it will be, in a while
	heard    atomic.Pointer[time.Time] // what has waited for the connection, by then; nil: there is none
	picture  atomic.Pointer[string]    // its URL; nil: there is none

	people       people
	sends        sends
	unread       unreadables
	rejected     recentIDs
	retries      mediaRetries
	found        foundNumbers
	history      sync.Mutex  // held by whoever reads it
	historyWaits atomic.Bool // it is read again in a while
	sharing      sync.Mutex  // and by whoever changes what phones share
	telling      turns       // or tells of it

	mutex    sync.Mutex // guards it
	settings state.Settings
}

func newLink(s *Session, opened *state.State, device *store.Device, request host.LinkRequest,
	isNew bool) (*link, error) {
	settings, err := opened.Settings(context.Background())
	if err != nil {
		return nil, host.Fail("internal", "the settings cannot be read")
	}
	dialler, err := s.bridge.Network.NewClient(request.Proxy, s.bridge.Host.RequireAllowedProxy)
	if err != nil {
		return nil, host.Fail("invalid", "%v", err)
	}
	l := &link{s: s, state: opened, http: dialler, request: request, settings: settings,
		done: make(chan struct{}), lost: make(chan bool, 4)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.paired, l.tellPaired = context.WithCancel(l.ctx)
	l.pairing.Store(isNew)
	l.asked.Store(isNew)
	l.client = l.newClient(device)
	l.hand, l.whatsapp = l.client.SendMessage, l.client
	l.patches = l.client.DangerousInternals().FetchAppStatePatches
	l.people = people{link: l}
	if err = l.loadUnreadables(); err != nil {
		l.cancel()
		return nil, host.Fail("internal", "the session cannot be read")
	}
	var url *string
	if err = opened.FindFact(l.ctx, pictureFact, &url); err == nil {
		l.picture.Store(url)
	}
	return l, nil
}

func (l *link) newClient(device *store.Device) *whatsmeow.Client {
	client := whatsmeow.NewClient(device, warnings{l.s.bridge.Host})
	// A message is acknowledged when its handler has said so, and outlives a crash until then.
	client.SynchronousAck = true
	client.EnableDecryptedEventBuffer = true
	client.UseRetryMessageStore = true
	client.AutomaticMessageRerequestFromPhone = true
	// Reconnecting is ours: with a pause that is never the same for all.
	client.EnableAutoReconnect = false
	client.DisableLoginAutoReconnect = true
	// The library would acknowledge what is announced before it has read it.
	client.ManualHistorySyncDownload = true
	client.DisableManualHistorySyncReceipt = true
	client.BackgroundEventCtx = l.ctx
	client.GetClientPayload = l.payloadOf(device)
	// The library calls it, unseen, when WhatsApp refuses a login by 413 or 414.
	client.RefreshCAT = func(context.Context) error { return errNoToken }
	client.PrePairCallback = func(phone types.JID, _, _ string) bool { return l.beginPairing(phone) }
	client.SetForceActiveDeliveryReceipts(true)
	client.SetPreLoginHTTPClient(l.http)
	client.SetWebsocketHTTPClient(l.http)
	client.SetMediaHTTPClient(l.http)
	client.AddEventHandlerWithSuccessStatus(l.handle)
	return client
}

func (l *link) isPairing() bool { return l.pairing.Load() }

// reopen the connection, if it is not being opened already.
func (l *link) reopen(atOnce bool) {
	select {
	case l.lost <- atOnce:
	default:
	}
}

func (l *link) up() {
	now := l.now()
	until := now.Add(heardWithin)
	l.heard.CompareAndSwap(nil, &until) // it may all be here before the library says that it is connected
}

// caughtUp with what has waited for the connection, and all of that is handled.
func (l *link) caughtUp() {
	now := l.now()
	l.heard.Store(&now)
	if !l.asking.Load() {
		l.refused.Store(0)
		l.failures.Store(0)
	}
}

// askAgain for what could not be accepted of that connection: WhatsApp sends it with the next one, which is opened after
// a pause that grows until all has been accepted. A handler may outlive its connection by minutes: then there is a
// next one already, and it has come with that as well.
func (l *link) askAgain(of int64) {
	l.dialling.Lock()
	defer l.dialling.Unlock()
	if l.ctx.Err() == nil && l.dialled.Load() == of && l.asking.CompareAndSwap(false, true) {
		l.refused.Add(1)
		l.whatsapp.ResetConnection()
	}
}

func (l *link) now() time.Time { return l.s.bridge.clock.now() }

func (l *link) tell(data Object) { l.s.news.tell(l.s, l, data) }

// run keeps it connected until it ends.
func (l *link) run() {
	defer l.end()
	for l.ctx.Err() == nil {
		err := l.dial()
		if l.ctx.Err() != nil {
			return
		}
		var atOnce bool
		switch {
		case err != nil && !l.mayTryAgain(err):
			l.tell(Object{"state": "connect_failure", "code": 0, "reason": reasonOf(err)})
			return
		case err != nil && l.failures.Load() == 0:
			l.tell(Object{"state": "disconnected", "reason": "closed", "reconnecting": true})
		case err == nil:
			select {
			case atOnce = <-l.lost:
			case <-l.ctx.Done():
				return
			}
		}
		if !atOnce && !l.rest() {
			return
		}
	}
}

func (l *link) dial() error {
	if l.isAnswering() {
		return nil // by the connection that there is; another one follows
	}
	l.loggedIn() // the attempt before is over
	login, err := l.s.bridge.beginLogin(l.ctx)
	if err != nil {
		return err
	}
	l.login.Store(login)
	if !l.replaceCodes() { // a phone has scanned one, while others logged in
		l.loggedIn()
		return nil
	}
	l.s.bridge.clock.after(longestLogin, login.end) // a proxy may take its time for nothing
	l.forgetConnection()
	state.Guard(l.client.Store)
	if err = l.whatsapp.ConnectContext(l.ctx); err != nil {
		l.loggedIn()
		return err
	}
	return nil
}

// forgetConnection that there was, and whatever is still to come of it.
func (l *link) forgetConnection() {
	l.dialling.Lock()
	defer l.dialling.Unlock()
	l.client.Disconnect()
	l.dialled.Add(1)
	l.heard.Store(nil)
	l.asking.Store(false)
	for len(l.lost) > 0 {
		<-l.lost // of the connection that is gone
	}
}

// loggedIn, or refused: others may log in.
func (l *link) loggedIn() {
	if login := l.login.Load(); login != nil {
		login.end()
	}
}

// rest before the next attempt; false when there is none.
func (l *link) rest() bool {
	select {
	case <-time.After(pauseAfter(l.failures.Add(1))):
		return true
	case <-l.ctx.Done():
		return false
	}
}

// pauseAfter so many failures in a row: from 1 s to 5 min, and a fifth more or less.
func pauseAfter(failures int64) time.Duration {
	pause := shortestPause << min(failures-1, 20)
	pause = min(pause, longestPause)
	return time.Duration(float64(pause) * (0.8 + 0.4*rand.Float64()))
}

func (l *link) end() {
	l.cancel()
	l.client.Disconnect()
	if !l.isPairing() {
		l.s.know(l.profile())
	}
	l.loggedIn()
	l.sends.wait()
	l.http.CloseIdleConnections()
	l.state.Close()
	close(l.done)
	l.s.drop(l)
}

// finish it from within: whoever calls may be a part of what has to end first.
func (l *link) finish(data Object) {
	l.giveUpCodes()
	l.over.Store(true)
	l.s.news.tellThen(l.s, l, data, l.cancel)
}

// isReady to be asked of WhatsApp.
func (l *link) isReady() bool { return !l.over.Load() && l.client.IsLoggedIn() }

// unlinked by the other side: what was kept is of no use any more, and is gone before anybody opens
// it again.
func (l *link) unlinked(data Object) {
	l.over.Store(true)
	l.void.Store(true)
	l.s.news.tellThen(l.s, l, data, func() {
		l.cancel()
		<-l.done
		l.s.turn.Lock()
		defer l.s.turn.Unlock()
		if l.s.current() == l { // what is kept may be another link's by now
			l.clear()
		}
	})
}

// clear what is kept of a link that is void and has ended, once. The turn is held.
func (l *link) clear() {
	l.clearing.Do(func() {
		if err := l.s.wipe(context.Background()); err != nil {
			l.s.bridge.Host.Log("error", "A session was not wiped", Object{"instance": l.s.id.Value})
		}
		l.void.Store(false)
		l.s.drop(l)
	})
}

func (l *link) wishes() state.Settings {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.settings
}

func (l *link) apply(ctx context.Context, settings state.Settings) error {
	if err := l.state.KeepSettings(ctx, settings); err != nil {
		return host.Fail("internal", "the settings cannot be kept")
	}
	l.mutex.Lock()
	was := l.settings
	l.settings = settings
	l.mutex.Unlock()
	if was.KeepOnlineStatus != settings.KeepOnlineStatus && l.isReady() {
		l.showPresence()
	}
	return nil
}

// showPresence fails while WhatsApp has not told us our name yet; it does again when it has.
func (l *link) showPresence() {
	presence := types.PresenceUnavailable
	if l.wishes().KeepOnlineStatus {
		presence = types.PresenceAvailable
	}
	l.client.SendPresence(l.ctx, presence)
}
