package server_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// running is a server under Run.
type running struct {
	harness
	stop context.CancelFunc
	done chan error // what Run returned
}

func run(t *testing.T, d *standIn) running {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r := running{build(d), stop, make(chan error, 1)}
	r.url = "http://" + listener.Addr().String()
	go func() { r.done <- r.Run(ctx, listener) }()
	return r
}

func (r running) wait(t *testing.T) {
	t.Helper()
	select {
	case err := <-r.done:
		if err != nil {
			t.Errorf("Run: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Run does not end")
	}
}

// What has begun is answered; then nobody listens any more and nothing is left behind.
func TestRunFinishesWhatItBegan(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	defer http.DefaultClient.CloseIdleConnections()
	r := run(t, &standIn{hold: make(chan struct{}), holding: make(chan struct{})})
	request := r.request(t, http.MethodGet, "/api/v1/services", "")
	answered := make(chan *http.Response, 1)
	go func() {
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Error(err)
		}
		answered <- response
	}()
	<-r.deployer.holding
	r.stop()
	refuses(t, r.url)
	close(r.deployer.hold)
	if response := <-answered; response != nil {
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != 200 || err != nil || !strings.Contains(string(body), `"name":"web"`) {
			t.Errorf("got %d %s, %v, want the services", response.StatusCode, body, err)
		}
	}
	r.wait(t)
}

// refuses waits until nobody listens.
func refuses(t *testing.T, url string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			return
		}
		conn.Close()
	}
	t.Error("somebody still listens")
}

func TestRunEndsStreams(t *testing.T) {
	f, d := newFeed()
	r := run(t, d)
	response := r.follow(t, t.Context(), "?follow=true")
	f.say(t, "last words\n")
	r.stop()
	if _, err := io.ReadAll(response.Body); err != nil {
		t.Errorf("the stream broke off: %v", err)
	}
	f.wait(t)
	r.wait(t)
}

// A listener that fails is a failure to serve.
func TestRunWithoutListener(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := build(&standIn{}).Run(t.Context(), listener); err == nil || !strings.Contains(err.Error(), "serve API on 127.0.0.1:") {
		t.Errorf("Run: %v, want an error that names the address", err)
	}
}

// deadlined remembers the read deadline that it was given.
type deadlined struct {
	*httptest.ResponseRecorder
	read time.Time
}

func (d *deadlined) SetReadDeadline(at time.Time) error {
	d.read = at
	return nil
}

// A body has a deadline wherever it is sent. A request without one has none: it would end a stream.
func TestBodiesHaveDeadlines(t *testing.T) {
	for _, path := range []string{"/webhooks/github", "/api/v1/reconcile", "/healthz", "/nowhere"} {
		for body, want := range map[string]bool{"": false, "{}": true} {
			w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
			build(&standIn{}).Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body)))
			if has := !w.read.IsZero() && time.Until(w.read) <= 30*time.Second; has != want {
				t.Errorf("POST %s with %q: deadline at %v, want one: %t", path, body, w.read, want)
			}
		}
	}
}
