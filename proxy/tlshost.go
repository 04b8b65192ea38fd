package proxy

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// tlsHost is how a host is served.
type tlsHost struct {
	routes   []tlsRoute // the longest prefix first
	auto     bool       // ACME may make its certificate
	clientCA string
	mutual   bool        // clientCA is not empty
	ca       *authority  // of clientCA; nil while that cannot be read
	config   *tls.Config // for handshakes, where it is mutual and there is a ca
}

type tlsRoute struct {
	prefix string // without a slash at its end
	off    bool
}

// hostsOf puts the routes of each host together.
func hostsOf(routes []TLSRoute) (map[string]*tlsHost, error) {
	hosts := map[string]*tlsHost{}
	for _, r := range routes {
		var buf [maxHost]byte
		name, ok := fold(&buf, r.Host)
		if !ok {
			continue // no request can ask for it
		}
		h := hosts[string(name)]
		if h == nil {
			h = &tlsHost{}
			hosts[string(name)] = h
		}
		if r.ClientCA != "" && h.clientCA != "" && h.clientCA != r.ClientCA {
			return nil, fmt.Errorf("%s has two files of client CAs, %s and %s; a host can have one", r.Host, h.clientCA, r.ClientCA)
		}
		h.clientCA = cmp.Or(h.clientCA, r.ClientCA)
		h.mutual = h.clientCA != ""
		h.auto = h.auto || r.Mode == TLSAuto || r.Mode == ""
		h.routes = append(h.routes, tlsRoute{strings.TrimSuffix(r.Prefix, "/"), r.Mode == TLSOff})
	}
	for _, h := range hosts {
		slices.SortStableFunc(h.routes, func(a, b tlsRoute) int { return cmp.Compare(len(b.prefix), len(a.prefix)) })
	}
	return hosts, nil
}

// wants reports whether the host has HTTPS at all.
func (h *tlsHost) wants() bool {
	return h.mutual || slices.ContainsFunc(h.routes, func(r tlsRoute) bool { return !r.off })
}

// isPlain reports whether a path may be asked for over plain HTTP, however a backend reads it.
func (h *tlsHost) isPlain(path string) bool {
	switch {
	case !h.wants():
		return true
	case h.mutual || !h.isOff(path):
		return false
	case plain(path):
		return true
	}
	decoded, tidied, ok := readings(path)
	return ok && h.isOff(decoded) && h.isOff(tidied)
}

// isOff reports whether the route of a path is off; what has none is not.
func (h *tlsHost) isOff(path string) bool {
	for _, r := range h.routes {
		if under(r.prefix, path) {
			return r.off
		}
	}
	return false
}

// parseCertificates reads all certificates of a PEM file.
func parseCertificates(content []byte) (all []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		block, content = pem.Decode(content)
		switch {
		case block == nil && len(all) == 0:
			return nil, errors.New("it holds no certificate; write a PEM file of CA certificates")
		case block == nil:
			return all, nil
		case block.Type != "CERTIFICATE":
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("a certificate in it cannot be read: %w; write it anew", err)
		}
		all = append(all, cert)
	}
}
