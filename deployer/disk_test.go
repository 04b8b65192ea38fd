package deployer_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

// failing is a journal on a disk that can be full.
type failing struct {
	deployer.Journal
	full atomic.Bool
}

// around is for a rig to wrap its journal with.
func (f *failing) around(j deployer.Journal) deployer.Journal {
	f.Journal = j
	return f
}

func (f *failing) Commit(c deployer.Change) error {
	if nothing := len(c.Deployments)+len(c.Orders)+len(c.Lookups) == 0 && c.Delivery == nil; f.full.Load() && !nothing {
		return errors.New("no space left on device")
	}
	return f.Journal.Commit(c)
}

// TestNothingIsAcceptedThatIsNotOnDisk: the disk is full. Mutant: commitLocked that forgets the journal's error.
func TestNothingIsAcceptedThatIsNotOnDisk(t *testing.T) {
	inBubble(t, func(r *rig) {
		live := r.deployed(1)
		waiting := r.submit(pushed(2))
		r.stop()
		full := &failing{}
		r.wrap = full.around
		r.start()
		r.settle()
		r.deliver(another("v2", 2))
		full.full.Store(true)
		r.registry.forget()
		if _, err := r.Submit(packaged(3)); err == nil || !strings.Contains(err.Error(), "no space left") {
			r.Errorf("submitted on a full disk: %v", err)
		}
		r.pass(40 * time.Minute)
		r.serves(live)
		r.is(waiting, deployer.Waiting)
		if asked := r.registry.askedAt(); len(asked) > 300 {
			r.Errorf("the registry was asked %d times in 40 minutes, because the journal is full", len(asked))
		}
		full.full.Store(false)
		r.pass(time.Minute)
		r.is(waiting, deployer.Cancelled)
		r.is(r.submit(packaged(3)), deployer.Succeeded)
	})
}

func TestAStopDoesNotWaitForAFullDisk(t *testing.T) {
	inBubble(t, func(r *rig) {
		full := &failing{}
		r.stop()
		r.wrap = full.around
		r.start()
		sick := make(chan struct{})
		r.runtime.On(digest(1), deployertest.Script{Await: deployertest.Step{Hold: sick, Err: errors.New("sick")}})
		id := r.submit(packaged(1))
		full.full.Store(true)
		if _, err := r.Cancel(id); err == nil || !strings.Contains(err.Error(), "no space left") {
			r.Errorf("cancelled on a full disk: %v, want a refusal: a crash would forget it", err)
		}
		close(sick)
		r.pass(time.Minute)
		begun := time.Now()
		r.stop()
		if took := time.Since(begun); took > time.Second {
			r.Errorf("it took %s to stop", took)
		}
		full.full.Store(false)
		r.runtime.On(digest(1), deployertest.Script{})
		r.start()
		r.settle()
		r.serves(id)
	})
}
