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

// held makes the release of n hang in one step until the returned function is called.
func (r *rig) held(n int, in deployer.State) (release func()) {
	hold := make(chan struct{})
	step := deployertest.Step{Hold: hold}
	r.runtime.On(digest(n), map[deployer.State]deployertest.Script{
		deployer.Pulling: {Pull: step}, deployer.Starting: {Start: step}, deployer.Verifying: {Await: step},
	}[in])
	return func() { close(hold) }
}

// Mutant: commitProposalLocked without its stops.
func TestARunningOlderOneIsStopped(t *testing.T) {
	for _, in := range []deployer.State{deployer.Pulling, deployer.Starting, deployer.Verifying} {
		t.Run(string(in), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.deployed(1)
				r.held(2, in)
				stopped := r.submit(packaged(2))
				r.is(stopped, in)
				next := r.submit(packaged(3))
				r.because(stopped, deployer.Superseded, "(deployment "+next+")")
				r.is(next, deployer.Succeeded)
				r.serves(next)
			})
		})
	}
}

// Mutants: patience 3; patience 1; Stops not inherited.
func TestAfterTwoStoppedInARowTheThirdRunsToItsEnd(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		ids := map[int]string{}
		var release func()
		for n := 2; n <= 4; n++ {
			release = r.held(n, deployer.Verifying)
			ids[n] = r.submit(packaged(n))
		}
		r.is(ids[2], deployer.Superseded)
		r.is(ids[3], deployer.Superseded)
		r.is(ids[4], deployer.Verifying)
		ids[5], ids[6] = r.submit(packaged(5)), r.submit(packaged(6))
		r.is(ids[4], deployer.Verifying)
		if up := r.up("web"); slices.Contains(up, ids[5]) || slices.Contains(up, ids[6]) {
			r.Errorf("%q run, want none of those that wait for their turn", up)
		}
		release()
		r.settle()
		r.is(ids[4], deployer.Succeeded)
		r.is(ids[5], deployer.Superseded)
		r.is(ids[6], deployer.Succeeded)
		r.serves(ids[6])
	})
}

// Mutant: turnLocked is always true.
func TestWhileAnOlderOneDrainsTheNextPullsAndWaits(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		drained := r.traffic.holdDrains()
		second := r.submit(packaged(2))
		third := r.submit(packaged(3))
		r.is(second, deployer.Draining)
		r.is(third, deployer.Pulling)
		if r.count("pull web "+digest(3)) != 1 || r.count("start web "+digest(3)) != 0 {
			r.Errorf("calls %q, want it pulled and not started", r.runtime.Calls())
		}
		drained()
		r.settle()
		r.is(second, deployer.Succeeded)
		r.is(third, deployer.Succeeded)
		r.serves(third)
		calls := r.runtime.Calls()
		if slices.Index(calls, "retire web "+digest(1)) > slices.Index(calls, "start web "+digest(3)) {
			r.Errorf("calls %q, want the old release retired before the next starts", calls)
		}
	})
}

func recreated() deployer.Service {
	s := web()
	s.Strategy = deployer.Recreate
	return s
}

// Mutants: bringUp without makeWay; makeWay without drain.
func TestRecreateStopsTheOldReleaseFirst(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		drained := r.traffic.holdDrains()
		next := r.submit(packaged(2))
		if !r.traffic.isPaused("web") || r.count("halt web "+digest(1)) != 0 {
			r.Errorf("calls %q; want traffic paused and the old release still at its requests", r.runtime.Calls())
		}
		drained()
		r.settle()
		r.is(next, deployer.Succeeded)
		r.serves(next)
		calls := r.runtime.Calls()
		if at := slices.Index(calls, "halt web "+digest(1)); at < 0 || at > slices.Index(calls, "start web "+digest(2)) {
			r.Errorf("calls %q, want the old one halted before the new one starts", calls)
		}
	}, recreated())
}

