package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fisherman/deployer/deployertest"
	"fisherman/proxy/proxytest"
)

const httpsConfig = `
github: { secret: "${SECRET}" }
server: { listen: "127.0.0.1:0", token: "${FISHERMAN_TOKEN}" }
proxy:
  http: "%s"
  https: "%s"
  acme: { email: me@web.test, directory: "%s", roots: "%s" }
docker: { network: "${NETWORK}" }
state: ${STATE}
services:
  web:
    repository: o/web
    image: ${REGISTRY}/o/web
    routes: [{ host: web.test, port: 8080 }]
    health: { path: /health, deadline: 30s }
`

// TestHTTPSFromTheCAToTheContainer has a certificate made by a real ACME server, asks a container over HTTP/2, and goes on after
// a restart while the CA is away.
func TestHTTPSFromTheCAToTheContainer(t *testing.T) {
	t.Parallel()
	s := newStage(t, deployertest.App(t), t.TempDir())
	plain, secure := quietAddress(t), quietAddress(t)
	pebble := proxytest.NewPebble(t, proxytest.PebbleOptions{HTTP: plain, TLS: secure})
	config := filepath.Join(s.work, "https.yaml")
	text := fmt.Sprintf(httpsConfig, plain, secure, pebble.Directory, pebble.Roots)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.play(config); err != nil {
		t.Fatal(err)
	}
	s.deploy(t, "1")
	made, body := s.overHTTPS(t, secure, pebble)
	if body != "1" {
		t.Errorf("the container answered %q", body)
	}
	redirect, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+plain.String()+"/x?y", strings.NewReader("z"))
	if err != nil {
		t.Fatal(err)
	}
	redirect.Host = "web.test"
	res, err := http.DefaultTransport.RoundTrip(redirect)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	_, port, _ := net.SplitHostPort(secure.String())
	if want := "https://web.test:" + port + "/x?y"; res.StatusCode != http.StatusPermanentRedirect || res.Header.Get("Location") != want {
		t.Errorf("over HTTP: %s to %q, want %q", res.Status, res.Header.Get("Location"), want)
	}
	if err := s.server.end(syscall.SIGTERM, exitDone); err != nil {
		t.Fatal(err)
	}
	pebble.Stop()
	if err := s.play(config); err != nil {
		t.Fatal(err)
	}
	if again, body := s.overHTTPS(t, secure, pebble); body != "1" || again != made {
		t.Errorf("after a restart %q by certificate %s, want that of before, %s", body, again, made)
	}
	if err := s.server.end(syscall.SIGTERM, exitDone); err != nil {
		t.Error(err)
	}
}

// overHTTPS asks for the app, once there is a certificate, and returns its serial number and the answer.
func (s *stage) overHTTPS(t *testing.T, at net.Addr, pebble *proxytest.Pebble) (serial, body string) {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, at.String())
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		res, err := client.Get("https://web.test/")
		if err != nil && time.Now().Before(deadline) {
			continue
		}
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, s.server.log(), pebble.Log())
		}
		answer, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		cert := res.TLS.PeerCertificates[0]
		if err != nil || res.ProtoMajor != 2 || cert.VerifyHostname("web.test") != nil || !strings.Contains(cert.Issuer.CommonName, "Pebble") {
			t.Errorf("%s by %q for %q: %v", res.Proto, cert.Issuer, cert.DNSNames, err)
		}
		return cert.SerialNumber.String(), string(answer)
	}
}

// quietAddress is an address that nobody listens on, for now.
func quietAddress(t *testing.T) net.Addr {
	t.Helper()
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: deployertest.FreePort(t)}
}
