package deployer_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

func baked() deployer.Service {
	s := web()
	s.Bake = time.Minute
	return s
}

// baking deploys release 1 and then 2, which bakes.
func (r *rig) baking() (old, next string) {
	r.Helper()
	old = r.deployed(1)
	next = r.submit(packaged(2))
	r.is(next, deployer.Baking)
	r.routedTo(r.addresses(next)...)
	return old, next
}

// Mutants: bake that returns at once; retireOthers before bake.
func TestTheOldReleaseStaysWarmWhileTheNewOneBakes(t *testing.T) {
	inBubble(t, func(r *rig) {
		old, next := r.baking()
		r.pass(59 * time.Second)
		r.is(next, deployer.Baking)
		if len(r.addresses(old)) != 1 {
			r.Error("the old release does not run any more")
		}
		if _, err := r.Cancel(next); !errors.Is(err, deployer.ErrPastSwitch) {
			r.Errorf("cancelled: %v, want ErrPastSwitch", err)
		}
		r.pass(2 * time.Second)
		r.is(next, deployer.Succeeded)
		r.serves(next)
	}, baked())
}

func TestAFirstReleaseDoesNotBake(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		if d := r.get(id); strings.Contains(states(d), "baking") {
			r.Errorf("it went through %s", states(d))
		}
	}, baked())
}

// Mutants: each case of worse.
func TestAReleaseThatIsWorseGoesBack(t *testing.T) {
	for name, c := range map[string]struct {
		worsen func(r *rig, old, next string)
		reason string
	}{
		"restarted":        {func(r *rig, _, next string) { r.runtime.Restart(next, "exited with code 2") }, "restarted 1 times"},
		"out of memory":    {func(r *rig, _, next string) { r.runtime.Starve(next) }, "restarted 1 times after the switch; a container ran out of memory"},
		"ended":            {func(r *rig, _, next string) { r.runtime.Die(next, "exited with code 2") }, "exited with code 2"},
		"sick":             {func(r *rig, _, next string) { r.runtime.Sicken(next, 0, errSick) }, errSick.Error()},
		"failing requests": {func(r *rig, _, next string) { r.traffic.answered(next, 100, 10) }, "10 of 100 requests failed (10.0 %); before the switch it was 2.0 % of 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				old := r.deployed(1)
				r.traffic.answered(old, 1000, 20)
				next := r.submit(packaged(2))
				r.is(next, deployer.Baking)
				c.worsen(r, old, next)
				r.pass(20 * time.Second)
				r.because(next, deployer.RolledBack, c.reason)
				r.because(next, deployer.RolledBack, "deployment "+old)
				r.serves(old)
				if judged := r.deliver(pushed(3)); len(judged.Deployments) != 1 {
					r.Errorf("the next push led to %+v", judged)
				}
				r.registry.has("latest", 2)
				r.pass(time.Hour)
				r.serves(old) // a look-up never brings back what was rolled back
				r.is(r.submit(packaged(4)), deployer.Baking)
			}, baked())
		})
	}
}

// Long requests and WebSockets may keep the old release for all of its drain time; they are done whatever becomes of it.
// Mutants: letGo that drains first; that does not wait for the drain; drain without wentBack.
func TestNobodyWaitsForADrainToGoBack(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		end := r.traffic.holdDrains()
		next := r.submit(packaged(2))
		r.is(next, deployer.Draining)
		r.pass(2 * time.Second)
		r.is(next, deployer.Draining)
		r.traffic.answered(next, 100, 60)
		r.pass(2 * time.Second)
		if live := r.traffic.Live()["web"]; live != old {
			t.Errorf("%s is live, want %s", live, old)
		}
		r.is(next, deployer.Baking)
		events, _ := r.readAll(deployer.EventOptions{Deployment: next})
		if now := events[len(events)-1].Progress; now == nil || now.Text != "3 requests in flight on the new release" {
			t.Errorf("meanwhile it tells %+v", now)
		}
		end()
		r.pass(time.Second)
		r.because(next, deployer.RolledBack, "60 of 100 requests failed")
		if log := r.get(next).Log(); strings.Contains(log, "on the old release ended") {
			t.Errorf("what goes on with the old release has ended, says the log:\n%s", log)
		}
		r.serves(old)
	}, baked())
}

// Mutants: worse without a minimum; without a margin.
func TestFewOrSlightlyMoreFailuresDoNotSpeakAgainstARelease(t *testing.T) {
	for name, answers := range map[string][2]uint64{"few": {19, 19}, "slightly more": {1000, 69}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				old := r.deployed(1)
				r.traffic.answered(old, 1000, 20)
				next := r.submit(packaged(2))
				r.traffic.answered(next, answers[0], answers[1])
				r.pass(2 * time.Minute)
				r.is(next, deployer.Succeeded)
			}, baked())
		})
	}
}

