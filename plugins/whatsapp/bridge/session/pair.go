package session

import (
	"errors"
	"strings"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waCompanionReg"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"
)

const (
	firstCode, laterCode = time.Minute, 20 * time.Second
	// Longer than what the codes of one connection are good for.
	scanTime  = 3 * time.Minute
	lookEvery = 500 * time.Millisecond
	// From a scan until the gateway has heard of it; one that is away is not waited for.
	longestPairing = 5 * time.Second
)

// The only kind of name that WhatsApp takes from whoever asks for a code.
const pairingName = "Chrome (Linux)"

// payloadOf a device: how it shows itself on the phone, and how much history it asks for.
func (l *link) payloadOf(device *store.Device) func() *waWa6.ClientPayload {
	return func() *waWa6.ClientPayload {
		payload, version := l.s.bridge.versions.written(device.GetClientPayload)
		l.version.Store(&version)
		if data := payload.GetDevicePairingData(); data != nil {
			props := proto.Clone(store.DeviceProps).(*waCompanionReg.DeviceProps)
			props.Os = proto.String("Pombo")
			props.PlatformType = waCompanionReg.DeviceProps_CHROME.Enum()
			if days := l.request.HistoryDays; days != nil {
				props.RequireFullSync = proto.Bool(true)
				props.HistorySyncConfig.FullSyncDaysLimit = proto.Uint32(uint32(*days))
				props.HistorySyncConfig.RecentSyncDaysLimit = proto.Uint32(uint32(*days))
			}
			if written, err := proto.Marshal(props); err == nil {
				data.DeviceProps = written
			}
		}
		return payload
	}
}

// What has become of the codes. Whoever moves it first decides: a phone may scan one while it is given up.
const (
	codesWait        int32 = iota
	codesAreReplaced       // by those of another connection, which have not come yet
	codeIsScanned          // from here on it is decided
	codesAreGivenUp
)

// beginPairing with a phone that has scanned a code. The library asks for it before it keeps or answers anything; when
// it has begun, PairSuccess or PairError follows. One that is refused has a PairError as well.
func (l *link) beginPairing(phone types.JID) bool {
	if l.ctx.Err() != nil || !l.codes.CompareAndSwap(codesWait, codeIsScanned) {
		return false
	}
	l.scanner.Store(&phone)
	return l.keepWish() == nil
}

// isAnswering a phone: nobody knows yet whether it will be linked.
func (l *link) isAnswering() bool {
	return l.isPairing() && l.codes.Load() == codeIsScanned && !l.rejoined.Load()
}

// wasScannedBy that phone: another one may have scanned a code as well, and is refused alone.
func (l *link) wasScannedBy(phone types.JID) bool {
	scanner := l.scanner.Load()
	return scanner != nil && *scanner == phone
}

// giveUpCodes, whether or not there are any just now; false when it comes too late, or once more.
func (l *link) giveUpCodes() bool {
	for {
		was := l.codes.Load()
		if was >= codeIsScanned {
			return false
		}
		if l.codes.CompareAndSwap(was, codesAreGivenUp) {
			return true
		}
	}
}

// replaceCodes by those of another connection, unless a phone is being answered by the one that there is. What was
// scanned there just before would be answered by the other one, which knows nothing of it.
func (l *link) replaceCodes() bool {
	l.codes.CompareAndSwap(codesWait, codesAreReplaced)
	return !l.isAnswering()
}

// finishUnscanned link, unless it is scanned just then: what comes of that is told.
func (l *link) finishUnscanned(data Object) {
	if l.giveUpCodes() {
		l.finish(data)
	}
}

// settlePairing before the link is closed: no phone links it any more, and one that was about to is told of.
func (l *link) settlePairing() {
	if l.giveUpCodes() || l.codes.Load() == codesAreGivenUp {
		return
	}
	select {
	case <-l.paired.Done():
	case <-time.After(longestPairing):
	}
}

// waitForScan of codes that have come, for as long as it may take since the first of them came.
func (l *link) waitForScan(codes []string) {
	l.codes.CompareAndSwap(codesAreReplaced, codesWait)
	lot := l.lots.Add(1)
	if lot == 1 {
		l.s.bridge.clock.after(scanTime, l.endUnscanned)
	}
	if l.request.Number != "" {
		go l.askForCode()
		return
	}
	l.asked.Store(false) // whoever waited has been answered
	l.showCodes(lot, codes, firstCode)
}

