package main

import (
	"context"
	"crypto/tls"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
	"fisherman/deployer/journal"
	"fisherman/proxy"
	"fisherman/proxy/proxytest"
	"fisherman/server/config"
)

// TestALentHostStaysPrivateUntilTheSwitch moves a host that asks for client certificates to a new service that does not. Until
// that one is up, the app that was behind the certificates serves it.
func TestALentHostStaysPrivateUntilTheSwitch(t *testing.T) {
	cert, key := proxytest.PairFiles(t, proxytest.NewCA(t, "servers").Server(nil, "a.pl"))
	route := func(clientCA string) []deployer.Route {
		return []deployer.Route{{Host: "a.pl", Prefix: "/", Port: 8080, ClientCA: clientCA}}
	}
	configured := func(services ...deployer.Service) *config.Config {
		return &config.Config{Proxy: config.Proxy{Certificates: []config.KeyPair{{Cert: cert, Key: key}}}, Services: services}
	}
	service := func(name string, routes []deployer.Route) deployer.Service {
		return deployer.Service{Name: name, Image: "ghcr.io/o/" + name, Tag: "latest", Replicas: 1, Routes: routes, Health: deployer.Health{Deadline: time.Minute, Successes: 1}}
	}
	p, err := proxy.New(proxy.Options{
		File: filepath.Join(t.TempDir(), "routes.json"), Listen: "127.0.0.1:0", ListenTLS: "127.0.0.1:0", Timeouts: proxy.Timeouts{Linger: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	before, engine, up := configured(service("old", route(proxytest.NewCA(t, "staff").File()))), deployertest.NewFake(), make(chan struct{})
	engine.Adopt(deployer.Release{ID: newID(time.Now()), Service: before.Services[0], Digest: "sha256:old"})
	engine.On("sha256:new", deployertest.Script{Await: deployertest.Step{Hold: up}})
	notes, err := journal.Open(filepath.Join(t.TempDir(), "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = notes.Close() })
	d, err := deployer.New(deployer.Options{
		Services: before.Services, Runtime: engine, Traffic: p, Registry: newest{}, Journal: notes, Log: zerolog.Nop(), NewID: newID,
	})
	if err != nil {
		t.Fatal(err)
	}
	apply := func(c *config.Config) { // in the order of carryOut
		t.Helper()
		if err := p.SetTLS(tlsOf(c)); err != nil {
			t.Fatal(err)
		}
		if err := d.Reconcile(c.Services); err != nil {
			t.Fatal(err)
		}
	}
	apply(before)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- inOrder(ctx, []part{d.Run, p.Run}) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	serving := func(service string) func() bool {
		return func() bool { rows := p.Routes(); return len(rows) == 1 && rows[0].Service == service }
	}
	eventually(t, "the old service to be adopted", serving("old"))
	apply(configured(service("old", nil), service("new", route(""))))
	eventually(t, "the new service to be awaited", func() bool {
		newest, err := d.Deployments("new", 1)
		return err == nil && len(newest) == 1 && newest[0].State == deployer.Verifying
	})
	if !serving("old")() || !asksForCertificates(t, p.AddrTLS()) {
		t.Errorf("before the switch anybody gets at what %+v serve", p.Routes())
	}
	close(up)
	eventually(t, "the new service to be live", serving("new"))
	eventually(t, "anybody to get in", func() bool { return !asksForCertificates(t, p.AddrTLS()) })
}

// newest is a registry in which each tag leads to the digest that is named like its service.
type newest struct{}

func (newest) Resolve(_ context.Context, image, _ string) (string, error) {
	return "sha256:" + filepath.Base(image), nil
}
func (newest) Revision(context.Context, string, string) (string, error) { return "", nil }

// asksForCertificates reports whether a handshake for a.pl asks for one.
func asksForCertificates(t *testing.T, at net.Addr) (asks bool) {
	t.Helper()
	conn, err := tls.Dial("tcp", at.String(), &tls.Config{
		ServerName: "a.pl", InsecureSkipVerify: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asks = true
			return new(tls.Certificate), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	return asks
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	if err := until(what, func() (bool, error) { return condition(), nil }); err != nil {
		t.Fatal(err)
	}
}
