package deployer_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"fisherman/deployer"
)

// lacking is a service of which something could not be read at the start.
func lacking(s deployer.Service) deployer.Service {
	s.Lacks = "s3://box/web.env cannot be reached"
	return s
}

// with is a service with a variable that comes from what could not be read.
func with(value string) deployer.Service {
	s := web()
	s.Environment = map[string]deployer.Secret{"FROM_FILE": deployer.Plain(value)}
	return s
}

// TestWhatCannotBeReadRollsNothing: what runs goes on, counts as what is configured, and is compared again once all is known.
// Mutant: made without Lacks.
func TestWhatCannotBeReadRollsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		returns deployer.Service
		rolls   bool
	}{
		"and it comes back as it was":  {with("one"), false},
		"and it comes back as another": {with("two"), true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				old, container := r.deployed(1), r.containers("web")
				r.services[0] = lacking(web())
				r.restart()
				r.pass(time.Hour)
				if up := r.containers("web"); r.newest("web").ID != old || !slices.Equal(up, container) {
					r.Fatalf("%+v is newest and %q run, want %s and %q", r.newest("web"), up, old, container)
				}
				r.serves(old)
				r.is(r.ask(1), deployer.Unchanged)
				r.configure(c.returns)
				r.pass(time.Minute)
				if d := r.newest("web"); (d.State == deployer.Succeeded) != c.rolls {
					r.Errorf("the newest deployment is %+v", d)
				}
			}, with("one"))
		})
	}
}

// TestWhatCannotBeMadeIsMadeLater: nothing is judged by it, and a person, a push or the first start needs no other word.
// Mutants: begin without lacking; keepConfigured without wanted, or that forgets it before it is on disk; New or arrange without
// recallWanted.
func TestWhatCannotBeMadeIsMadeLater(t *testing.T) {
	for when, readable := range map[string]func(*rig, *failing){
		"read while it runs":     func(r *rig, _ *failing) { r.configure(with("one")) },
		"read by the next start": func(r *rig, _ *failing) { r.services[0] = with("one"); r.restart() },
		"read when its service is back": func(r *rig, _ *failing) {
			r.configure(second())
			r.pass(15 * time.Second)
			r.configure(with("one"), second())
		},
		"read on a full disk": func(r *rig, full *failing) {
			full.full.Store(true)
			r.configure(with("one"))
			r.pass(30 * time.Second)
			full.full.Store(false)
		},
	} {
		t.Run(when, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				old, full := r.deployed(1), &failing{}
				r.wrap = full.around
				r.services[0] = lacking(web())
				r.restart()
				d := r.submit(packaged(2))
				r.because(d, deployer.Cancelled, "s3://box/web.env cannot be reached")
				r.serves(old)
				readable(r, full)
				r.pass(time.Minute)
				next := r.newest("web")
				if next.Digest != digest(2) || next.Cause != r.get(d).Cause {
					r.Fatalf("the newest deployment is %+v", next)
				}
				r.is(next.ID, deployer.Succeeded)
				r.serves(next.ID)
				r.pass(time.Hour)
				if again := r.newest("web"); again.ID != next.ID {
					r.Errorf("another one followed: %+v", again)
				}
			}, with("one"))
		})
	}
}

// What could not be made is of the image that the configuration had then. Mutant: keepConfigured that does not compare the images.
func TestWhatCouldNotBeMadeIsNotMadeOfAnotherImage(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.services[0] = lacking(web())
		r.restart()
		r.is(r.submit(packaged(2)), deployer.Cancelled)
		other := with("one")
		other.Image = "ghcr.io/o/new"
		r.hasImage(other, "latest", 4)
		r.configure(other)
		r.pass(time.Hour)
		all, err := r.Deployments("web", 10)
		if err != nil || len(all) != 3 || all[0].Digest != digest(4) || all[0].State != deployer.Succeeded {
			r.Errorf("there are %+v, %v; want %s after what could not be made", all, err, digest(4))
		}
	}, with("one"))
}

// A service is removed right after what it lacked has come, before anybody has seen that. Mutant: keepConfigured without removed.
func TestWhatCouldNotBeMadeEndsWithItsService(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.services[0] = lacking(web())
		r.restart()
		r.is(r.submit(packaged(2)), deployer.Cancelled)
		answer := r.registry.answersLate("tag") // who would see it waits for that
		r.submit(pushed(3))
		r.pass(5 * time.Second)
		r.configure(with("one"), second())
		r.traffic.onPoint(func() {
			answer()
			time.Sleep(time.Millisecond)
		})
		r.configure(second())
		r.pass(time.Minute)
		if up := r.up("web"); len(up) > 0 {
			r.Errorf("%q run of a service that is gone", up)
		}
	}, with("one"), second())
}

// Mutants: inquire without Lacks; changeLocked that lets healing wait.
func TestWhatIsLostOrNewWaitsForWhatItLacks(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.hasImage(with("one"), "latest", 1)
		r.pass(time.Hour)
		if all, err := r.Deployments("web", 1); err != nil || len(all) > 0 {
			r.Errorf("%+v came while it lacked something, %v", all, err)
		}
		r.configure(with("one"))
		r.pass(time.Minute)
		first := r.newest("web")
		r.is(first.ID, deployer.Succeeded)

		r.stop()
		r.runtime.Lose(first.ID)
		r.services[0] = lacking(web())
		r.start()
		r.pass(2 * time.Hour)
		if d := r.newest("web"); d.ID != first.ID {
			r.Errorf("%+v came while it lacked something", d)
		}
		r.configure(with("one"))
		r.pass(time.Minute)
		next := r.newest("web")
		if next.ID == first.ID || next.Digest != digest(1) || !next.Anew {
			r.Errorf("the newest deployment is %+v", next)
		}
		r.is(next.ID, deployer.Succeeded)
		r.serves(next.ID)
	}, lacking(web()))
}

// unread is a journal that cannot be read for so many times.
type unread struct {
	deployer.Journal
	times atomic.Int32
}

func (u *unread) Deployments(service string, most int) ([]deployer.Deployment, error) {
	if u.times.Add(-1) >= 0 {
		return nil, errors.New("input/output error")
	}
	return u.Journal.Deployments(service, most)
}

// A service comes back when the journal cannot be read: what was promised is not forgotten for that. Mutant: arriveLocked that goes on
// without.
func TestWhatCannotBeReadOfAPromiseIsReadAgain(t *testing.T) {
	u := &unread{}
	inBubble(t, func(r *rig) {
		r.wrap = func(j deployer.Journal) deployer.Journal { u.Journal = j; return u }
		r.restart()
		r.is(r.submit(packaged(1)), deployer.Cancelled)
		r.configure(second())
		r.pass(15 * time.Second)
		u.times.Store(1)
		if err := r.Reconcile([]deployer.Service{with("one"), second()}); err == nil {
			r.Error("it said nothing")
		}
		r.pass(time.Minute)
		if d := r.newest("web"); d.State != deployer.Succeeded {
			r.Errorf("the newest deployment is %s", d.State)
		}
	}, lacking(web()), second())
}