// showCodes of a lot one after the other, each as long as it is good: the first for so long. There are more of them
// by another connection.
func (l *link) showCodes(lot int64, codes []string, wait time.Duration) {
	if !l.isWaitingForScan() || l.lots.Load() != lot {
		return
	}
	if len(codes) == 0 {
		l.reopen(false)
		return
	}
	l.tell(Object{"state": "qr_ready", "codes": codes})
	l.s.bridge.clock.after(wait, func() { l.showCodes(lot, codes[1:], laterCode) })
}

func (l *link) isWaitingForScan() bool {
	return l.isPairing() && l.codes.Load() < codeIsScanned && l.lots.Load() > 0 && !l.over.Load() && l.ctx.Err() == nil
}

func (l *link) endUnscanned() {
	if l.isWaitingForScan() {
		l.finishUnscanned(Object{"state": "disconnected", "reason": "pairing_timeout"})
	}
}

// lostUnlinked is a connection by which codes are shown, and then there are others, or none yet. One that is typed is
// not asked for again: the phone shows its owner each time that somebody wants it.
func (l *link) lostUnlinked() {
	switch {
	case l.over.Load(): // its end has been told
	case l.isWaitingForScan() && l.request.Number == "":
		l.lots.Add(1) // no more of its codes
		l.reopen(false)
	default:
		l.finishUnscanned(Object{"state": "disconnected", "reason": "closed"})
	}
}

func (l *link) askForCode() {
	code, err := l.client.PairPhone(l.ctx, l.request.Number, true, whatsmeow.PairClientChrome, pairingName)
	if err != nil {
		l.finishUnscanned(Object{"state": "connect_failure", "code": 0,
			"reason": "WhatsApp gives no code for this number"})
		return
	}
	l.tell(Object{"state": "qr_ready", "codes": []string{},
		"pairingCode": strings.ReplaceAll(code, "-", "")})
}

// rejoin with the session that was just made, as the server asks for.
func (l *link) rejoin() {
	if l.rejoined.CompareAndSwap(false, true) {
		l.tell(Object{"state": "manual_reconnect"})
		l.reopen(true)
	}
}

// rejoinWhenClosed though nobody has asked: the library drops what it has not looked at yet when the
// server closes, and expects this end, so that it tells of none.
func (l *link) rejoinWhenClosed() {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for !l.rejoined.Load() {
		select {
		case <-look.C:
			if !l.client.IsConnected() {
				l.rejoin()
			}
		case <-l.ctx.Done():
			return
		}
	}
}

// couldNotPair with a phone: what it has answered is forged or not kept, or it was refused. What comes too late says
// nothing: nothing was kept of it, or what is kept may be another link's.
func (l *link) couldNotPair(evt *events.PairError) {
	switch {
	case l.ctx.Err() != nil:
	case !l.isAnswering() && errors.Is(evt.Error, whatsmeow.ErrPairRejectedLocally):
		l.lostUnlinked() // the library has closed the connection, which may be the next one already
	case l.isAnswering() && l.wasScannedBy(evt.ID), l.giveUpCodes():
		l.unlinked(Object{"state": "pair_error", "jid": evt.ID.ToNonAD().String(),
			"reason": "the phone's answer could not be verified"})
	}
}

// pair is true for what happens while a phone is being linked.
func (l *link) pair(evt any) bool {
	switch evt := evt.(type) {
	case *events.QR:
		l.waitForScan(evt.Codes)
	case *events.QRScannedWithoutMultidevice:
		l.tell(Object{"state": "qr_scanned_no_multidevice"})
	case *events.PairSuccess:
		l.pairing.Store(false)
		l.asked.Store(false)
		go l.rejoinWhenClosed()
		l.s.news.tellThen(l.s, l, Object{"state": "pair_success", "jid": evt.ID.ToNonAD().String(),
			"lid": lidOrNull(evt.LID), "businessName": evt.BusinessName, "platform": evt.Platform}, l.tellPaired)
	case *events.PairError:
		l.couldNotPair(evt)
	case *events.PairPasskeyRequest, *events.PairPasskeyError:
		l.finishUnscanned(Object{"state": "pair_error", "reason": "passkey_required"})
	case *events.ManualLoginReconnect:
		l.rejoin()
	default:
		return false
	}
	return true
}
