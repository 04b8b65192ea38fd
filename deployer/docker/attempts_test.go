package docker

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"

	"fisherman/deployer"
)

// What a container answers is told each time and kept when it differs from its last answer, in what matters.
func TestAttemptsAreKeptWhenTheyDiffer(t *testing.T) {
	var kept []string
	var last deployer.Report
	a := newAttempts(func(r deployer.Report) {
		if last = r; !r.Passing {
			kept = append(kept, r.Text)
		}
	}, 4)
	reset := func(port int) error {
		return &net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{Port: port}, Addr: &net.TCPAddr{Port: 80}, Err: errors.New("connection reset")}
	}
	for port := range 9 {
		a.heard("web-0", 0, reset(port+1))
	}
	a.heard("web-1", 0, errors.New("it answers 503"))
	a.heard("web-0", 1, nil)
	a.heard("web-1", 1, nil)
	a.heard("web-0", 2, nil)
	want := []string{"web-0: read tcp :1->:80: connection reset", "web-1: it answers 503", "web-0 is well", "web-1 is well"}
	if !slices.Equal(kept, want) || last.Done != 3 || last.Total != 4 {
		t.Errorf("kept %q, the last one is %+v; want %q", kept, last, want)
	}
	for n := range 1000 {
		a.heard("web-0", 0, fmt.Errorf("no %d", n))
	}
	if len(kept) != maxAttempts || !last.Passing {
		t.Errorf("kept %d, the last one is %+v", len(kept), last)
	}
}
