package deployer_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

func TestAPushWaitsForItsImageAndGoesLive(t *testing.T) {
	inBubble(t, func(r *rig) {
		first := r.submit(pushed(1))
		r.is(first, deployer.Waiting)
		if second := r.submit(packaged(1)); second != first {
			r.Errorf("the package got deployment %s, want the waiting %s", second, first)
		}
		d := r.is(first, deployer.Succeeded)
		const life = "waiting queued pulling starting verifying switching draining succeeded"
		if got := states(d); got != life {
			r.Errorf("it went %s, want %s", got, life)
		}
		if d.Digest != digest(1) || d.Commit != commit(1) || d.Author != "Octo Cat" || d.Message != "change" || d.Reason != "" {
			r.Errorf("it ended as %+v", d)
		}
		if d.Cause != (deployer.Cause{Kind: deployer.KindPackage, Delivery: "package-1", Sender: "octocat"}) {
			r.Errorf("its cause is %+v, want the package", d.Cause)
		}
		if d.FinishedAt.IsZero() || d.FinishedAt != d.Steps[len(d.Steps)-1].At {
			r.Errorf("it finished at %s, want the time of its last step", d.FinishedAt)
		}
		r.serves(first)
		observed := make([]string, len(r.observed))
		for i, o := range r.observed {
			observed[i] = string(o.State)
		}
		if got := strings.Join(slices.Compact(observed), " "); got != life {
			r.Errorf("observers saw %s, want %s", got, life)
		}
	})
}

// Mutant: cutOver before Await.
func TestTrafficMovesOnlyToAHealthyRelease(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		healthy := make(chan struct{})
		r.runtime.On(digest(2), deployertest.Script{Await: deployertest.Step{Hold: healthy}})
		next := r.submit(packaged(2))
		r.is(next, deployer.Verifying)
		if live := r.traffic.Live()["web"]; live != old {
			r.Errorf("traffic points at %s while the new release is not healthy, want %s", live, old)
		}
		if up := r.up("web"); !slices.Equal(up, []string{old, next}) {
			r.Errorf("%q run, want both", up)
		}
		close(healthy)
		r.settle()
		r.is(next, deployer.Succeeded)
		r.serves(next)
	})
}

// Mutant: retireOthers before drain.
func TestTheOldReleaseIsStoppedOnlyAfterItsDrain(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		drained := r.traffic.holdDrains()
		next := r.submit(packaged(2))
		r.is(next, deployer.Draining)
		if up := r.up("web"); !slices.Equal(up, []string{old, next}) || r.count("retire web "+digest(1)) != 0 {
			r.Errorf("%q run during the drain, want both; calls %q", up, r.runtime.Calls())
		}
		drained()
		r.settle()
		r.is(next, deployer.Succeeded)
		r.serves(next)
	})
}

// Mutant: drain without its deadline.
func TestADrainEndsAtItsDeadlineAndSaysWhatWasCut(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		release := r.traffic.holdDrains()
		defer release()
		next := r.submit(packaged(2))
		r.pass(29 * time.Second)
		r.is(next, deployer.Draining)
		r.pass(2 * time.Second)
		if d := r.is(next, deployer.Succeeded); !strings.Contains(d.Log(), "1 requests were still in flight on the old release after 30s and were cut") {
			r.Errorf("its log says nothing of the cut request:\n%s", d.Log())
		}
		r.serves(next)
	})
}

