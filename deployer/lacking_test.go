package deployer_test

import (
	"slices"
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
// Mutants: begin without lacking; keepConfigured without wanted.
func TestWhatCannotBeMadeIsMadeLater(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		r.services[0] = lacking(web())
		r.restart()
		d := r.submit(packaged(2))
		r.because(d, deployer.Cancelled, "s3://box/web.env cannot be reached")
		r.serves(old)
		r.configure(with("one"))
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
