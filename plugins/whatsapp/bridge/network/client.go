// Package network is how a session reaches WhatsApp, and the only way that it has.
package network

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/proxy"

	"pombo/bridge/host"
)

// dialTime is how long it may take to be connected, and again for TLS.
const dialTime = 20 * time.Second

var (
	// ErrProxy is of a proxy that cannot be dialled through.
	ErrProxy = errors.New("unknown kind of proxy")
	// ErrRefused is of one that does not let us.
	ErrRefused = errors.New("the proxy refused the connection")
)

// Guard says whether a proxy at an IP address may be dialled.
type Guard = func(ctx context.Context, address string) error

// NewClient dials through the proxy, or directly when there is none; never by what the environment
// says. Names are resolved by the proxy; its own is resolved here, each time that it is dialled.
func (n *Network) NewClient(proxy *host.Proxy, allowed Guard) (*http.Client, error) {
	var address *url.URL
	if proxy != nil {
		var err error
		if address, err = addressOf(*proxy); err != nil {
			return nil, err
		}
	}
	return &http.Client{Transport: plain{n.route(n.transport(address, allowed))}, CheckRedirect: stay}, nil
}

func (n *Network) transport(through *url.URL, allowed Guard) *http.Transport {
	direct := &net.Dialer{Timeout: dialTime, KeepAlive: 30 * time.Second}
	if through != nil {
		direct.ControlContext = asking(allowed)
	}
	made := &http.Transport{
		DialContext:         direct.DialContext,
		TLSHandshakeTimeout: dialTime,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: n.roots()},
		IdleConnTimeout:     30 * time.Second,
		MaxIdleConnsPerHost: 2,
	}
	switch {
	case through == nil:
	case through.Scheme == "socks5":
		made.DialContext = throughSocks(through, direct, dialTime)
	default:
		made.Proxy = http.ProxyURL(through)
		made.OnProxyConnectResponse = requireAccepted
	}
	return made
}

// asking about the very address that a socket is about to be connected to: a name that was allowed may lead elsewhere
// by now. Why it is refused is the gateway's to know; a client of ours hears what he hears of any proxy that fails.
func asking(allowed Guard) func(context.Context, string, string, syscall.RawConn) error {
	return func(ctx context.Context, _, address string, _ syscall.RawConn) error {
		concrete, err := netip.ParseAddrPort(address)
		if err != nil {
			return ErrRefused
		}
		// A zone says which of our interfaces it is, not whose address.
		if allowed(ctx, concrete.Addr().WithZone("").String()) == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err() // nobody has refused, and another time somebody may answer
		}
		return ErrRefused
	}
}

type dial = func(ctx context.Context, network, address string) (net.Conn, error)

// throughSocks dials within so long. The transport's own SOCKS would wait for an answer for ever, and
// outlive whoever has asked for it.
func throughSocks(address *url.URL, direct *net.Dialer, within time.Duration) dial {
	var auth *proxy.Auth
	if address.User != nil {
		password, _ := address.User.Password()
		auth = &proxy.Auth{User: address.User.Username(), Password: password}
	}
	return func(ctx context.Context, network, target string) (net.Conn, error) {
		socks, err := proxy.SOCKS5(network, address.Host, auth, direct)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		return socks.(proxy.ContextDialer).DialContext(ctx, network, target)
	}
}

func requireAccepted(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode != http.StatusOK {
		return ErrRefused
	}
	return nil
}

// mostRedirects is what net/http would follow by itself.
const mostRedirects = 10

// stay with whom was asked, and with TLS; any other redirect is an answer as it is.
func stay(next *http.Request, before []*http.Request) error {
	if next.URL.Scheme != "https" || len(before) >= mostRedirects ||
		siteOf(next.URL.Hostname()) != siteOf(before[0].URL.Hostname()) {
		return http.ErrUseLastResponse
	}
	return nil
}

// siteOf a host: the last two labels of its name. An address has no labels.
func siteOf(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	return strings.Join(labels[max(0, len(labels)-2):], ".")
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