// A start of the old release that gives way is no trouble. Mutant: startMissing that tells of every failure.
func TestAStartThatGivesWayIsNoTrouble(t *testing.T) {
	inBubble(t, func(r *rig) {
		first := r.deployed(1)
		r.held(1, deployer.Starting)
		r.runtime.Die(first, "exited with 1")
		r.settle()
		next := r.submit(packaged(2))
		r.is(next, deployer.Succeeded)
		if said := r.log.String(); !strings.Contains(said, "starting it again") || strings.Contains(said, "cannot start the live release again") {
			r.Errorf("the log:\n%s", said)
		}
	}, recreated())
}

// A release may take as long to stop as the configuration that made it allows, and the next one waits for that.
// Mutants: retireWithin without the service's stop; without those of earlier.
func TestRecreateWaitsAsLongAsTheOldReleaseMayTake(t *testing.T) {
	patient := recreated()
	patient.Stop = time.Hour
	inBubble(t, func(r *rig) {
		for n := range 2 {
			r.deployed(2*n + 1)
			r.runtime.On(digest(2*n+1), deployertest.Script{Halt: deployertest.Step{Delay: 50 * time.Minute}})
			if n == 0 {
				r.submit(packaged(2))
			} else {
				r.configure(recreated())
			}
			r.pass(51 * time.Minute)
			next := r.newest("web").ID
			r.is(next, deployer.Succeeded)
			r.serves(next)
		}
	}, patient)
}

// What cannot be made, for a secret that is damaged or a path that is missing, leaves what runs alone: nobody notices.
// Mutant: bringUp without Make.
func TestRecreateTouchesNothingWhenTheNextReleaseCannotBeMade(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		r.runtime.On(digest(2), deployertest.Script{Make: deployertest.Step{Err: errors.New("the variable PASSWORD is damaged")}})
		r.because(r.submit(packaged(2)), deployer.Failed, "PASSWORD is damaged")
		r.serves(old)
		if n := r.count("halt web " + digest(1)); n+r.traffic.pauses > 0 {
			r.Errorf("it was stopped %d times, and its requests held %d times", n, r.traffic.pauses)
		}
		r.is(r.submit(packaged(3)), deployer.Succeeded)
	}, recreated())
}

// Mutants: undo without giveBack; undo that gives a recreated release the short time.
func TestRecreateStartsTheOldReleaseAgain(t *testing.T) {
	sick := deployertest.Step{Err: errors.New("sick")}
	for name, c := range map[string]struct {
		script deployertest.Script
		want   deployer.State
	}{
		"when the start fails":        {deployertest.Script{Start: sick}, deployer.Failed},
		"when the new one is sick":    {deployertest.Script{Await: sick}, deployer.Failed},
		"when it is cancelled":        {deployertest.Script{Await: deployertest.Step{Delay: time.Hour}}, deployer.Cancelled},
		"when the new one stops late": {deployertest.Script{Await: deployertest.Step{Delay: time.Hour}, Halt: deployertest.Step{Delay: 8 * time.Second}}, deployer.Cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				old := r.deployed(1)
				r.runtime.On(digest(1), deployertest.Script{Await: deployertest.Step{Delay: 55 * time.Second}})
				r.runtime.On(digest(2), c.script)
				next := r.submit(packaged(2))
				if c.want == deployer.Cancelled {
					if _, err := r.Cancel(next); err != nil {
						r.Fatal(err)
					}
				}
				for range 65 {
					r.pass(time.Second)
					if up := r.up("web"); len(up) > 1 {
						r.Errorf("%q run side by side", up)
					}
				}
				r.is(next, c.want)
				r.serves(old)
				r.is(r.submit(packaged(3)), deployer.Succeeded)
			}, recreated())
		})
	}
}

// TestRecreateGivesBackWhatWasMadeWithAnEarlierConfiguration: that of today may be what the new release failed of.
// Mutant: releaseOf without Spec.
func TestRecreateGivesBackWhatWasMadeWithAnEarlierConfiguration(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		container := r.releases()[0].Replicas[0].Container
		r.services[0].Environment = map[string]deployer.Secret{"NEW": deployer.Plain("yes")}
		r.runtime.On(digest(1), deployertest.Script{Preflight: deployertest.Step{Err: errors.New("no room")}})
		r.restart() // the new configuration cannot be had, so the old one stays
		r.runtime.On(digest(1), deployertest.Script{})
		r.runtime.On(digest(2), deployertest.Script{Start: deployertest.Step{Err: errors.New("no such directory")}})
		next := r.submit(packaged(2))
		r.pass(5 * time.Second)
		r.is(next, deployer.Failed)
		r.serves(old)
		if i := slices.IndexFunc(r.releases(), func(one deployer.Running) bool { return one.ID == old }); r.releases()[i].Replicas[0].Container != container {
			r.Errorf("%+v run, want container %s started again", r.releases()[i].Replicas, container)
		}
	}, recreated())
}

