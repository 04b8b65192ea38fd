package proxy_test

import (
	"io"
	"testing"

	"fisherman/proxy"
)

// TestWhatBeganBeforeARepointIsDrainedByTheSwitch: a container that was started again has another address, and what is
// in flight on the release stays there.
func TestWhatBeganBeforeARepointIsDrainedByTheSwitch(t *testing.T) {
	p := start(t, proxy.Options{})
	slow := newGate(t)
	point(t, p, "web", "1", only("a.pl/", slow.address))
	conn := dial(t, p)
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a.pl\r\n\r\n")
	<-slow.entered
	if cut := point(t, p, "web", "1", only("a.pl/", backend(t, says("moved"))))(over(), nil); cut != 0 {
		t.Errorf("pointing to the same release again cut %d", cut)
	}
	if _, body := get(t, p, "http://a.pl/"); body != "moved" {
		t.Errorf("after the re-point: %q", body)
	}
	drain := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))
	if cut := drain(over(), nil); cut != 1 {
		t.Errorf("the switch cut %d, want the one from before the re-point", cut)
	}
}
