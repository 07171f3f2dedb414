package session

import (
	"testing"

	"go.mau.fi/whatsmeow/types"

	"pombo/bridge/state"
)

func TestWhetherAHistoryIsWantedIsDecidedWhenAPhoneLinks(t *testing.T) {
	days := 30
	for _, each := range []struct {
		days     *int
		disabled bool // when it is linked
		wanted   bool
	}{{nil, true, false}, {nil, false, true}, {&days, true, true}, {&days, false, true}} {
		w := newWorld(t)
		l := w.linked(t)
		l.request.HistoryDays = each.days
		l.apply(t.Context(), state.Settings{DisableHistorySync: each.disabled})
		if !l.client.PrePairCallback(types.EmptyJID, "", "") {
			t.Fatal("it was not kept")
		}
		next := w.linked(t) // by a request that says nothing of it
		for _, disabled := range []bool{false, true} {
			next.apply(t.Context(), state.Settings{DisableHistorySync: disabled})
			if wanted, err := next.wantsHistory(); err != nil || wanted != each.wanted {
				t.Fatal(each, disabled, wanted, err)
			}
		}
	}
}

func TestASessionOfWhichNothingIsKeptGoesByItsSettings(t *testing.T) {
	w := newWorld(t)
	l := w.linked(t)
	for _, disabled := range []bool{false, true} {
		l.apply(t.Context(), state.Settings{DisableHistorySync: disabled})
		if wanted, err := l.wantsHistory(); err != nil || wanted == disabled {
			t.Fatal(disabled, wanted, err)
		}
	}
}
