//go:build !mock

package network

import (
	"crypto/x509"
	"encoding/json"
	"net/http"

	"pombo/bridge/host"
)

// Mode is part of the version that the gateway is told, which it compares with its own.
const Mode = ""

// Network is WhatsApp's. There is nothing to be told about it.
type Network struct{}

// Options are the keys of the configuration that this build has beside the others.
func Options() []host.Field { return nil }

// New has no use for the configuration.
func New(json.RawMessage) (*Network, error) { return &Network{}, nil }

func (n *Network) roots() *x509.CertPool { return nil } // the system's

func (n *Network) route(inner http.RoundTripper) http.RoundTripper { return inner }
