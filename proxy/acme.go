package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"go.uber.org/zap"
)

const (
	// makeWithin bounds an attempt to get a certificate.
	makeWithin = 10 * time.Minute
	// challengePath is where a CA looks for the answer to HTTP-01 (RFC 8555, 8.3).
	challengePath = "/.well-known/acme-challenge/"
)

// maker gets certificates from a CA and answers its challenges.
type maker struct {
	settings ACME
	roots    sum // of what the CA is trusted by
	config   *certmagic.Config
	issuer   *certmagic.ACMEIssuer
}

// once is an issuer that is asked once: when to try again is decided here.
type once struct{ *certmagic.ACMEIssuer }

func (o once) Issue(ctx context.Context, csr *x509.CertificateRequest) (*certmagic.IssuedCertificate, error) {
	issued, err := o.ACMEIssuer.Issue(ctx, csr)
	if err != nil {
		return nil, certmagic.ErrNoRetry{Err: err}
	}
	return issued, nil
}

// issuerKey is where the store has what a CA has made, as the name of a directory.
func issuerKey(a ACME) string {
	return certmagic.StorageKeys.Safe((&certmagic.ACMEIssuer{CA: a.Directory}).IssuerKey())
}

// arrivals are where a CA's challenges arrive: the proxy's own listeners.
type arrivals struct{ plain, secure net.Addr }

// newMaker sets up a CA. certmagic would listen for challenges itself; it does not where somebody does already.
func newMaker(settings ACME, roots *x509.CertPool, at arrivals, cache *certmagic.Cache, keep *shelf, log *zap.Logger) *maker {
	m := &maker{settings: settings}
	m.config = certmagic.New(cache, certmagic.Config{
		Storage: keep, Logger: log, OCSP: certmagic.OCSPConfig{DisableStapling: true}, DisableStorageCheck: true,
	})
	template := certmagic.ACMEIssuer{
		CA: settings.Directory, TestCA: settings.Directory, Email: settings.Email, Agreed: true, TrustedRoots: roots, Logger: log,
	}
	template.ListenHost, template.AltHTTPPort = hostAndPort(at.plain)
	_, template.AltTLSALPNPort = hostAndPort(at.secure)
	m.issuer = certmagic.NewACMEIssuer(m.config, template)
	m.config.Issuers = []certmagic.Issuer{once{m.issuer}}
	return m
}

func hostAndPort(a net.Addr) (string, int) {
	if a == nil {
		return "", 0
	}
	host, port, _ := net.SplitHostPort(a.String())
	n, _ := strconv.Atoi(port)
	return host, n
}

// get makes a certificate, or another one in place of one that it has made, and leaves it in the store.
func (m *maker) get(ctx context.Context, host string, again bool) error {
	ctx, cancel := context.WithTimeout(ctx, makeWithin)
	defer cancel()
	if again {
		return m.config.RenewCertAsync(ctx, host, true)
	}
	return m.config.ObtainCertAsync(ctx, host)
}

// wantsBack reports whether the CA asks for a certificate to be replaced before its time (RFC 9773). Many CAs have no opinion.
func (m *maker) wantsBack(ctx context.Context, c *tls.Certificate, now time.Time) bool {
	ctx, cancel := context.WithTimeout(ctx, certmagic.HTTPTimeout)
	defer cancel()
	info, err := m.issuer.GetRenewalInfo(ctx, certmagic.Certificate{Certificate: *c})
	return err == nil && !info.SuggestedWindow.Start.IsZero() && now.After(info.SuggestedWindow.Start)
}

// answers answers a CA that looks whether a host is ours, and reports whether it did.
func (v *vault) answers(w http.ResponseWriter, r *http.Request) bool {
	m := v.maker.Load()
	return m != nil && strings.HasPrefix(r.URL.Path, challengePath) && isAwaited(r.Host) && m.issuer.HandleHTTPChallenge(w, r)
}

// isAwaited reports whether a CA has been asked to look whether a host is ours. Whoever looks for another one is a stranger, and
// certmagic would look on the disk for it, and say so in the log.
func isAwaited(host string) bool {
	_, is := certmagic.GetACMEChallenge(strings.ToLower(host))
	return is
}

// isChallenge reports whether a CA looks by means of a handshake (RFC 8737): nothing is served on such a connection.
func isChallenge(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acmez.ACMETLS1Protocol
}

// challenge answers such a handshake.
func (v *vault) challenge(name string) (*tls.Config, error) {
	m := v.maker.Load()
	if m == nil || !isAwaited(name) {
		return nil, errUnknownName
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{acmez.ACMETLS1Protocol}, GetCertificate: m.config.GetCertificate,
	}, nil
}
