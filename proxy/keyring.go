package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// keyring is what handshakes and requests go by. It never changes: a new one replaces it whole.
type keyring struct {
	on     bool // there is TLS
	hosts  map[string]*tlsHost
	passes bool                          // some of them, or leases of theirs, end with live routes
	signs  map[string]*authority         // by file of client CAs; what cannot be read is not there
	pairs  []*tls.Certificate            // from files
	issued map[string][]*tls.Certificate // by ACME, by host; the present CA's first
}

// errNoCertificate says that a host is served, and has no certificate (yet).
var errNoCertificate = errors.New("no certificate")

// errUnknownName says that nothing is served under a name.
var errUnknownName = errors.New("nothing is served under this name")

// certificate is the best there is for a name: valid before expired, a file before ACME, the present CA before others, the one that
// lasts longer.
func (k *keyring) certificate(name string, supports func(*tls.Certificate) bool, now time.Time) *tls.Certificate {
	var best *tls.Certificate
	for _, pair := range k.pairs {
		if covers(pair, name) && supports(pair) && better(pair, best, now) {
			best = pair
		}
	}
	for _, made := range k.issued[name] {
		if best == nil || !valid(best, now) && better(made, best, now) {
			best = made
		}
	}
	return best
}

// covered reports whether a valid file is for the host, which needs no ACME then.
func (k *keyring) covered(host string, now time.Time) bool {
	for _, pair := range k.pairs {
		if valid(pair, now) && covers(pair, host) {
			return true
		}
	}
	return false
}

func covers(c *tls.Certificate, name string) bool { return c.Leaf.VerifyHostname(name) == nil }

func valid(c *tls.Certificate, now time.Time) bool {
	return now.After(c.Leaf.NotBefore) && now.Before(c.Leaf.NotAfter)
}

func better(a, b *tls.Certificate, now time.Time) bool {
	if b == nil || valid(a, now) != valid(b, now) {
		return b == nil || valid(a, now)
	}
	return a.Leaf.NotAfter.After(b.Leaf.NotAfter)
}

// isMutual reports whether whoever asks for the host must show a certificate.
func (k *keyring) isMutual(host string) bool {
	h := k.hosts[host]
	return h != nil && h.isMutual()
}

// asks is what the clients of a route are known by; empty: anybody may come.
func (k *keyring) asks(r *route) string {
	if h := k.hosts[r.host]; h != nil {
		return h.asks(r)
	}
	return ""
}

// permits reports whether a connection that was made for one name may ask for another host, and there for what a route serves,
// if one does. The name is what the client had to show a certificate for, if at all. Its certificate is looked at again, since
// what signs clients may have changed since.
func (k *keyring) permits(name, host string, to *route, chains [][]*x509.Certificate) bool {
	if name != host {
		return !k.isMutual(name) && !k.isMutual(host)
	}
	if !k.isMutual(host) {
		return true
	}
	asked := k.hosts[host].asks(to)
	return asked == "" || k.signs[asked].hasSigned(chains)
}

// serverName is what a handshake is for: the name that the client says, or the address it has come to.
func serverName(hello string, conn net.Conn) string {
	if hello != "" {
		return strings.TrimSuffix(strings.ToLower(hello), ".")
	}
	address, _, err := net.SplitHostPort(conn.LocalAddr().String())
	if err != nil {
		return ""
	}
	return address
}

// authority is who signs the certificates of a host's clients.
type authority struct {
	certs []*x509.Certificate
	known map[string]bool // by the raw certificate
}

// poolOf is for verifying what one of them has signed.
func poolOf(authorities ...*authority) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, a := range authorities {
		for _, c := range a.certs {
			pool.AddCert(c)
		}
	}
	return pool
}

func newAuthority(contents [][]byte) (*authority, error) {
	certs, err := parseCertificates(contents[0])
	if err != nil {
		return nil, err
	}
	a := &authority{certs: certs, known: map[string]bool{}}
	for _, c := range certs {
		a.known[string(c.Raw)] = true
	}
	return a, nil
}

// hasSigned reports whether one of the chains that were verified at the handshake ends here, still.
func (a *authority) hasSigned(chains [][]*x509.Certificate) bool {
	if a == nil {
		return false
	}
	for _, chain := range chains {
		if a.known[string(chain[len(chain)-1].Raw)] && time.Now().Before(chain[0].NotAfter) {
			return true
		}
	}
	return false
}

// newPair makes a certificate of the contents of its two files.
func newPair(contents [][]byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return nil, fmt.Errorf("%s; write a certificate and the key that it was made for", strings.TrimPrefix(err.Error(), "tls: "))
	}
	return &pair, nil
}
