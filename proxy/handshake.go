package proxy

import (
	"crypto/tls"
	"fmt"
	"sync"
	"time"
)

// suites for TLS 1.2 are those with forward secrecy and authenticated encryption, which are also the ones that HTTP/2 allows
// (RFC 9113, 9.2.2). TLS 1.3 has no others.
func suites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

const protocolH2 = "h2"

// handshakes is how connections begin, whoever they are for.
func (v *vault) handshakes() *tls.Config {
	c := v.public()
	c.GetConfigForClient = v.configFor
	return c
}

func (v *vault) public() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, CipherSuites: suites(), NextProtos: []string{protocolH2, "http/1.1"},
		GetCertificate: v.certificateFor,
	}
}

// mutual asks the client for a certificate. Sessions are not resumed: a ticket would let in whoever was let in before, by
// whatever has signed clients then, and perhaps on another host.
func (v *vault) mutual(by []*authority) *tls.Config {
	c := v.public()
	c.ClientAuth, c.ClientCAs, c.SessionTicketsDisabled = tls.RequireAndVerifyClientCert, poolOf(by...), true
	return c
}

// configFor chooses by the name that the client says; nil is the ordinary way.
func (v *vault) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	if isChallenge(hello) {
		return v.challenge(hello.ServerName)
	}
	name := serverName(hello.ServerName, hello.Conn)
	host := v.ring.Load().hosts[name]
	switch {
	case host == nil || !host.isMutual():
		return nil, nil
	case host.config == nil:
		return nil, v.refuse(name, fmt.Errorf("%s: its file of client CAs cannot be used, so nobody gets in", name))
	}
	return host.config, nil
}

func (v *vault) certificateFor(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name, ring := serverName(hello.ServerName, hello.Conn), v.ring.Load()
	supports := func(c *tls.Certificate) bool { return hello.SupportsCertificate(c) == nil }
	if c := ring.certificate(name, supports, time.Now()); c != nil {
		return c, nil
	}
	if ring.hosts[name] == nil {
		return nil, fmt.Errorf("%q: %w", name, errUnknownName)
	}
	return nil, v.refuse(name, fmt.Errorf("%s: %w that this client can use", name, errNoCertificate))
}

// refuse says in the log, now and then, that clients of a host are turned away.
func (v *vault) refuse(name string, err error) error {
	if v.silent.over(name, time.Now()) {
		v.log.Warn().Str("host", name).Err(err).Msg("refusing TLS handshakes")
	}
	return err
}

// quiet says each thing once in a while. There are as many things as hosts, at most.
type quiet struct {
	mu   sync.Mutex
	last map[string]time.Time
}

const quietTime = time.Minute

func (q *quiet) over(what string, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if last, said := q.last[what]; said && now.Sub(last) < quietTime {
		return false
	}
	if q.last == nil {
		q.last = map[string]time.Time{}
	}
	q.last[what] = now
	return true
}