// TestRecreateGivesBackToWhatIsWellAlone: an engine goes on stopping what it was told to stop, and that answers no more.
// Mutant: makeWay without distrust.
func TestRecreateGivesBackToWhatIsWellAlone(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		r.runtime.On(digest(1), deployertest.Script{Halt: deployertest.Step{Delay: 8 * time.Second}})
		next := r.submit(packaged(2))
		r.runtime.Sicken(old, 0, errSick)
		if _, err := r.Cancel(next); err != nil {
			r.Fatal(err)
		}
		for range 3 {
			r.pass(time.Second)
			if !r.traffic.isPaused("web") {
				r.Fatal("requests go to a release that was told to stop and answers badly")
			}
		}
		r.is(next, deployer.Cancelled)
		r.runtime.Sicken(old, 0, nil)
		r.pass(5 * time.Second)
		if r.traffic.isPaused("web") {
			r.Error("requests are still held though the old release is well")
		}
		r.serves(old)
	}, recreated())
}

// TestARecreateThatIsCancelledInItsDrainIsNoTrouble: the old release has not been touched, and nobody is told that it is down.
// Mutant: distrust before the drain.
func TestARecreateThatIsCancelledInItsDrainIsNoTrouble(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		r.notices = nil
		r.traffic.holdDrains()
		next := r.submit(packaged(2))
		if _, err := r.Cancel(next); err != nil {
			r.Fatal(err)
		}
		r.pass(time.Second)
		r.is(next, deployer.Cancelled)
		if r.traffic.isPaused("web") || len(r.notices) > 0 {
			r.Errorf("paused %v, told %+v; want the old release to go on unnoticed", r.traffic.isPaused("web"), r.notices)
		}
		r.serves(old)
	}, recreated())
}

// Mutant: makeWay that does not try again.
func TestRecreateWaitsForAnEngineThatIsAway(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		drained := r.traffic.holdDrains()
		next := r.submit(packaged(2))
		r.runtime.Away()
		drained()
		r.pass(20 * time.Second)
		r.runtime.Back()
		r.pass(time.Minute)
		r.is(next, deployer.Succeeded)
		r.serves(next)
	}, recreated())
}

// Mutant: Cancel that does not look at the state.
func TestCancelEndsWhatHasNotSwitched(t *testing.T) {
	for _, in := range []deployer.State{deployer.Waiting, deployer.Pulling, deployer.Starting, deployer.Verifying} {
		t.Run(string(in), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				old := r.deployed(1)
				r.held(2, in)
				id := r.submit(pushed(2))
				if in != deployer.Waiting {
					id = r.submit(packaged(2))
				}
				r.is(id, in)
				if _, err := r.Cancel(id); err != nil {
					r.Fatal(err)
				}
				r.settle()
				r.because(id, deployer.Cancelled, "cancelled on request")
				r.serves(old)
				if _, err := r.Cancel(id); !errors.Is(err, deployer.ErrEnded) {
					r.Errorf("cancelled again: %v, want ErrEnded", err)
				}
			})
		})
	}
}

func TestCancelRefusesWhatHasSwitched(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		drained := r.traffic.holdDrains()
		next := r.submit(packaged(2))
		if _, err := r.Cancel(next); !errors.Is(err, deployer.ErrPastSwitch) || !strings.Contains(err.Error(), "roll back instead") {
			r.Errorf("cancelled while draining: %v, want ErrPastSwitch and what to do", err)
		}
		drained()
		r.settle()
		r.serves(next)
		if _, err := r.Cancel("unknown"); !errors.Is(err, deployer.ErrNotFound) {
			r.Errorf("cancelled an unknown one: %v, want ErrNotFound", err)
		}
	})
}
