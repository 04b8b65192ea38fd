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

func listRetained(t *testing.T, rig Rig) {
	var want []string
	for range 3 {
		r := rig.release(t, "retained", rig.Good)
		rig.pull(t, r)
		want = append(want, r.ID)
	}
	retained := func() []string {
		t.Helper()
		ids, err := rig.Runtime.Retained(t.Context(), "retained")
		if err != nil {
			t.Fatalf("retained: %v", err)
		}
		return slices.Sorted(slices.Values(ids))
	}
	if got := retained(); !slices.Equal(got, want) {
		t.Errorf("retained are %v, want %v", got, want)
	}
	if err := rig.Runtime.Clean(t.Context(), "retained", want[1:]); err != nil {
		t.Fatalf("clean: %v", err)
	}
	if got := retained(); !slices.Equal(got, want[1:]) {
		t.Errorf("cleaned, retained are %v, want %v", got, want[1:])
	}
	if ids, err := rig.Runtime.Retained(t.Context(), "nobody"); err != nil || len(ids) > 0 {
		t.Errorf("of an unknown service are retained %v, %v", ids, err)
	}
}

func preflight(t *testing.T, rig Rig) {
	r := rig.release(t, "flies", rig.Good)
	for _, when := range []string{"before the pull", "after it"} {
		if err := rig.Runtime.Preflight(t.Context(), r); err != nil {
			t.Errorf("preflight %s: %v", when, err)
		}
		rig.pull(t, r)
	}
}
