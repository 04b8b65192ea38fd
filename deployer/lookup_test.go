package deployer_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

func another(tag string, n int) deployer.Trigger {
	t := packaged(n)
	t.Tag, t.Delivery = tag, t.Delivery+"-"+tag
	return t
}

// Mutant: expire after an hour.
func TestAPushWithoutAnImageIsCancelledAfterThirtyMinutes(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		id := r.submit(pushed(2))
		r.pass(30*time.Minute - time.Second)
		r.is(id, deployer.Waiting)
		r.pass(2 * time.Second)
		d := r.is(id, deployer.Cancelled)
		if want := "no image for " + commit(2) + " within 30 min; nothing changed"; d.Reason != want {
			r.Errorf("its reason is %q, want %q", d.Reason, want)
		}
		r.serves(old)
		r.registry.forget()
		r.pass(time.Hour)
		if asked := r.registry.askedAt(); len(asked) > 0 {
			r.Errorf("the tag is still looked up, at %v", asked)
		}
	})
}

func TestTheTagOfAWaitingPushIsLookedUpBackingOff(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		r.registry.has("latest", 1)
		r.registry.forget()
		id := r.submit(pushed(2))
		r.pass(5 * time.Minute)
		asked := r.registry.askedAt()
		if want := []time.Duration{0, 2 * time.Second, 4 * time.Second}; len(asked) > 25 || !slices.Equal(asked[:3], want) {
			r.Errorf("asked at %v, want %v, then less and less often", asked, want)
		}
		if last := len(asked) - 1; asked[last]-asked[last-1] < 30*time.Second {
			r.Errorf("asked at %v, want it to back off", asked)
		}
		r.serves(old)
		r.registry.has("latest", 2)
		r.pass(time.Minute)
		if d := r.is(id, deployer.Succeeded); d.Digest != digest(2) || d.Cause.Kind != deployer.KindPush {
			r.Errorf("it is %+v, want the digest of the tag", d)
		}
		r.serves(id)
	})
}

// Mutant: found and proposeFoundLocked without Judged.
func TestALookUpNeverRunsAJudgedDigest(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.runtime.On(digest(2), deployertest.Script{Await: deployertest.Step{Err: errors.New("sick")}})
		r.deployed(1)
		r.is(r.submit(packaged(2)), deployer.Failed)
		r.registry.has("latest", 2)
		waiting := r.submit(pushed(3))
		r.deliver(another("v2", 2))
		r.pass(31 * time.Minute)
		r.is(waiting, deployer.Cancelled)
		if n := r.count("start web " + digest(2)); n != 1 {
			r.Errorf("the failed digest was started %d times, want once", n)
		}
		again := packaged(2)
		again.Delivery = "again"
		r.is(r.submit(again), deployer.Failed)
		if n := r.count("start web " + digest(2)); n != 2 {
			r.Errorf("a delivery that names it started it %d times in all, want twice", n)
		}
	})
}

// Mutant: another schedule.
func TestAnotherTagIsLookedUpFiveTimes(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		r.registry.has("latest", 1)
		r.registry.forget()
		r.deliver(another("v2", 2))
		r.pass(time.Hour)
		want := []time.Duration{0, 2 * time.Second, 10 * time.Second, time.Minute, 5 * time.Minute}
		if asked := r.registry.askedAt(); !slices.Equal(asked, want) {
			r.Errorf("asked at %v, want %v", asked, want)
		}
		r.serves(old)
	})
}

// Mutants: rememberLookup that forgets what is not done; New that forgets it.
func TestAnotherTagIsDeployedOnceTheServicesOwnIsTheSame(t *testing.T) {
	for name, interrupt := range map[string]func(*rig){
		"in one go":        func(*rig) {},
		"across a restart": func(r *rig) { r.restart() },
		"the registry fails": func(r *rig) {
			r.registry.failing(deployer.ErrUnavailable)
			r.pass(5 * time.Second)
			r.registry.failing(nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.deployed(1)
				if receipt := r.deliver(another("v2", 2)); len(receipt.Deployments) > 0 {
					r.Errorf("it led to %+v, want a look-up", receipt)
				}
				interrupt(r)
				r.registry.has("latest", 2)
				r.pass(time.Minute)
				d := r.is(r.traffic.Live()["web"], deployer.Succeeded)
				if d.Digest != digest(2) || d.Cause.Delivery != "package-2-v2" {
					r.Errorf("deployed %+v, want what was announced", d)
				}
				r.serves(d.ID)
			})
		})
	}
}

// Mutant: found that leaves a promised digest to its promise, which is due later.
func TestAnotherTagTakesOverItsWaitingPush(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		waiting := r.submit(pushed(2))
		r.deliver(another("v2", 2))
		r.pass(11 * time.Second)
		r.is(waiting, deployer.Waiting)
		r.registry.has("latest", 2)
		r.pass(10 * time.Second)
		if d := r.is(waiting, deployer.Succeeded); d.Cause.Kind != deployer.KindPackage {
			r.Errorf("its cause is %+v, want the package", d.Cause)
		}
		r.serves(waiting)
	})
}

func TestAnImageOlderThanTheWaitingPushDoesNotEndTheWait(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.registry.has("latest", 1)
		waiting := r.submit(pushed(2))
		r.pass(time.Minute)
		r.is(waiting, deployer.Waiting)
		if n := r.count("start web " + digest(1)); n != 1 {
			r.Errorf("the image that was there was started %d times, want once", n)
		}
		r.is(r.submit(packaged(2)), deployer.Succeeded)
		r.serves(waiting)
	})
}

func TestARegistryThatAsksToWaitIsNotAskedBefore(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.registry.failing(&deployer.RetryError{After: 5 * time.Minute, Err: errors.New("too many requests")})
		r.registry.forget()
		r.submit(pushed(2))
		r.pass(5*time.Minute - time.Second)
		if asked := r.registry.askedAt(); len(asked) != 1 {
			r.Errorf("asked at %v, want once", asked)
		}
		r.pass(2 * time.Second)
		if asked := r.registry.askedAt(); len(asked) != 2 {
			r.Errorf("asked at %v, want twice", asked)
		}
	})
}

// Mutant: bare is always false.
func TestAServiceThatNeverRanGetsItsTag(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.registry.has("latest", 1)
		r.pass(10 * time.Minute)
		all, err := r.Deployments("web", 10)
		if err != nil || len(all) != 1 || all[0].Cause.Kind != deployer.KindReconcile {
			r.Fatalf("deployments %+v, %v; want one by reconcile", all, err)
		}
		r.serves(all[0].ID)
	})
}
