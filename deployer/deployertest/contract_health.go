package deployertest

import (
	"errors"
	"testing"
	"time"

	"fisherman/deployer"
)

func sayWhyEnded(t *testing.T, rig Rig) {
	r := rig.release(t, "ends", rig.Good)
	r.Service.Replicas = 2
	rig.start(t, r)
	for _, replica := range rig.await(t, r) {
		if replica.Ended != "" {
			t.Errorf("it runs, and has ended because it %q", replica.Ended)
		}
	}
	if err := rig.Runtime.Halt(t.Context(), r.ID, 0); err != nil {
		t.Fatalf("halt: %v", err)
	}
	found, _ := rig.find(t, r.ID)
	for _, replica := range found.Replicas {
		if replica.Running || replica.Ended == "" || replica.Address != "" {
			t.Errorf("halted, it is %+v; want to know why it does not run", replica)
		}
	}
}

func probe(t *testing.T, rig Rig) {
	r := rig.release(t, "probed", rig.Good)
	rig.start(t, r)
	replica := rig.await(t, r)[0]
	asks, err := rig.Runtime.Prober(t.Context(), r)
	if err != nil || asks.What == "" || asks.Every < time.Second {
		t.Fatalf("probed by %+v, %v; want to know how, and not too often", asks, err)
	}
	if err := asks.Ask(t.Context(), replica); err != nil {
		t.Errorf("one that is well: %v", err)
	}
	if err := rig.Runtime.Halt(t.Context(), r.ID, 0); err != nil {
		t.Fatalf("halt: %v", err)
	}
	found, _ := rig.find(t, r.ID) // its old address may be another's by now
	if err := asks.Ask(t.Context(), found.Replicas[0]); err == nil || errors.Is(err, deployer.ErrUnavailable) {
		t.Errorf("one that has ended: %v, want that it is not well", err)
	}
}

func haltWithGrace(t *testing.T, rig Rig) {
	r := rig.release(t, "graceful", rig.Good)
	rig.start(t, r)
	rig.await(t, r)
	for range 2 {
		if err := rig.Runtime.Halt(t.Context(), r.ID, 3*time.Second); err != nil {
			t.Fatalf("halt: %v", err)
		}
	}
	if found, ok := rig.find(t, r.ID); !ok || found.Up(1) {
		t.Errorf("halted, it is %+v, %v; want it kept, stopped", found, ok)
	}
}

// countRestarts: only what the engine does by itself counts.
func countRestarts(t *testing.T, rig Rig) {
	r := rig.release(t, "steady", rig.Good)
	rig.start(t, r)
	rig.await(t, r)
	if err := errors.Join(rig.Runtime.Halt(t.Context(), r.ID, 0), rig.Runtime.Start(t.Context(), r)); err != nil {
		t.Fatalf("restart: %v", err)
	}
	rig.await(t, r)
	for _, id := range []string{r.ID, "01ARZ3NDEKTSV4RRFFQ69G5FAV"} {
		if n, err := rig.Runtime.Restarts(t.Context(), id); err != nil || n != 0 {
			t.Errorf("the engine started %s again %d times, %v; want never", id, n, err)
		}
	}
}