// Mutant: goBack that does not ask the old release.
func TestNobodyGoesBackToAReleaseThatIsNotWell(t *testing.T) {
	inBubble(t, func(r *rig) {
		old, next := r.baking()
		r.runtime.Sicken(old, 0, errSick)
		r.traffic.answered(next, 100, 60)
		r.pass(2 * time.Minute)
		d := r.is(next, deployer.Succeeded)
		if !strings.Contains(d.Log(), "not well either") {
			r.Errorf("its log does not say so:\n%s", d.Log())
		}
		r.serves(next)
	}, baked())
}

// Mutant: bake without isFollowed.
func TestABakeIsEndedByWhatComesNext(t *testing.T) {
	inBubble(t, func(r *rig) {
		_, next := r.baking()
		r.pass(10 * time.Second)
		third := r.submit(packaged(3))
		r.is(next, deployer.Succeeded)
		r.is(third, deployer.Baking)
		r.pass(2 * time.Minute)
		r.serves(third)
	}, baked())
}

// Mutant: a bake that begins anew after a restart.
func TestABakeGoesOnAfterARestart(t *testing.T) {
	inBubble(t, func(r *rig) {
		old, next := r.baking()
		r.pass(30 * time.Second)
		r.restart()
		r.is(next, deployer.Baking)
		r.pass(25 * time.Second)
		r.is(next, deployer.Baking)
		if len(r.addresses(old)) != 1 {
			r.Error("the old release was ended by the restart")
		}
		r.pass(10 * time.Second)
		r.is(next, deployer.Succeeded)
		r.serves(next)
	}, baked())
}

// A crash between the switch back and the journal. Mutant: resumed without the case.
func TestASwitchBackSurvivesACrash(t *testing.T) {
	inBubble(t, func(r *rig) {
		old, next := r.baking()
		r.traffic.holdDrains()
		r.traffic.answered(next, 100, 60)
		r.pass(2 * time.Second)
		if live := r.traffic.Live()["web"]; live != old {
			r.Fatalf("%s is live, want %s", live, old)
		}
		r.is(next, deployer.Baking)
		r.restart()
		r.because(next, deployer.RolledBack, "60 of 100 requests failed")
		r.pass(11 * time.Second)
		r.serves(old)
	}, baked())
}

// Mutant: Told that is not in the journal.
func TestWhatWasCancelledStaysSoAfterACrash(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		r.runtime.On(digest(2), deployertest.Script{Await: deployertest.Step{Delay: time.Hour}, Halt: deployertest.Step{Delay: time.Hour}})
		next := r.submit(packaged(2))
		if d, err := r.Cancel(next); err != nil || d.Told == nil {
			r.Fatalf("cancelled: %+v, %v", d, err)
		}
		r.restart()
		r.because(next, deployer.Cancelled, "on request")
		r.pass(11 * time.Second)
		r.serves(old)
	})
}

func TestCancelEndsWithinFiveSecondsThoughTheEngineHangs(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		r.runtime.On(digest(2), deployertest.Script{Await: deployertest.Step{Delay: time.Hour}, Halt: deployertest.Step{Delay: time.Hour}})
		next := r.submit(packaged(2))
		if _, err := r.Cancel(next); err != nil {
			r.Fatal(err)
		}
		r.pass(5 * time.Second)
		r.is(next, deployer.Cancelled)
		r.runtime.On(digest(2), deployertest.Script{})
		r.pass(10 * time.Second)
		r.serves(old) // what could not be stopped in time is stopped all the same
	})
}

// Mutant: isFollowed that takes what has no digest.
func TestABakeIsNotEndedByWhatMayNeverCome(t *testing.T) {
	inBubble(t, func(r *rig) {
		old, next := r.baking()
		r.registry.failing(deployer.ErrUnavailable)
		if _, err := r.Deploy("web", "v9", "octocat"); err != nil {
			r.Fatal(err)
		}
		r.pass(10 * time.Second)
		r.is(next, deployer.Baking)
		if len(r.addresses(old)) != 1 {
			r.Error("the old release does not run any more")
		}
	}, baked())
}

// Mutants: see without lost; show that looks while the engine is away.
func TestAnEngineThatRestartsDoesNotSpeakAgainstARelease(t *testing.T) {
	inBubble(t, func(r *rig) {
		old, next := r.baking()
		r.pass(time.Second)
		r.runtime.Away()
		r.pass(5 * time.Second)
		r.runtime.Die(old, "exited with code 0")
		r.runtime.Die(next, "exited with code 0")
		r.runtime.Back()
		r.pass(2 * time.Minute)
		r.is(next, deployer.Succeeded)
		r.serves(next)
	}, baked())
}
