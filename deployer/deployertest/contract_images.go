package deployertest

import (
	"slices"
	"testing"

	"fisherman/deployer"
)

func clean(t *testing.T, rig Rig) {
	old, kept, other := rig.release(t, "cleaned", rig.Good), rig.release(t, "cleaned", rig.Next), rig.release(t, "other", rig.Good)
	for _, r := range []deployer.Release{old, kept, other} {
		rig.pull(t, r)
	}
	for range 2 {
		if err := rig.Runtime.Clean(t.Context(), "cleaned", []string{kept.ID}); err != nil {
			t.Fatalf("clean: %v", err)
		}
		if got := rig.Retained(t, "cleaned"); !slices.Equal(got, []string{kept.ID}) {
			t.Errorf("retained are %v, want %v only", got, kept.ID)
		}
	}
	if got := rig.Retained(t, "other"); !slices.Equal(got, []string{other.ID}) {
		t.Errorf("of the other service are retained %v, want %v", got, other.ID)
	}
	if err := rig.Runtime.Start(t.Context(), kept); err != nil {
		t.Errorf("start of what was kept: %v", err)
	}
}

func rollBack(t *testing.T, rig Rig) {
	first := rig.release(t, "rolls", rig.Good)
	rig.start(t, first)
	rig.await(t, first)
	again := rig.release(t, "rolls", rig.Good)
	again.From = first.ID
	rig.start(t, again)
	rig.await(t, again)
	if got := rig.Retained(t, "rolls"); !slices.Contains(got, again.ID) {
		t.Errorf("retained are %v, want %v among them", got, again.ID)
	}
}
