package deployertest

import (
	"context"
	"errors"
	"testing"
	"time"
)

// patience is how long the suite waits for what must come.
const patience = 30 * time.Second

func watch(t *testing.T, rig Rig) {
	r := rig.release(t, "watched", rig.Good)
	rig.pull(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	changed, ended := make(chan string, 1000), make(chan error, 1)
	go func() { ended <- rig.Runtime.Watch(ctx, func(service, _ string) { changed <- service }) }()
	// Watch does not say when it has begun, so something happens until it notices.
	until(t, changed, "watched", func() {
		if err := errors.Join(rig.Runtime.Retire(t.Context(), r.ID), rig.Runtime.Start(t.Context(), r)); err != nil {
			t.Fatalf("restart: %v", err)
		}
	})
	for quiet := false; !quiet; { // what the starts above still tell
		select {
		case <-changed:
		case <-time.After(200 * time.Millisecond):
			quiet = true
		}
	}
	if err := rig.Runtime.Halt(t.Context(), r.ID, 0); err != nil {
		t.Fatalf("halt: %v", err)
	}
	until(t, changed, "watched", func() {})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("watch ended with %v, want context.Canceled", err)
	}
}

// until does something again and again until a change of the service is told.
func until(t *testing.T, changed <-chan string, service string, do func()) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		do()
		select {
		case got := <-changed:
			if got == service {
				return
			}
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatalf("no change of %s was told within %s", service, patience)
}
