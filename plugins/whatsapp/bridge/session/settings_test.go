package session

import (
	"context"
	"testing"

	"pombo/bridge/host"
	"pombo/bridge/state"
)

func TestSettingsThatAreToldWhileALinkOpensAreThoseItHas(t *testing.T) {
	for _, before := range []bool{false, true} {
		w := newWorld(t)
		if before {
			w.session.Apply(t.Context(), raw(t, state.Settings{CallRejectMessage: "before"}))
		}
		// Asked in the middle of the opening: its settings are read by then, or are about to be.
		meanwhile := raw(t, state.Settings{CallRejectMessage: "meanwhile"})
		w.mutex.Lock()
		w.allowed = func(ctx context.Context) error { return w.session.Apply(ctx, meanwhile) }
		w.mutex.Unlock()
		proxy := &host.Proxy{Protocol: "http", Host: "127.0.0.1", Port: 1} // where nobody listens
		if err := w.session.start(t.Context(), w.opened, w.device, host.LinkRequest{Proxy: proxy}, false); err != nil {
			t.Fatal(err)
		}
		if had := w.session.current().wishes().CallRejectMessage; had != "meanwhile" {
			t.Fatalf("it has %q", had)
		}
		if kept, err := w.opened.Settings(t.Context()); err != nil || kept.CallRejectMessage != "meanwhile" {
			t.Fatal(kept, err)
		}
		w.session.close(true)
	}
}
