package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// turnstile is a socket before the engine's that writes down what is asked of it.
type turnstile struct {
	socket string

	mu    sync.Mutex // guards the field below
	calls []string   // "GET /v1.41/containers/json"
}

func newTurnstile(t testing.TB, engine string) *turnstile {
	t.Helper()
	path, local := strings.CutPrefix(engine, "unix://")
	if !local {
		t.Fatalf("these tests need the engine's own socket, not %s", engine)
	}
	dir, err := os.MkdirTemp("", "turnstile") // t.TempDir may be longer than a socket's path can be
	if err != nil {
		t.Fatal(err)
	}
	c := &turnstile{socket: filepath.Join(dir, "docker.sock")}
	listener, err := net.Listen("unix", c.socket)
	if err != nil {
		t.Fatal(err)
	}
	onward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "docker"})
	onward.FlushInterval = -1 // events and progress are for now
	onward.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	onward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) } // as the engine's own end
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.calls = append(c.calls, r.Method+" "+r.URL.Path)
		c.mu.Unlock()
		onward.ServeHTTP(w, r)
	})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends with Close
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
		_ = os.RemoveAll(dir)
	})
	return c
}

// since are the calls after so many, and how many there are by now.
func (c *turnstile) since(begin int) (calls []string, now int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append(calls, c.calls[begin:]...), len(c.calls)
}

// changing are those of calls that may change something.
func changing(calls []string) (changes []string) {
	for _, c := range calls {
		if !strings.HasPrefix(c, "GET ") && !strings.HasPrefix(c, "HEAD ") {
			changes = append(changes, c)
		}
	}
	return changes
}
