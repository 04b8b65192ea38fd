package docker_test

import (
	"strings"
	"testing"
	"time"
)

// What Docker starts again is counted, and its end for want of memory is told even though no listing shows it any more.
func restartsAreCountedAndTold(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	r.Service.Resources.Memory = 64 << 20
	at := b.live(t, r)[0].Address
	fates := make(chan string, 100)
	watched := make(chan error, 1)
	go func() {
		watched <- b.Watch(t.Context(), func(service, fate string) {
			if service == r.Service.Name && fate != "" {
				fates <- fate
			}
		})
	}()
	time.Sleep(200 * time.Millisecond) // it listens by now
	eatTooMuch(t, at)
	select {
	case fate := <-fates:
		if !strings.Contains(fate, "memory") {
			t.Errorf("told that it %q, want that memory ran out", fate)
		}
	case err := <-watched:
		t.Fatal(err)
	case <-time.After(20 * time.Second):
		t.Error("its end was not told")
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		n, err := b.Restarts(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it was started again %d times, want once", n)
		}
	}
}
