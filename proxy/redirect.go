package proxy

import (
	"net"
	"net/http"
	"strings"
)

// admits reports whether a request's host may be asked for on its connection, and there for what a route serves, if one does: one
// that asks for client certificates only where the client has shown one for this very host, and never over plain HTTP.
func (p *Proxy) admits(r *http.Request, host []byte, to *route) bool {
	ring := p.vault.ring.Load()
	if r.TLS == nil {
		return !ring.isMutual(string(host))
	}
	return ring.permits(serverName(r.TLS.ServerName, guardOf(r.Context()).raw), string(host), to, r.TLS.VerifiedChains)
}

// turnAway answers what came over plain HTTP and has to come over HTTPS, and reports whether it did.
func (p *Proxy) turnAway(x *exchange, host []byte) bool {
	ring := p.vault.ring.Load()
	h := ring.hosts[string(host)]
	if x.request.TLS != nil || h == nil || !ring.on || h.isPlain(x.path) || p.cameByTLS(x.request) {
		return false
	}
	if _, f := p.table.Load().find(host, x.path); f == unknownPath && isClosed(p.completed) {
		x.refuse(f)
	} else {
		x.redirect(host)
	}
	return true
}

// cameByTLS reports whether a trusted proxy says that it got the request over HTTPS; it would be redirected for ever.
func (p *Proxy) cameByTLS(r *http.Request) bool {
	claims := r.Header["X-Forwarded-Proto"]
	if len(claims) != 1 || claims[0] != "https" {
		return false
	}
	peer, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && p.forwarding.Load().trusts(peer)
}

// redirect sends the client to the same place over HTTPS: path and query byte for byte, and with 308 (RFC 9110, 15.4.9) also
// method and body.
func (x *exchange) redirect(host []byte) {
	target := x.request.RequestURI
	if !strings.HasPrefix(target, "/") { // absolute-form
		_, query, asked := strings.Cut(target, "?")
		if target = x.path; asked {
			target += "?" + query
		}
	}
	authority := string(host)
	if address := x.proxy.AddrTLS(); address != nil {
		if _, port, err := net.SplitHostPort(address.String()); err == nil && port != "443" {
			authority += ":" + port
		}
	}
	header := x.Header()
	header["Location"] = []string{"https://" + authority + target}
	header["Content-Type"] = []string{"text/plain; charset=utf-8"}
	x.WriteHeader(http.StatusPermanentRedirect)
	_, _ = x.Write([]byte("This is served over HTTPS only.\n"))
}
