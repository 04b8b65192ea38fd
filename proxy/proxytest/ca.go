// Package proxytest has what tests of TLS need: a certificate authority, and a real ACME server.
package proxytest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA is a certificate authority of the test's own.
type CA struct {
	t    testing.TB
	Cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewCA makes one.
func NewCA(t testing.TB, name string) *CA {
	t.Helper()
	c := &CA{t: t, key: newKey(t)}
	c.Cert = c.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, &c.key.PublicKey)
	return c
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (c *CA) sign(template *x509.Certificate, key *ecdsa.PublicKey) *x509.Certificate {
	c.t.Helper()
	template.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<62))
	if template.NotBefore.IsZero() {
		template.NotBefore = time.Now().Add(-time.Hour)
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(365 * 24 * time.Hour)
	}
	parent := c.Cert
	if parent == nil {
		parent = template
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, key, c.key)
	if err != nil {
		c.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		c.t.Fatal(err)
	}
	return cert
}

// Server makes a certificate for names, which may be changed before it is signed.
func (c *CA) Server(change func(*x509.Certificate), names ...string) tls.Certificate {
	c.t.Helper()
	template := &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return c.issue(template, change)
}

// Client makes a certificate that a client can show.
func (c *CA) Client(change func(*x509.Certificate)) tls.Certificate {
	c.t.Helper()
	return c.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "client"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, change)
}

func (c *CA) issue(template *x509.Certificate, change func(*x509.Certificate)) tls.Certificate {
	c.t.Helper()
	if change != nil {
		change(template)
	}
	key := newKey(c.t)
	leaf := c.sign(template, &key.PublicKey)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

// Pool is what a client trusts.
func (c *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.Cert)
	return pool
}

// File writes the CA's certificate into a file.
func (c *CA) File() string {
	c.t.Helper()
	name := filepath.Join(c.t.TempDir(), "ca.pem")
	WriteFile(c.t, name, PEM("CERTIFICATE", c.Cert.Raw))
	return name
}

// Expired changes a certificate to one that was valid until yesterday.
func Expired(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
}

// Lasting changes how long a certificate is valid from now on.
func Lasting(d time.Duration) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotAfter = time.Now().Add(d) }
}

// PairFiles writes a certificate and its key into files of a directory.
func PairFiles(t testing.TB, pair tls.Certificate) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	WritePair(t, cert, key, pair)
	return cert, key
}

// WritePair writes them into two files, one after the other.
func WritePair(t testing.TB, cert, key string, pair tls.Certificate) {
	t.Helper()
	var chain bytes.Buffer
	for _, raw := range pair.Certificate {
		chain.Write(PEM("CERTIFICATE", raw))
	}
	secret, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	WriteFile(t, cert, chain.Bytes())
	WriteFile(t, key, PEM("PRIVATE KEY", secret))
}

// PEM encodes a block.
func PEM(kind string, raw []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw})
}

// WriteFile writes a file that only its owner may read.
func WriteFile(t testing.TB, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
