package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fisherman/deployer"
	"fisherman/server"
	"fisherman/server/client"
)

// A server that answers and never streams, because it has too many streams say, is not asked for ever.
func TestAStreamThatNeverComesIsGivenUp(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"error": "64 streams are open"}`)
			return
		}
		_, _ = io.WriteString(w, `{"id": "01A", "state": "waiting"}`)
	}))
	defer s.Close()
	c, err := client.New(s.URL, deployer.Plain("t"))
	if err != nil {
		t.Fatal(err)
	}
	f := &following{client: c, show: &plain{w: io.Discard}, last: server.Deployment{ID: "01A"}}
	away := f.read(t.Context())
	if err := f.await(t.Context(), away); err != nil {
		t.Errorf("at first it waits: %v", err)
	}
	f.lost = f.lost.Add(-serverPause)
	if err := f.await(t.Context(), away); err == nil || !strings.Contains(err.Error(), "64 streams") {
		t.Errorf("after a minute there is %v", err)
	}
}
