package deployer_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

// rolledBack asks for a rollback, which must succeed, and returns its deployment.
func (r *rig) rolledBack(to string) deployer.Deployment {
	r.Helper()
	d, err := r.Rollback("web", to, "me")
	if err != nil {
		r.Fatal(err)
	}
	r.settle()
	d = r.is(d.ID, deployer.Succeeded)
	r.serves(d.ID)
	return d
}

// Mutants: origin without From; previous that takes rollbacks.
func TestRollback(t *testing.T) {
	for name, c := range map[string]struct {
		walk func(r *rig, ids map[int]string) deployer.Deployment
		want int
	}{
		"once goes to the release before": {func(r *rig, _ map[int]string) deployer.Deployment { return r.rolledBack("") }, 3},
		"twice goes back two": {func(r *rig, _ map[int]string) deployer.Deployment {
			r.rolledBack("")
			return r.rolledBack("")
		}, 2},
		"to a named one": {func(r *rig, ids map[int]string) deployer.Deployment { return r.rolledBack(ids[1]) }, 1},
		"after one to a rollback goes to the release before its origin": {func(r *rig, _ map[int]string) deployer.Deployment {
			back := r.rolledBack("")
			r.deployed(5)
			r.rolledBack(back.ID)
			return r.rolledBack("")
		}, 2},
		"across a restart that had to deploy anew": {func(r *rig, _ map[int]string) deployer.Deployment {
			back := r.rolledBack("")
			r.stop()
			_ = r.runtime.Retire(r.Context(), back.ID)
			r.start()
			r.settle()
			return r.rolledBack("")
		}, 2},
		"after a rollback and another release goes to what served before it": {func(r *rig, _ map[int]string) deployer.Deployment {
			r.rolledBack("")
			r.deployed(5)
			return r.rolledBack("")
		}, 3},
		"not to a failed one": {func(r *rig, _ map[int]string) deployer.Deployment {
			r.runtime.On(digest(5), deployertest.Script{Await: deployertest.Step{Err: errors.New("sick")}})
			r.is(r.submit(packaged(5)), deployer.Failed)
			return r.rolledBack("")
		}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				ids := map[int]string{}
				for n := 1; n <= 4; n++ {
					ids[n] = r.deployed(n)
				}
				d := c.walk(r, ids)
				if d.Digest != digest(c.want) || d.Commit != commit(c.want) || d.From != ids[c.want] {
					r.Errorf("it is at %s of %s from %s, want release %d of %s", d.Digest, d.Commit, d.From, c.want, ids[c.want])
				}
				if d.Cause.Kind != deployer.KindRollback || d.Cause.Sender != "me" {
					r.Errorf("its cause is %+v", d.Cause)
				}
			})
		})
	}
}

func TestThePushAfterARollbackIsDeployedAndTheOldLookUpIsNot(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.deployed(2)
		r.registry.has("latest", 2)
		back := r.rolledBack("")
		r.pass(time.Hour)
		r.serves(back.ID)
		r.restart()
		r.pass(time.Hour)
		r.serves(back.ID)
		r.submit(pushed(3))
		next := r.submit(packaged(3))
		r.is(next, deployer.Succeeded)
		r.serves(next)
	})
}

func TestARollbackThatCannotBeIsRefused(t *testing.T) {
	inBubble(t, func(r *rig) {
		var invalid *deployer.InvalidError
		if _, err := r.Rollback("web", "", "me"); !errors.As(err, &invalid) {
			r.Errorf("without a past: %v, want it invalid", err)
		}
		r.runtime.On(digest(1), deployertest.Script{Await: deployertest.Step{Err: errors.New("sick")}})
		failed := r.submit(packaged(1))
		if _, err := r.Rollback("web", failed, "me"); !errors.As(err, &invalid) {
			r.Errorf("to a failed one: %v, want it invalid", err)
		}
		if _, err := r.Rollback("web", "unknown", "me"); !errors.Is(err, deployer.ErrNotFound) {
			r.Errorf("to an unknown one: %v, want ErrNotFound", err)
		}
		if _, err := r.Rollback("unknown", "", "me"); !errors.Is(err, deployer.ErrNotFound) {
			r.Errorf("of an unknown service: %v, want ErrNotFound", err)
		}
	})
}

