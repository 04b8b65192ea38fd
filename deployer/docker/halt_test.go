package docker_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"fisherman/deployer"
)

// busy brings a release up and keeps it from ending at SIGTERM, with a request that it wants to finish first.
func (b *bench) busy(t *testing.T) deployer.Release {
	t.Helper()
	r := b.release(b.push(t))
	r.Service.Stop = time.Minute
	where := fmt.Sprintf("http://%s:8080/slow?ms=60000", b.live(t, r)[0].Address)
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan error, 1)
	go func() {
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			err = answer.Body.Close()
		}
		asked <- err
	}()
	t.Cleanup(func() { cancel(); <-asked })
	time.Sleep(100 * time.Millisecond) // until the app has it: nothing tells from outside
	return r
}

func haltGivesNoMoreThanItsGrace(t *testing.T, b *bench) {
	r := b.busy(t)
	begun := time.Now()
	if err := b.Halt(t.Context(), r.ID, time.Second); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < time.Second || took > 20*time.Second {
		t.Errorf("halted within %s, want a second of grace and no minute", took)
	}
	if got := b.ended(t, r); got != "exited with code 137" {
		t.Errorf("it %s, want SIGKILL", got)
	}
}

// The engine goes on with a stop that nobody waits for any more.
func haltOutlivesItsCaller(t *testing.T, b *bench) {
	r := b.busy(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := b.Halt(ctx, r.ID, 2*time.Second); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("halted with %v, want its context's end", err)
	}
	for end := time.Now().Add(30 * time.Second); b.inspect(t, b.container(r, 0)).State.Running; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it was never killed")
		}
	}
	if got := b.ended(t, r); got != "exited with code 137" {
		t.Errorf("it %s, want SIGKILL", got)
	}
}
