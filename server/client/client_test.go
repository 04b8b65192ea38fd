package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fisherman/deployer"
	"fisherman/server/client"
)

// dial makes a client with the token "right".
func dial(t *testing.T, address string) *client.Client {
	t.Helper()
	c, err := client.New(address, deployer.Plain("right\n")) // as it is read from a file
	if err != nil {
		t.Fatal(err)
	}
	c.Version = "v1.2.3"
	return c
}

// answering is the address of a server that answers everything alike.
func answering(t *testing.T, status int, header, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if name, value, ok := strings.Cut(header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// What is sent for each call.
func TestCalls(t *testing.T) {
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = fmt.Sprint(r.Method, " ", r.RequestURI, " ", string(body))
		if r.Header.Get("Authorization") != "Bearer right" {
			t.Errorf("Authorization: %q", r.Header.Get("Authorization"))
		}
		_, _ = io.WriteString(w, "null")
	}))
	defer s.Close()
	c, ctx := dial(t, s.URL+"/"), t.Context()
	tests := map[string]func() error{
		"GET /api/v1/services ":                                        func() error { _, err := c.Services(ctx); return err },
		"GET /api/v1/services/web ":                                    func() error { _, err := c.Service(ctx, "web"); return err },
		"GET /api/v1/services/a%2Fb%3Fc ":                              func() error { _, err := c.Service(ctx, "a/b?c"); return err },
		"GET /api/v1/services/%2E%2E ":                                 func() error { _, err := c.Service(ctx, ".."); return err },
		"GET /api/v1/deployments ":                                     func() error { _, err := c.Deployments(ctx, "", 0); return err },
		"GET /api/v1/deployments?limit=5&service=web ":                 func() error { _, err := c.Deployments(ctx, "web", 5); return err },
		"GET /api/v1/deployments?current=true&limit=1000&service=web ": func() error { _, err := c.Current(ctx, "web"); return err },
		"GET /api/v1/deployments/01A ":                                 func() error { _, err := c.Deployment(ctx, "01A"); return err },
		"GET /api/v1/deployments/01A/log ": func() error {
			log, err := c.DeploymentLog(ctx, "01A", false)
			return errors.Join(err, log.Close())
		},
		"GET /api/v1/deployments/01A/log?follow=true ": func() error {
			log, err := c.DeploymentLog(ctx, "01A", true)
			return errors.Join(err, log.Close())
		},
		"POST /api/v1/services/web/deployments ":          func() error { _, err := c.Deploy(ctx, "web", ""); return err },
		`POST /api/v1/services/web/rollback {"to":"01A"}`: func() error { _, err := c.Rollback(ctx, "web", "01A"); return err },
		"POST /api/v1/deployments/01A/cancel ":            func() error { _, err := c.Cancel(ctx, "01A"); return err },
		"POST /api/v1/reconcile ":                         func() error { _, err := c.Reconcile(ctx); return err },
		"GET /api/v1/reconcile ":                          func() error { _, err := c.Reconciled(ctx); return err },
		"POST /api/v1/plan ":                              func() error { _, err := c.Plan(ctx, nil); return err },
		"POST /api/v1/plan services: {}":                  func() error { _, err := c.Plan(ctx, []byte("services: {}")); return err },
		"GET /api/v1/routes ":                             func() error { _, err := c.Routes(ctx); return err },
		`POST /api/v1/services/web/deployments {"reference":"v2"}`: func() error {
			_, err := c.Deploy(ctx, "web", "v2")
			return err
		},
		"GET /api/v1/services/web/logs?follow=true&since=10m&tail=9 ": func() error {
			output, err := c.Logs(ctx, "web", client.LogOptions{Follow: true, Tail: 9, Since: "10m"})
			return errors.Join(err, output.Close())
		},
	}
	for want, call := range tests {
		if err := call(); err != nil || got != want {
			t.Errorf("sent %q, %v, want %q", got, err, want)
		}
	}
}

// Every failure says what happened and what to do.
func TestFailuresAreForPeople(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	nobody := "http://" + listener.Addr().String()
	tests := map[string]struct {
		address string
		says    []string
		status  int // 0: no answer of a server
	}{
		"nobody listens":      {nobody, []string{nobody, "connection refused", "fisherman serve", "--server", "FISHERMAN_SERVER"}, 0},
		"the token is wrong":  {answering(t, 401, "", `{"error":"the header"}`), []string{"--token", "FISHERMAN_TOKEN", "state directory"}, 401},
		"no such service":     {answering(t, 404, "", `{"error":"service x not found: there is web"}`), []string{"service x not found: there is web"}, 404},
		"too late":            {answering(t, 409, "", `{"error":"past the switch"}`), []string{"past the switch"}, 409},
		"no such endpoint":    {answering(t, 404, "Fisherman-Version: v0.9.0", `{"error":"nothing is at \"/api/v1/x\"; check the path"}`), []string{"v0.9.0", "v1.2.3", "same version"}, 404},
		"a very old server":   {answering(t, 404, "", `{"error":"nothing is at \"/api/v1/x\"; check the path"}`), []string{"older version", "v1.2.3"}, 404},
		"another answer":      {answering(t, 200, "Fisherman-Version: v9.0.0", `{"id":{}}`), []string{"v9.0.0", "v1.2.3", "same version"}, 0},
		"somebody else's 404": {answering(t, 404, "", `<html>`), []string{"404 Not Found", "--server"}, 404},
		"somebody else's 200": {answering(t, 200, "", `<html>`), []string{"did not answer as fisherman", "--server"}, 0},
		"it redirects":        {answering(t, 308, "Location: https://x.example/api", ""), []string{"https://x.example/api", "--server"}, 308},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := dial(t, test.address).Deploy(t.Context(), "web", "")
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range test.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			var refused *client.Error
			if errors.As(err, &refused) && refused.Status != test.status || refused == nil && test.status != 0 {
				t.Errorf("%v: not an Error with status %d", err, test.status)
			}
		})
	}
	if _, err := dial(t, nobody).Services(t.Context()); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("%v is not ErrUnreachable", err)
	}
}

func TestAddressThatIsNone(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1:5000", "localhost:5000", "ftp://x", "http://", "http://[::1"} {
		if _, err := client.New(address, deployer.Plain("")); err == nil || !strings.Contains(err.Error(), "FISHERMAN_SERVER") {
			t.Errorf("%q: %v, want what to write", address, err)
		}
	}
}

// The caller who gives up learns just that.
func TestGivingUp(t *testing.T) {
	began := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
	}))
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-began
		cancel()
	}()
	if _, err := dial(t, s.URL).Services(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, client.ErrUnreachable) {
		t.Errorf("got %v, want context.Canceled alone", err)
	}
}
