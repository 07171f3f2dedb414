package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/store"

	"pombo/bridge/host"
	"pombo/bridge/network"
	"pombo/bridge/peer"
	"pombo/bridge/session"
)

const (
	name     = "whatsapp"
	version  = "0.1.0" + network.Mode
	draining = 5 * time.Second
)

// block is the connector as the gateway sees it.
type block struct {
	host *host.Host

	mutex  sync.Mutex // guards it
	bridge *session.Bridge
}

func (b *block) started() (*session.Bridge, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.bridge == nil {
		return nil, host.Fail("unavailable", "The bridge has not been started")
	}
	return b.bridge, nil
}

func (b *block) of(arguments peer.Arguments) (*session.Session, error) {
	var instance host.Instance
	if err := arguments.Take(0, &instance); err != nil {
		return nil, err
	}
	bridge, err := b.started()
	if err != nil {
		return nil, err
	}
	return bridge.Of(instance)
}

func options() []host.Field {
	text := func(name, doc string) host.Field {
		return host.Field{Name: name, Type: "string", Doc: doc, Need: "optional", MaxLength: 4096,
			Choices: []string{}, Text: "any"}
	}
	return append([]host.Field{
		text("version", "Of WhatsApp Web, as 2.3000.0; absent: the one this bridge was built with."),
	}, network.Options()...)
}

func (b *block) start(arguments peer.Arguments) error {
	var configuration json.RawMessage
	var given struct {
		Folder  string `json:"folder"`
		Version string `json:"version"`
	}
	err := arguments.Take(0, &configuration)
	if err == nil {
		err = json.Unmarshal(configuration, &given)
	}
	if err != nil {
		return err
	}
	if err = requireKnown(configuration); err != nil {
		return err
	}
	if !filepath.IsAbs(given.Folder) {
		return host.Fail("invalid", "The 'folder' option must be an absolute path")
	}
	if os.MkdirAll(given.Folder, 0o700) != nil {
		return host.Fail("invalid", "The 'folder' option must be a folder that can be written to")
	}
	if given.Version != "" {
		parsed, err := store.ParseVersion(given.Version)
		if err != nil {
			return host.Fail("invalid", "The 'version' option must be three numbers with dots")
		}
		store.SetWAVersion(parsed)
	}
	reach, err := network.New(configuration)
	if err != nil {
		return host.Fail("invalid", "%v", err)
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.bridge = session.NewBridge(b.host, reach, given.Folder)
	return nil
}

// requireKnown refuses what this build has no use for: whoever believes to have said something has.
func requireKnown(configuration json.RawMessage) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(configuration, &all); err != nil {
		return err
	}
	delete(all, "folder") // of every program; the gateway says where
	for _, option := range options() {
		delete(all, option.Name)
	}
	for key := range all {
		return host.Fail("invalid", "The '%s' option is unknown", key)
	}
	return nil
}

func (b *block) stop() {
	if bridge, err := b.started(); err == nil {
		bridge.Stop(draining)
	}
}

func value(result any, err error) (peer.Reply, error) { return peer.Reply{Value: result}, err }

// calls that the gateway makes; docs/process-protocol.md has them all.
func (b *block) calls() map[string]peer.Handler {
	nothing := func(context.Context, peer.Arguments) (peer.Reply, error) { return peer.Reply{}, nil }
	return map[string]peer.Handler{
		"block.declare": func(context.Context, peer.Arguments) (peer.Reply, error) {
			return value(map[string]any{"fields": []host.Field{}, "options": options()}, nil)
		},
		"block.start": func(_ context.Context, arguments peer.Arguments) (peer.Reply, error) {
			sides := map[string]bool{"connector": true, "enricher": false, "proxies": false}
			return value(sides, b.start(arguments))
		},
		"block.configure": nothing,
		"block.summary":   nothing,
		"block.health":    nothing,
		"block.forget": func(_ context.Context, arguments peer.Arguments) (peer.Reply, error) {
			return value(nil, b.forget(arguments))
		},
		"block.stop": func(context.Context, peer.Arguments) (peer.Reply, error) {
			b.stop()
			return peer.Reply{}, nil
		},
		"connector.connect":     b.connect,
		"connector.reconnect":   b.reconnect,
		"connector.disconnect":  b.disconnect,
		"connector.logout":      b.logout,
		"connector.profile":     b.profile,
		"connector.perform":     b.perform,
		"connector.performWith": b.perform,
		"connector.media":       b.media,
	}
}

func (b *block) forget(arguments peer.Arguments) error {
	var instance host.Instance
	if err := arguments.Take(0, &instance); err != nil {
		return err
	}
	bridge, err := b.started()
	if err != nil {
		return err
	}
	return bridge.Forget(instance)
}

func (b *block) connect(ctx context.Context, arguments peer.Arguments) (peer.Reply, error) {
	var request host.LinkRequest
	s, err := b.of(arguments)
	if err == nil {
		err = arguments.Take(1, &request)
	}
	if err != nil {
		return peer.Reply{}, err
	}
	return value(s.Connect(ctx, request))
}

func (b *block) reconnect(ctx context.Context, arguments peer.Arguments) (peer.Reply, error) {
	var proxy *host.Proxy
	s, err := b.of(arguments)
	if err == nil {
		err = arguments.Take(1, &proxy)
	}
	if err != nil {
		return peer.Reply{}, err
	}
	return value(nil, s.Reconnect(ctx, proxy))
}

func (b *block) disconnect(_ context.Context, arguments peer.Arguments) (peer.Reply, error) {
	s, err := b.of(arguments)
	if err == nil {
		s.Disconnect()
	}
	return value(nil, err)
}

func (b *block) logout(ctx context.Context, arguments peer.Arguments) (peer.Reply, error) {
	s, err := b.of(arguments)
	if err == nil {
		err = s.Logout(ctx)
	}
	return value(nil, err)
}

func (b *block) profile(ctx context.Context, arguments peer.Arguments) (peer.Reply, error) {
	s, err := b.of(arguments)
	if err != nil {
		return peer.Reply{}, err
	}
	return value(s.Profile(ctx), nil)
}

func (b *block) perform(ctx context.Context, arguments peer.Arguments) (peer.Reply, error) {
	var operation string
	s, err := b.of(arguments)
	if err == nil {
		err = arguments.Take(1, &operation)
	}
	if err == nil && len(arguments.List) < 3 {
		err = errors.New("a call without arguments of its own")
	}
	if err != nil {
		return peer.Reply{}, err
	}
	return value(s.Perform(ctx, operation, arguments.List[2], arguments.Files))
}

func (b *block) media(ctx context.Context, arguments peer.Arguments) (peer.Reply, error) {
	var key string
	s, err := b.of(arguments)
	if err == nil {
		err = arguments.Take(1, &key)
	}
	if err != nil {
		return peer.Reply{}, err
	}
	found, file, err := s.Media(ctx, key)
	if err != nil {
		return peer.Reply{}, err
	}
	return peer.Reply{Value: found, Files: []*os.File{file}}, nil
}