// Mutants: undo that retires what is live; Failed without the cause.
func TestAFailedReleaseLeavesTheOldOneUntouched(t *testing.T) {
	broken := errors.New("it does not work: exited with code 3; its last line: no database")
	for name, script := range map[string]deployertest.Script{
		"the pull fails":      {Pull: deployertest.Step{Err: broken}},
		"the start fails":     {Start: deployertest.Step{Err: broken}},
		"it is never healthy": {Await: deployertest.Step{Err: broken}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				old := r.deployed(1)
				routes := r.traffic.routed("web")["a.pl/"][0]
				r.runtime.On(digest(2), script)
				r.because(r.submit(packaged(2)), deployer.Failed, broken.Error())
				r.serves(old)
				if r.count("halt web "+digest(1)) != 0 || r.traffic.routed("web")["a.pl/"][0] != routes {
					r.Errorf("the old release was touched: %q", r.runtime.Calls())
				}
				next := r.submit(packaged(3))
				r.is(next, deployer.Succeeded)
				if all := r.releases(); len(all) != 1 || all[0].ID != next {
					r.Errorf("%+v exist after the next success, want its release alone", all)
				}
			})
		})
	}
}

func TestAReleaseThatIsNeverHealthyFailsAtItsDeadline(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		r.runtime.On(digest(2), deployertest.Script{Await: deployertest.Step{Hold: make(chan struct{})}})
		next := r.submit(packaged(2))
		r.pass(59 * time.Second)
		r.is(next, deployer.Verifying)
		r.pass(2 * time.Second)
		r.because(next, deployer.Failed, "not healthy after 1m0s")
		r.serves(old)
	})
}

func TestTrafficThatCannotBeSwitchedFailsTheDeployment(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		r.traffic.refuses(errors.New("the disk is full"))
		r.because(r.submit(packaged(2)), deployer.Failed, "switch traffic: the disk is full")
		r.traffic.refuses(nil)
		r.serves(old)
	})
}

// Mutant: retry that gives up at once.
func TestAnEngineThatIsAwayIsTriedAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.runtime.Away()
		next := r.submit(packaged(2))
		r.pass(5 * time.Minute)
		r.is(next, deployer.Pulling)
		if r.Ready() == nil {
			r.Error("it is ready without an engine")
		}
		r.runtime.Back()
		r.pass(time.Minute)
		r.is(next, deployer.Succeeded)
		r.serves(next)
		if err := r.Ready(); err != nil {
			r.Errorf("not ready with the engine back: %v", err)
		}
	})
}

func TestAnEngineThatStaysAwayFailsThePullAtItsDeadline(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.runtime.Away()
		next := r.submit(packaged(1))
		r.pass(19 * time.Minute)
		r.is(next, deployer.Pulling)
		r.pass(2 * time.Minute)
		r.because(next, deployer.Failed, "not done within 20m0s; the last try: the engine does not answer")
	})
}

// Mutant: pull that keeps its place between two tries.
func TestAPullThatIsTriedAgainHoldsUpNoOther(t *testing.T) {
	services := []deployer.Service{web(), web(), web(), web()}
	for i := range services {
		services[i].Name = "web" + string(rune('a'+i))
		services[i].Tag = services[i].Name
	}
	inBubble(t, func(r *rig) {
		r.runtime.On(digest(1), deployertest.Script{Pull: deployertest.Step{Err: deployer.ErrUnavailable}})
		for _, s := range services[:3] {
			if _, err := r.Deploy(s.Name, digest(1), "me"); err != nil {
				r.Fatal(err)
			}
		}
		r.settle()
		d, err := r.Deploy("webd", digest(2), "me")
		if err != nil {
			r.Fatal(err)
		}
		r.settle()
		r.is(d.ID, deployer.Succeeded)
	}, services...)
}

func TestTheCommitIsCorrectedByTheImage(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.submit(pushed(1))
		r.submit(pushed(2))
		r.submit(pushed(3))
		newest := r.submit(packaged(3))
		r.is(newest, deployer.Succeeded)
		r.runtime.On(digest(2), deployertest.Script{Revision: commit(2)})
		claims := packaged(2)
		claims.Commit = ""
		older := r.submit(claims)
		d := r.is(older, deployer.Superseded)
		if d.Commit != commit(2) || r.count("start web "+digest(2)) != 0 {
			r.Errorf("it is of commit %s and calls are %q; want it found out before its start", d.Commit, r.runtime.Calls())
		}
		r.serves(newest)
	})
}
