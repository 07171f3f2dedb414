// Package network is how a session reaches WhatsApp, and the only way that it has.
package network

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"pombo/bridge/host"
)

var (
	// ErrProxy is of a proxy that cannot be dialled through.
	ErrProxy = errors.New("unknown kind of proxy")
	// ErrRefused is of one that does not let us.
	ErrRefused = errors.New("the proxy refused the connection")
)

// NewClient dials through the proxy, or directly when there is none; never by what the environment
// says. Names are resolved by the proxy.
func (n *Network) NewClient(proxy *host.Proxy) (*http.Client, error) {
	var address *url.URL
	if proxy != nil {
		var err error
		if address, err = addressOf(*proxy); err != nil {
			return nil, err
		}
	}
	return &http.Client{Transport: plain{n.route(n.transport(address))}}, nil
}

func (n *Network) transport(proxy *url.URL) *http.Transport {
	made := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 20 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 20 * time.Second,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: n.roots()},
		IdleConnTimeout:     30 * time.Second,
		MaxIdleConnsPerHost: 2,
	}
	if proxy != nil {
		made.Proxy = http.ProxyURL(proxy)
		made.OnProxyConnectResponse = requireAccepted
	}
	return made
}

func requireAccepted(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode != http.StatusOK {
		return ErrRefused
	}
	return nil
}

func addressOf(proxy host.Proxy) (*url.URL, error) {
	switch proxy.Protocol {
	case "http", "https", "socks5":
	default:
		return nil, ErrProxy
	}
	address := &url.URL{
		Scheme: proxy.Protocol,
		Host:   net.JoinHostPort(proxy.Host, strconv.Itoa(int(proxy.Port))),
	}
	if proxy.Username != "" {
		address.User = url.UserPassword(proxy.Username, proxy.Password)
	}
	return address, nil
}

// plain offers no compression of WebSocket frames: it costs half a megabyte for each session.
type plain struct{ http.RoundTripper }

func (p plain) RoundTrip(request *http.Request) (*http.Response, error) {
	request.Header.Del("Sec-WebSocket-Extensions")
	return p.RoundTripper.RoundTrip(request)
}

// CloseIdleConnections is found by http.Client.
func (p plain) CloseIdleConnections() {
	if inner, can := p.RoundTripper.(interface{ CloseIdleConnections() }); can {
		inner.CloseIdleConnections()
	}
}
