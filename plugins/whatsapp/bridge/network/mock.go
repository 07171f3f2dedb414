//go:build mock

package network

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"go.mau.fi/whatsmeow"

	"pombo/bridge/host"
)

// Mode keeps a gateway that expects the shipped bridge from taking this one.
const Mode = "+mock"

// Network is a server on this machine that speaks WhatsApp's protocol.
type Network struct {
	address *url.URL
	pool    *x509.CertPool
}

func Options() []host.Field {
	return []host.Field{{Name: "mock", Type: "object", Doc: "A server for tests.", Need: "optional",
		Choices: []string{}, Text: "any"}}
}

// New reads {"mock": {"address", "rootPublicKey": hex, "authority": PEM}}.
func New(configuration json.RawMessage) (*Network, error) {
	var given struct {
		Mock struct {
			Address       string `json:"address"`
			RootPublicKey string `json:"rootPublicKey"`
			Authority     string `json:"authority"`
		} `json:"mock"`
	}
	if err := json.Unmarshal(configuration, &given); err != nil {
		return nil, err
	}
	address, err := url.Parse(given.Mock.Address)
	if err != nil || address.Host == "" {
		return nil, errors.New("the mock has no address")
	}
	// Without one the key of the real WhatsApp stays in force.
	if root, err := hex.DecodeString(given.Mock.RootPublicKey); err == nil && len(root) == 32 {
		copy(whatsmeow.WACertPubKey[:], root)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(given.Mock.Authority))
	return &Network{address, pool}, nil
}

func (n *Network) roots() *x509.CertPool { return n.pool }

func (n *Network) route(inner http.RoundTripper) http.RoundTripper { return diverted{n.address, inner} }

// diverted asks the mock, whoever was to be asked; through the proxy, if there is one.
type diverted struct {
	address *url.URL
	inner   http.RoundTripper
}

func (d diverted) RoundTrip(request *http.Request) (*http.Response, error) {
	changed := request.Clone(request.Context())
	changed.URL.Scheme, changed.URL.Host, changed.Host = "https", d.address.Host, d.address.Host
	return d.inner.RoundTrip(changed)
}
