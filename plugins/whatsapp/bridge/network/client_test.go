package network

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	transport := plain{new(Network).transport(nil)}
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
