package deployertest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
)

func awaitExit(t *testing.T, rig Rig) {
	r := rig.release(t, "exits", rig.Exits)
	rig.start(t, r)
	_, err := rig.Runtime.Await(t.Context(), r, func(deployer.Report) {})
	if err == nil || errors.Is(err, deployer.ErrUnavailable) {
		t.Fatalf("awaited what exits with %v, want a final error", err)
	}
	for _, want := range []string{"code 3", rig.LastLine} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the reason %q does not hold %q", err, want)
		}
	}
}

func awaitDeadline(t *testing.T, rig Rig) {
	r := rig.release(t, "sick", rig.Sick)
	r.Service.Health.Deadline = 300 * time.Millisecond
	rig.start(t, r)
	_, err := rig.Runtime.Await(t.Context(), r, func(deployer.Report) {})
	if err == nil || errors.Is(err, deployer.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("awaited the sick one with %v, want an error of its own", err)
	}
	if !strings.Contains(err.Error(), "300ms") {
		t.Errorf("the reason %q does not name the deadline", err)
	}
}

func awaitCancelled(t *testing.T, rig Rig) {
	r := rig.release(t, "cancelled", rig.Sick)
	r.Service.Health.Deadline = time.Hour
	rig.start(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := rig.Runtime.Await(ctx, r, func(deployer.Report) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("awaited with %v, want context.Canceled", err)
	}
}
