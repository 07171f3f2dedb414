package network

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pombo/bridge/host"
)

func TestAProxyIsDialledByItsKindWithItsCredentials(t *testing.T) {
	for proxy, wanted := range map[host.Proxy]string{
		{Protocol: "http", Host: "10.0.0.9", Port: 3128}:                                     "http://10.0.0.9:3128",
		{Protocol: "socks5", Host: "::1", Port: 1080, Username: "u"}:                         "socks5://u:@[::1]:1080",
		{Protocol: "https", Host: "p.example", Port: 443, Username: "a@b", Password: ":/?#"}: "https://a%40b:%3A%2F%3F%23@p.example:443",
		{Protocol: "socks4", Host: "p.example", Port: 1}:                                     "",
		{Host: "p.example", Port: 1}:                                                         "",
	} {
		address, err := addressOf(proxy)
		if (err != nil) != (wanted == "") || err == nil && address.String() != wanted {
			t.Errorf("%v, %v of %v", address, err, proxy)
		}
	}
}

func TestNoProxyOfTheEnvironmentIsUsedAndNoCompressionOffered(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	offered := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		offered <- request.Header.Get("Sec-WebSocket-Extensions")
	}))
	defer server.Close()
	transport := plain{new(Network).transport(nil, nil)}
	request, err := http.NewRequest(http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Sec-WebSocket-Extensions", "permessage-deflate")
	answer, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if extensions := <-offered; extensions != "" {
		t.Fatal(extensions)
	}
}

func TestAProxyThatSaysNothingIsNotWaitedForForEver(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	address := &url.URL{Scheme: "socks5", Host: silent.Addr().String()}
	_, err = throughSocks(address, &net.Dialer{}, time.Millisecond)(context.Background(), "tcp", "web.whatsapp.com:443")
	var late net.Error
	if !errors.As(err, &late) || !late.Timeout() {
		t.Fatal(err)
	}
}

// doorstep is a listener that lets nobody in, and notes who was there.
func doorstep(t *testing.T) (net.Listener, <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	came := make(chan string, 16)
	go func() {
		for {
			visitor, err := listener.Accept()
			if err != nil {
				return
			}
			came <- visitor.RemoteAddr().String()
			visitor.Close()
		}
	}()
	return listener, came
}

func TestAProxyWhoseNameLeadsElsewhereByNowIsNotDialled(t *testing.T) {
	for _, protocol := range []string{"http", "https", "socks5"} {
		t.Run(protocol, func(t *testing.T) {
			listener, came := doorstep(t)
			port := listener.Addr().(*net.TCPAddr).Port
			through, err := addressOf(host.Proxy{Protocol: protocol, Host: "localhost", Port: uint16(port)})
			if err != nil {
				t.Fatal(err)
			}
			var refuses atomic.Bool
			var asked atomic.Value
			transport := new(Network).transport(through, func(_ context.Context, address string) error {
				asked.Store(address)
				if refuses.Load() {
					return errors.New("URL is not allowed: loopback address")
				}
				return nil
			})
			get := func() error {
				request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://web.whatsapp.com/", nil)
				answer, err := transport.RoundTrip(request)
				if err == nil {
					answer.Body.Close()
				}
				return err
			}

			if err = get(); err == nil || errors.Is(err, ErrRefused) {
				t.Fatal(err)
			}
			<-came
			if asked.Load() != "127.0.0.1" {
				t.Error(asked.Load())
			}

			refuses.Store(true)
			if err = get(); !errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "loopback") {
				t.Error(err)
			}
			ours, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer ours.Close()
			if next := <-came; next != ours.LocalAddr().String() {
				t.Error("somebody was there before us:", next)
			}
		})
	}
}

func TestTheGatewayIsAskedOfAnAddressAsItIsWritten(t *testing.T) {
	for dialled, wanted := range map[string]string{
		"127.0.0.1:3128":        "127.0.0.1",
		"[::1]:1080":            "::1",
		"[fe80::1%eth0]:1080":   "fe80::1",
		"[::ffff:10.0.0.1]:443": "::ffff:10.0.0.1",
		":3128":                 "", // no address: this machine
		"localhost:3128":        "",
	} {
		var asked string
		err := asking(func(_ context.Context, address string) error {
			asked = address
			return nil
		})(t.Context(), "tcp", dialled, nil)
		if asked != wanted || errors.Is(err, ErrRefused) != (wanted == "") {
			t.Errorf("%q, %v of %s", asked, err, dialled)
		}
	}
}

func TestAGatewayThatDoesNotAnswerHasNotRefused(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := asking(func(ctx context.Context, _ string) error {
		cancel()
		return ctx.Err()
	})(ctx, "tcp", "10.0.0.9:3128", nil)
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrRefused) {
		t.Fatal(err)
	}
}

// WhatsApp, in so far as it sends whoever asks it elsewhere.
type redirecting map[string]string

func (r redirecting) RoundTrip(request *http.Request) (*http.Response, error) {
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: request}
	if to, known := r[request.URL.String()]; known {
		answer.StatusCode = http.StatusFound
		answer.Header.Set("Location", to)
	}
	return answer, nil
}

func TestARedirectIsFollowedWithinWhatWasAskedAndNoFurther(t *testing.T) {
	const first = "https://mmg.whatsapp.net/f"
	for to, followed := range map[string]bool{
		"https://media-gru1-1.cdn.whatsapp.net/f": true,
		"https://MMG.WhatsApp.NET./f":             true,
		"/elsewhere":                              true,
		"http://mmg.whatsapp.net/f":               false,
		"https://whatsapp.net.example/f":          false,
		"https://notwhatsapp.net/f":               false,
		"https://mmg.whatsapp.com/f":              false,
		"https://127.0.0.1/f":                     false,
		"https://[::1]/f":                         false,
		"https://localhost/f":                     false,
		"//169.254.169.254/latest":                false,
		"https://net/":                            false,
		first:                                     false, // for ever
	} {
		client, err := new(Network).NewClient(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		client.Transport = redirecting{first: to}
		answer, err := client.Get(first)
		if err != nil {
			t.Error(err, to)
		} else if (answer.StatusCode == http.StatusOK) != followed {
			t.Error(answer.Status, to)
		}
	}
}

func TestAnAddressIsASiteOfItsOwn(t *testing.T) {
	for site, hosts := range map[string][]string{
		"whatsapp.net": {"whatsapp.net", "mmg.whatsapp.net", "a.b.WhatsApp.net."},
		"10.0.0.1":     {"10.0.0.1"},
		"10.1.0.1":     {"10.1.0.1"},
		"::1":          {"::1"},
		"localhost":    {"localhost"},
		"":             {""},
	} {
		if slices.ContainsFunc(hosts, func(host string) bool { return siteOf(host) != site }) {
			t.Error(site)
		}
	}
}
