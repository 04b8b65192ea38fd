package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fisherman/deployer/deployertest"
	"fisherman/server"
)

// TestNoRequestFailsWhileTheConfigurationChanges changes everything about the app that clients use, and about those beside it.
func TestNoRequestFailsWhileTheConfigurationChanges(t *testing.T) {
	s := newStage(t, deployertest.App(t), t.TempDir())
	s.push("o/two", "latest", "7")
	web := app{name: "web", host: "web.test", replicas: 1}
	two := app{name: "two", host: "two.test", replicas: 1}
	file := filepath.Join(s.work, "fisherman.yaml")
	s.write(t, file, web)
	if err := s.play(file); err != nil {
		t.Fatal(err)
	}
	s.deploy(t, "1")
	load := s.begin(16)
	change := func(what string, status int, apps ...app) {
		t.Helper()
		s.write(t, file, apps...)
		if got := s.reconcile(t); got != status {
			t.Fatalf("%s: reconcile answers %d", what, got)
		}
		if status != http.StatusOK {
			return
		}
		for _, a := range apps {
			s.settled(t, what, a)
		}
	}
	with := func(a app, change func(*app)) app { change(&a); return a }
	three := with(web, func(a *app) { a.replicas = 3 })
	rolled := with(web, func(a *app) { a.version, a.replicas = "2", 2 })
	change("more replicas", 200, three)
	change("fewer replicas", 200, web)
	change("another environment", 200, rolled)
	change("another service", 200, rolled, two)
	change("a mistake", 422, with(web, func(a *app) { a.replicas = -1 }))
	change("swapped hosts", 200, with(rolled, func(a *app) { a.host = "two.test" }), with(two, func(a *app) { a.host = "web.test" }))
	change("swapped back", 200, rolled, two)
	change("one fewer", 200, rolled)
	change("its host goes to one that is new", 200, with(rolled, func(a *app) { a.host = "old.test" }), with(two, func(a *app) { a.host = "web.test" }))
	load.end()
	t.Logf("%d requests while the configuration changed 9 times", load.sent.Load())
	for _, err := range load.failed {
		t.Errorf("a request failed: %v", err)
	}
}

// app is a service of a configuration.
type app struct {
	name, host, version string
	replicas            int
}

// write makes a configuration of apps.
func (s *stage) write(t *testing.T, file string, apps ...app) {
	t.Helper()
	text := `
github: { secret: "${SECRET}" }
server: { listen: "127.0.0.1:0", token: "${FISHERMAN_TOKEN}" }
proxy: { http: "127.0.0.1:0" }
docker: { network: "${NETWORK}" }
state: ${STATE}
services:
`
	for _, a := range apps {
		text += fmt.Sprintf(`
  %s:
    repository: o/%s
    image: ${REGISTRY}/o/%s
    routes: [{ host: %s, port: 8080, tls: "off" }]
    health: { path: /health, deadline: 30s }
    replicas: %d
    environment: { CHANGED: "%s" }
    stop: 0s
`, a.name, a.name, a.name, a.host, a.replicas, a.version)
	}
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// reconcile has the server apply its configuration, and returns the status.
func (s *stage) reconcile(t testing.TB) int {
	t.Helper()
	status, _ := s.reconciled(t)
	return status
}

// reconciled is the whole answer.
func (s *stage) reconciled(t testing.TB) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.server.api+"/api/v1/reconcile", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+apiToken)
	if status, body, err = send(request); err != nil {
		t.Fatalf("reconcile: %s %v", body, err)
	}
	return status, body
}

// settled waits until an app runs as it is configured, and answers on its host.
func (s *stage) settled(t *testing.T, what string, a app) {
	t.Helper()
	err := until(what+": "+a.name+" as configured", func() (bool, error) {
		var is server.Service
		if err := s.read("/api/v1/services/"+a.name, &is); err != nil {
			return false, err
		}
		status, _, err := get(s.server.proxy, a.host, "/")
		var routed []server.Route
		if err := s.read("/api/v1/routes", &routed); err != nil {
			return false, err
		}
		owner := ""
		for _, r := range routed {
			if r.Host == a.host {
				owner = r.Service
			}
		}
		return is.State == "running" && len(is.Replicas) == a.replicas && status == http.StatusOK && owner == a.name, cmpErr(err, fmt.Sprintf("%+v %d %s", is, status, owner))
	})
	if err != nil && !strings.Contains(s.server.log(), "DATA RACE") {
		t.Fatal(err)
	}
}
