package deployer_test

import (
	"errors"
	"testing"

	"fisherman/deployer"
)

// TestCurrentIsWhatIsLiveAndWhatIsOnItsWay, each once: a deployment that bakes is both.
func TestCurrentIsWhatIsLiveAndWhatIsOnItsWay(t *testing.T) {
	inBubble(t, func(r *rig) {
		expect := func(service string, want ...string) {
			t.Helper()
			current, err := r.Current(service)
			if err != nil || len(current) != len(want) {
				t.Fatalf("%d deployments, %v; want %d", len(current), err, len(want))
			}
			for i, d := range current {
				if d.ID != want[i] {
					t.Errorf("deployment %d is %s, which is %s; want %s", i, d.ID, d.State, want[i])
				}
			}
		}
		expect("")
		_, next := r.baking()
		expect("", next)
		waiting := r.submit(pushed(3))
		expect("web", waiting, next)
		if current, _ := r.Current(""); current[1].State != deployer.Baking {
			t.Errorf("what is live is %s", current[1].State)
		}
		if _, err := r.Current("nobody"); !errors.Is(err, deployer.ErrNotFound) {
			t.Errorf("of nobody: %v", err)
		}
	}, baked())
}