func TestRetainedReleasesAreThoseToGoBackTo(t *testing.T) {
	inBubble(t, func(r *rig) {
		ids := map[int]string{}
		for n := 1; n <= 6; n++ {
			ids[n] = r.deployed(n)
		}
		if kept, want := r.runtime.Images("web"), []string{ids[3], ids[4], ids[5], ids[6]}; !slices.Equal(kept, want) {
			r.Errorf("images of %q are kept, want the live one and three before: %q", kept, want)
		}
		back := r.rolledBack("")
		if kept := r.runtime.Images("web"); !slices.Contains(kept, ids[4]) || !slices.Contains(kept, ids[5]) || !slices.Contains(kept, back.ID) {
			r.Errorf("images of %q are kept after a rollback, want also %s, its origin and %s", kept, back.ID, ids[4])
		}
	})
}

// Mutants: Deploy subject to order; resolve that does not freeze.
func TestAPersonDeploys(t *testing.T) {
	for name, c := range map[string]struct {
		reference string
		want      int
	}{
		"the service's own tag":     {"", 3},
		"another tag":               {"v1", 1},
		"a digest":                  {digest(1), 1},
		"a digest nobody announced": {digest(9), 9},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.runtime.On(digest(1), deployertest.Script{Revision: commit(1)})
				r.deployed(1)
				r.deployed(2)
				r.registry.has("latest", 3)
				r.registry.has("v1", 1)
				d, err := r.Deploy("web", c.reference, "me")
				if err != nil {
					r.Fatal(err)
				}
				r.settle()
				if got := r.is(d.ID, deployer.Succeeded); got.Digest != digest(c.want) || got.Cause.Kind != deployer.KindManual {
					r.Errorf("it is %+v, want release %d by hand", got, c.want)
				}
				r.serves(d.ID)
				r.is(r.submit(packaged(4)), deployer.Succeeded)
			})
		})
	}
}

func TestAPersonsDeployOfWhatIsLiveIsUnchanged(t *testing.T) {
	inBubble(t, func(r *rig) {
		live := r.deployed(1)
		r.registry.has("latest", 1)
		for _, reference := range []string{"", "latest", digest(1)} {
			d, err := r.Deploy("web", reference, "me")
			if err != nil {
				r.Fatal(err)
			}
			r.settle()
			r.because(d.ID, deployer.Unchanged, "is live already, as deployment "+live)
		}
		r.serves(live)
	})
}

// Mutant: onItsWay without its deliberate case.
func TestAPersonHasTheLastWordOverWhatDrainsAndWhatIsQueued(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		drained := r.traffic.holdDrains()
		second := r.submit(packaged(2))
		third := r.submit(packaged(3))
		asked, err := r.Deploy("web", digest(2), "me")
		if err != nil {
			r.Fatal(err)
		}
		drained()
		r.settle()
		r.is(third, deployer.Superseded)
		r.is(asked.ID, deployer.Unchanged)
		r.serves(second)
	})
}

func TestADeployThatCannotBe(t *testing.T) {
	inBubble(t, func(r *rig) {
		var invalid *deployer.InvalidError
		if _, err := r.Deploy("web", "not a tag", "me"); !errors.As(err, &invalid) {
			r.Errorf("a strange reference: %v, want it invalid", err)
		}
		if _, err := r.Deploy("unknown", "", "me"); !errors.Is(err, deployer.ErrNotFound) {
			r.Errorf("an unknown service: %v, want ErrNotFound", err)
		}
		d, err := r.Deploy("web", "missing", "me")
		if err != nil {
			r.Fatal(err)
		}
		r.settle()
		r.because(d.ID, deployer.Failed, "tag missing of ghcr.io/o/web not found")
	})
}

func TestARegistryThatIsAwayIsAskedAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.registry.failing(deployer.ErrUnavailable)
		d, err := r.Deploy("web", "latest", "me")
		if err != nil {
			r.Fatal(err)
		}
		r.pass(3 * time.Minute)
		r.is(d.ID, deployer.Pulling)
		r.registry.failing(nil)
		r.registry.has("latest", 1)
		r.pass(time.Minute)
		r.is(d.ID, deployer.Succeeded)
		r.serves(d.ID)
	})
}
