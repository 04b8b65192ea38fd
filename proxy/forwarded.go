package proxy

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"slices"
	"strings"
)

// forwarding tells apps who asked for what: X-Forwarded-For, -Proto and -Host as seen from here.
type forwarding struct{ trusted []netip.Prefix }

// SetTrustedProxies replaces Options.TrustedProxies, for requests that are answered from here on.
func (p *Proxy) SetTrustedProxies(trusted []netip.Prefix) { p.forwarding.Store(&forwarding{trusted}) }

// apply sets the fields on the request to the backend. A trusted peer's are kept, its own address appended; everybody
// else's claims are dropped, together with X-Real-Ip and every other X-Forwarded-* that apps are known to believe.
// "Forwarded" (RFC 7239) is always dropped: an app must not find two accounts of the same thing.
func (f forwarding) apply(p *httputil.ProxyRequest) {
	peer, _, err := net.SplitHostPort(p.In.RemoteAddr)
	if err != nil {
		peer = p.In.RemoteAddr
	}
	trusted := f.trusts(peer)
	dropClaims(p.Out.Header, trusted)
	values := []string{peer, scheme(p.In), p.In.Host}
	if trusted {
		believe(values, p.In.Header)
	}
	p.Out.Header["X-Forwarded-For"] = values[0:1:1]
	p.Out.Header["X-Forwarded-Proto"] = values[1:2:2]
	p.Out.Header["X-Forwarded-Host"] = values[2:3:3]
}

func (f forwarding) trusts(peer string) bool {
	if len(f.trusted) == 0 {
		return false
	}
	address, err := netip.ParseAddr(peer)
	if err != nil {
		return false
	}
	address = address.Unmap().WithZone("")
	for _, prefix := range f.trusted {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// believe completes for, proto and host by what a trusted peer says.
func believe(values []string, claims http.Header) {
	for _, chain := range slices.Backward(claims["X-Forwarded-For"]) {
		if chain != "" {
			values[0] = chain + ", " + values[0]
		}
	}
	if proto := claims["X-Forwarded-Proto"]; len(proto) == 1 && (proto[0] == "http" || proto[0] == "https") {
		values[1] = proto[0]
	}
	if host := claims["X-Forwarded-Host"]; len(host) == 1 && host[0] != "" {
		values[2] = host[0]
	}
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// dropClaims removes what clients say about their own origin. Apps behind CGI and WSGI cannot tell X_Forwarded_For from
// X-Forwarded-For, so the spelling with underscores goes whoever sends it.
func dropClaims(header http.Header, trusted bool) {
	for name := range header {
		if len(name) < len("X-Real-Ip") || name[0] != 'X' {
			continue
		}
		plain := strings.ReplaceAll(name, "_", "-")
		if claimed(plain) && (plain != name || !trusted) {
			delete(header, name)
		}
	}
}

func claimed(name string) bool {
	const prefix = "X-Forwarded-"
	return len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) || strings.EqualFold(name, "X-Real-Ip")
}
