package deployer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

var errSick = errors.New("it answers 500 Internal Server Error")

func doubled() deployer.Service {
	s := web()
	s.Replicas = 2
	return s
}

// addresses is where a release's replicas are, sorted, with the port.
func (r *rig) addresses(id string) []string {
	r.Helper()
	all := []string{}
	for _, running := range r.releases() {
		for _, replica := range running.Replicas {
			if running.ID == id && replica.Running {
				all = append(all, replica.Address+":8080")
			}
		}
	}
	slices.Sort(all)
	return all
}

func (r *rig) routedTo(want ...string) {
	r.Helper()
	slices.Sort(want)
	if got := r.traffic.routed("web")["a.pl/"]; !slices.Equal(got, want) {
		r.Errorf("the route leads to %q, want %q", got, want)
	}
}

// Mutants: observe without strikes; routesTo that takes what runs; a rotation that nobody joins again.
func TestASickReplicaLeavesTheRotationAndReturns(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		both := r.addresses(id)
		r.runtime.Sicken(id, 0, errSick)
		r.pass(6 * time.Second)
		r.routedTo(both...) // one or two bad answers are none
		r.pass(5 * time.Second)
		r.routedTo(both[1])
		if s, err := r.Service(r.Context(), "web"); err != nil || s.State != "degraded" || s.Replicas[0].Healthy || !s.Replicas[1].Healthy {
			r.Errorf("status %+v, %v; want it degraded, the first replica not healthy", s, err)
		}
		if len(r.notices) != 1 || r.notices[0].Down {
			r.Errorf("told %+v though one replica is well", r.notices)
		}
		r.runtime.Sicken(id, 0, nil)
		r.pass(10 * time.Second)
		r.routedTo(both...)
	}, doubled())
}

// Mutants: reckonLocked that tells every time; that never tells of the end.
func TestAServiceThatGoesDownIsToldOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		r.notices = nil
		r.runtime.Sicken(id, 0, errSick)
		r.pass(time.Hour)
		if len(r.notices) != 1 || !r.notices[0].Down || !strings.Contains(r.notices[0].Reason, "a look: "+errSick.Error()) {
			r.Fatalf("told %+v, want once that it is down and why", r.notices)
		}
		r.routedTo()
		if s, err := r.Service(r.Context(), "web"); err != nil || s.State != "down" {
			r.Errorf("status %+v, %v; want it down", s, err)
		}
		r.runtime.Sicken(id, 0, nil)
		r.pass(15 * time.Second)
		r.routedTo(r.addresses(id)...)
		if len(r.notices) != 2 || r.notices[1].Down {
			r.Errorf("told %+v, want that it is well again", r.notices)
		}
	})
}

// A restart of the program knows no better than the one before: an outage goes on, and is not told as two.
// Mutant: reckonLocked that takes what it trusts for what it knows.
func TestARestartDoesNotEndAnOutage(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		r.runtime.Sicken(id, 0, errSick)
		r.pass(time.Minute)
		r.notices = nil
		r.restart()
		r.pass(time.Minute)
		if len(r.notices) != 1 || !r.notices[0].Down {
			t.Errorf("told %+v, want that it is down", r.notices)
		}
		r.notices = nil
		r.runtime.Sicken(id, 0, nil)
		r.restart()
		r.pass(time.Minute)
		if len(r.notices) != 1 || r.notices[0].Down {
			t.Errorf("told %+v, want that it is well", r.notices)
		}
	})
}

// Mutant: meet that trusts what runs anew.
func TestAContainerThatTheEngineRestartedProvesItselfFirst(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		r.runtime.Sicken(id, 0, errSick)
		r.runtime.Sicken(id, 1, errSick)
		r.runtime.Restart(id, "exited with code 1")
		r.pass(time.Minute)
		r.routedTo()
		r.runtime.Sicken(id, 1, nil)
		r.pass(6 * time.Second)
		s, err := r.Service(r.Context(), "web")
		if err != nil || s.Replicas[0].Healthy || !s.Replicas[1].Healthy {
			r.Fatalf("status %+v, %v; want the second replica healthy", s, err)
		}
		r.routedTo(s.Replicas[1].Address + ":8080")
	}, doubled())
}

func TestAKilledContainerIsBackWithinASecond(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		r.notices = nil
		r.runtime.Die(id, "was killed for want of memory")
		r.pass(time.Second)
		r.serves(id)
		if len(r.notices) != 2 || !strings.Contains(r.notices[0].Reason, "was killed for want of memory") {
			r.Errorf("told %+v, want why it was down, and that it is well again", r.notices)
		}
	})
}

// Mutant: follow without nextStart.
func TestAContainerThatIsKilledTwiceIsBackInASecond(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		r.runtime.Die(id, "exited with code 137")
		r.pass(100 * time.Millisecond)
		r.serves(id)
		r.runtime.Die(id, "exited with code 137")
		r.pass(1500 * time.Millisecond)
		r.serves(id)
	})
}

// An engine that comes back may have given an old address to another app, which answers probes as well as ours did.
// Mutant: strikesLocked that lets replicas join while the engine is down.
func TestNobodyJoinsWhileTheEngineIsAway(t *testing.T) {
	inBubble(t, func(r *rig) {
		id := r.deployed(1)
		r.pass(time.Second)
		r.runtime.Away()
		r.runtime.Sicken(id, 0, fmt.Errorf("connect: %w", syscall.ECONNREFUSED))
		r.pass(5 * time.Second)
		r.routedTo()
		r.runtime.Sicken(id, 0, nil)
		r.pass(10 * time.Minute)
		r.routedTo()
		r.runtime.Back()
		r.pass(3 * time.Second)
		r.serves(id)
	})
}

// Mutants: strikesLost that counts everything; strikesLocked that takes ErrUnavailable for an answer.
func TestAnAppGoesOnWhileTheEngineIsAway(t *testing.T) {
	for name, answer := range map[string]error{
		"slow":                     context.DeadlineExceeded,
		"unwell":                   errSick,
		"asked through the engine": fmt.Errorf("exec: %w", deployer.ErrUnavailable),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				id := r.deployed(1)
				was := r.addresses(id)
				r.pass(time.Second)
				r.runtime.Away()
				r.runtime.Sicken(id, 0, answer)
				r.pass(10 * time.Minute)
				r.routedTo(was...)
			})
		})
	}
}

// A fix does not wait for the broken release that it replaces. Mutant: a lane that heals before it takes what is queued.
func TestAFixIsNotHeldUpByWhatIsBroken(t *testing.T) {
	inBubble(t, func(r *rig) {
		broken := r.deployed(1)
		r.stop()
		r.runtime.Die(broken, "exited with code 1")
		r.runtime.On(digest(1), deployertest.Script{Start: deployertest.Step{Delay: 25 * time.Second}})
		r.start()
		r.settle()
		fix := r.submit(packaged(2))
		r.pass(30 * time.Second)
		r.is(fix, deployer.Succeeded)
		r.serves(fix)
	})
}
