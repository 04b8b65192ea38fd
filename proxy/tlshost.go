package proxy

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// tlsHost is how a host is served.
type tlsHost struct {
	routes   []tlsRoute       // the longest prefix first
	auto     bool             // ACME may make its certificate
	clientCA string           // what clients are known by; empty: anybody may come
	leases   map[lease]string // the same for routes that are served still by others than those whose they are
	lent     bool             // others than those whose they are serve some of its routes still
	kept     bool             // nobody has configured it any more: it is there as long as its routes are
	config   *tls.Config      // for handshakes, where clients are asked for certificates that can be verified
}

type tlsRoute struct {
	prefix  string // without a slash at its end
	service string // whose it is; empty: whoever serves it
	off     bool
}

// lease is a route as a service serves it.
type lease struct{ service, prefix string }

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
		h.auto = h.auto || r.Mode == TLSAuto || r.Mode == ""
		h.routes = append(h.routes, tlsRoute{strings.TrimSuffix(r.Prefix, "/"), r.Service, r.Mode == TLSOff})
	}
	for _, h := range hosts {
		slices.SortStableFunc(h.routes, func(a, b tlsRoute) int { return cmp.Compare(len(b.prefix), len(a.prefix)) })
	}
	return hosts, nil
}

// isMutual reports whether anybody is asked for a certificate.
func (h *tlsHost) isMutual() bool { return h.clientCA != "" || len(h.leases) > 0 }

// asks is what the clients of a route are known by; empty: anybody may come.
func (h *tlsHost) asks(r *route) string {
	if r == nil {
		return h.clientCA
	}
	return cmp.Or(h.leases[r.lease()], h.clientCA)
}

// clientCAs are all files that clients are known by.
func (h *tlsHost) clientCAs() []string {
	all := slices.Collect(maps.Values(h.leases))
	if h.clientCA != "" {
		all = append(all, h.clientCA)
	}
	return all
}

// clientCAsOf are all files that clients of hosts are known by.
func clientCAsOf(hosts map[string]*tlsHost) map[string]bool {
	all := map[string]bool{}
	for _, h := range hosts {
		for _, file := range h.clientCAs() {
			all[file] = true
		}
	}
	return all
}

// keep lets routes that are not yet served by those whose they are ask for what they asked for before, if for anything.
func (h *tlsHost) keep(was *tlsHost, live []*route) {
	for _, r := range live {
		if asked := was.asks(r); asked != "" && asked != h.clientCA && !h.isServed(r) {
			h.lease(r, asked)
		}
	}
}

func (h *tlsHost) lease(r *route, clientCA string) {
	if h.leases == nil {
		h.leases = map[lease]string{}
	}
	h.leases[r.lease()] = clientCA
}

// isServed reports whether a live route is served by the service whose it is.
func (h *tlsHost) isServed(live *route) bool {
	return slices.ContainsFunc(h.routes, func(r tlsRoute) bool {
		return r.prefix == live.prefix && (r.service == "" || r.service == live.release.service)
	})
}

// isLent reports whether others than those whose they are serve some of the host's live routes.
func (h *tlsHost) isLent(live []*route) bool {
	return slices.ContainsFunc(live, func(r *route) bool { return !h.isServed(r) })
}

// shows reports whether clients may be shown what a CA has made for the host: if it is to make more, and as long as the host is
// lent, since who serves it has had that until now.
func (h *tlsHost) shows() bool { return h.auto || h.lent }

// without is the host without the leases of what is not live any more; the same where there are none.
func (h *tlsHost) without(live []*route) *tlsHost {
	fresh := *h
	fresh.leases, fresh.lent = nil, h.lent && h.isLent(live)
	for _, r := range live {
		if asked := h.leases[r.lease()]; asked != "" {
			fresh.lease(r, asked)
		}
	}
	if len(fresh.leases) == len(h.leases) && fresh.lent == h.lent {
		return h
	}
	return &fresh
}

// wants reports whether the host has HTTPS at all.
func (h *tlsHost) wants() bool {
	return h.isMutual() || slices.ContainsFunc(h.routes, func(r tlsRoute) bool { return !r.off })
}

// isPlain reports whether a path may be asked for over plain HTTP, however a backend reads it.
func (h *tlsHost) isPlain(path string) bool {
	switch {
	case !h.wants():
		return true
	case h.isMutual() || !h.isOff(path):
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
