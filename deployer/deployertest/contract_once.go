package deployertest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
)

// once runs Task of a release that is pulled.
func (rig Rig) once(ctx context.Context, r deployer.Release, said func(string)) error {
	return rig.Runtime.RunOnce(ctx, r, "before", rig.Task, said)
}

func (rig Rig) isGone(t *testing.T, service string) {
	t.Helper()
	if n := rig.Tasks(t, service); n > 0 {
		t.Errorf("%d containers of it are left", n)
	}
}

func runOnce(t *testing.T, rig Rig) {
	r := rig.release(t, "once", rig.Good)
	rig.pull(t, r)
	for range 2 {
		var lines []string
		if err := rig.once(t.Context(), r, func(line string) { lines = append(lines, line) }); err != nil {
			t.Fatalf("run once: %v", err)
		}
		if !slices.Equal(lines, []string{rig.Saves}) {
			t.Errorf("it said %q, want %q", lines, rig.Saves)
		}
		rig.isGone(t, "once")
	}
	if found, ok := rig.find(t, r.ID); ok {
		t.Errorf("it is listed as a release: %+v", found)
	}
}

func runOnceFails(t *testing.T, rig Rig) {
	r := rig.release(t, "once-fails", rig.Exits)
	rig.pull(t, r)
	err := rig.once(t.Context(), r, func(string) {})
	if err == nil || errors.Is(err, deployer.ErrUnavailable) {
		t.Fatalf("ran with %v, want a final error", err)
	}
	for _, want := range []string{"code 3", rig.LastLine} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the reason %q does not hold %q", err, want)
		}
	}
	rig.isGone(t, "once-fails")
}

func runOnceCancelled(t *testing.T, rig Rig) {
	r := rig.release(t, "once-cancelled", rig.Sick)
	rig.pull(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := rig.Runtime.RunOnce(ctx, r, "before", nil, func(string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ran with %v, want context.Canceled", err)
	}
	rig.isGone(t, "once-cancelled")
}

// runOnceIsNoReplica: the release serves while something else of it runs once, and is asked, listed and halted without it.
func runOnceIsNoReplica(t *testing.T, rig Rig) {
	r := rig.release(t, "once-beside", rig.Sick)
	rig.start(t, r)
	before, _ := rig.find(t, r.ID)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun, ended := make(chan struct{}, 100), make(chan error, 1)
	go func() {
		ended <- rig.Runtime.RunOnce(ctx, r, "after", nil, func(string) { begun <- struct{}{} })
	}()
	select {
	case <-begun:
	case <-time.After(patience):
		t.Fatal("it says nothing")
	}
	if found, _ := rig.find(t, r.ID); !slices.Equal(found.Replicas, before.Replicas) {
		t.Errorf("listed as %+v, want %+v", found.Replicas, before.Replicas)
	}
	if err := rig.Runtime.Halt(t.Context(), r.ID, 0); err != nil {
		t.Fatal(err)
	}
	if n := rig.Tasks(t, "once-beside"); n != 1 {
		t.Errorf("the release halted, %d of it are left; want it to go on", n)
	}
	if found, _ := rig.find(t, r.ID); found.Up(1) || found.StoppedAt.IsZero() {
		t.Errorf("halted, it is %+v", found)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	rig.isGone(t, "once-beside")
}

func sweep(t *testing.T, rig Rig) {
	left, next := rig.release(t, "swept", rig.Sick), rig.release(t, "swept", rig.Good)
	rig.pull(t, left)
	rig.pull(t, next)
	rig.Leave(t, left)
	if n := rig.Tasks(t, "swept"); n != 1 {
		t.Fatalf("%d containers are left to be swept, want 1", n)
	}
	for range 2 {
		if err := rig.Runtime.Sweep(t.Context()); err != nil {
			t.Fatalf("sweep: %v", err)
		}
		rig.isGone(t, "swept")
	}
	rig.Leave(t, left)
	if err := rig.once(t.Context(), next, func(string) {
		if err := rig.Runtime.Sweep(t.Context()); err != nil {
			t.Errorf("sweep: %v", err)
		}
		if n := rig.Tasks(t, "swept"); n != 1 {
			t.Errorf("%d run at once, want what was left to be gone and this to go on", n)
		}
	}); err != nil {
		t.Errorf("run once: %v", err)
	}
	rig.isGone(t, "swept")
}
