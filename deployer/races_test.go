package deployer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

// slow is a runtime that, once armed, takes its time over one call: between what it was asked with and what it does, or
// between what it saw and what it says.
type slow struct {
	*deployertest.Fake
	clean, ask, list, halt, start, shrink atomic.Pointer[chan struct{}]      // nil: not armed; the call goes on once it is closed
	lags                                  atomic.Pointer[[]deployer.Running] // what the next listing says; nil: what is
	cleans                                string                             // the service whose clean is slow; empty: the first one
}

func wait(armed *atomic.Pointer[chan struct{}]) {
	if hold := armed.Swap(nil); hold != nil {
		<-*hold
	}
}

// Pull takes a while to return after the image is here.
func (s *slow) Pull(ctx context.Context, r deployer.Release, progress func(deployer.Report)) (deployer.Image, error) {
	image, err := s.Fake.Pull(ctx, r, progress)
	time.Sleep(5 * time.Second)
	return image, err
}

func (s *slow) Clean(ctx context.Context, service string, keep []string) error {
	if s.cleans == "" || s.cleans == service {
		wait(&s.clean)
	}
	return s.Fake.Clean(ctx, service, keep)
}

func (s *slow) Halt(ctx context.Context, id string, grace time.Duration) error {
	wait(&s.halt)
	return s.Fake.Halt(ctx, id, grace)
}

// Start is not broken off, as an engine's is not.
func (s *slow) Start(ctx context.Context, r deployer.Release) error {
	wait(&s.start)
	return s.Fake.Start(context.WithoutCancel(ctx), r)
}

func (s *slow) Shrink(ctx context.Context, id string, containers []string) error {
	wait(&s.shrink)
	return s.Fake.Shrink(ctx, id, containers)
}

func (s *slow) Releases(ctx context.Context) ([]deployer.Running, error) {
	wait(&s.ask)
	releases, err := s.Fake.Releases(ctx)
	if before := s.lags.Swap(nil); before != nil {
		releases = *before
	}
	wait(&s.list)
	return releases, err
}

// onSlow runs a test against a Deployer on a slow runtime.
func onSlow(t *testing.T, test func(*rig, *slow), services ...deployer.Service) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, services...)
		r.open()
		s := &slow{Fake: r.runtime}
		r.Runtime = s
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- r.Deployer.Run(ctx) }()
		defer func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			r.stop()
		}()
		r.settle()
		test(r, s)
	})
}

// tend asks for what should run, in the background.
func (r *rig) tend() (tended <-chan error) {
	done := make(chan error, 1)
	go func() {
		_, err := r.Tend(r.Context())
		done <- err
	}()
	return done
}

// TestACleanTakesNoImageOfWhatBeganSince: it does not know that the image is needed. Mutant: pullOnce without beginClean.
func TestACleanTakesNoImageOfWhatBeganSince(t *testing.T) {
	onSlow(t, func(r *rig, s *slow) {
		hold := make(chan struct{})
		s.clean.Store(&hold)
		r.submit(packaged(1))
		r.pass(10 * time.Second)
		id := r.submit(packaged(2))
		r.pass(time.Second)
		close(hold)
		r.pass(10 * time.Second)
		r.is(id, deployer.Succeeded)
	})
}

// TestAFailedReleaseIsKeptThoughAListingStillHasItRun: for a look at it. Mutant: tidy without needed.
func TestAFailedReleaseIsKeptThoughAListingStillHasItRun(t *testing.T) {
	onSlow(t, func(r *rig, s *slow) {
		r.submit(packaged(1))
		r.pass(10 * time.Second)
		r.runtime.On(digest(2), deployertest.Script{Await: deployertest.Step{Delay: 20 * time.Second, Err: errors.New("sick")}})
		id := r.submit(packaged(2))
		r.pass(10 * time.Second)
		hold := make(chan struct{})
		s.list.Store(&hold)
		reconciled := r.tend()
		r.pass(20 * time.Second)
		r.is(id, deployer.Failed)
		close(hold)
		if err := <-reconciled; err != nil {
			t.Error(err)
		}
		if r.count("retire web "+digest(2)) != 0 {
			t.Error("it was removed")
		}
	})
}

// TestWhatComesBackWhileOthersAreStoppedGoesOn: until it is known what runs of it, nothing of it is too much. Mutant: keepUp with
// lanes that are not adopted.
func TestWhatComesBackWhileOthersAreStoppedGoesOn(t *testing.T) {
	two, three := second(), second()
	three.Name, three.Repository, three.Image = "three", "o/three", "ghcr.io/o/three"
	three.Routes = nil
	onSlow(t, func(r *rig, s *slow) {
		r.submit(packagedFor(three, 4))
		r.pass(10 * time.Second)
		r.submit(packagedFor(two, 5))
		r.pass(10 * time.Second)
		containers := r.containers("two")
		hold := make(chan struct{})
		s.halt.Store(&hold)
		r.configure(web())
		r.pass(time.Second) // three is being stopped
		r.configure(web(), two)
		r.pass(30 * time.Second)
		close(hold)
		r.pass(30 * time.Second)
		if up := r.containers("two"); len(up) != 1 || !slices.Equal(up, containers) {
			t.Errorf("%q run, want %q; calls:\n%s", up, containers, strings.Join(r.runtime.Calls(), "\n"))
		}
	}, web(), two, three)
}

// TestWhatComesBackIsAdoptedFromWhatRunsThen, and not from a listing that was asked for before its last deployment. Mutant: keepUp
// that finds the comers after its listing.
func TestWhatComesBackIsAdoptedFromWhatRunsThen(t *testing.T) {
	two := second()
	two.Bake = time.Minute
	onSlow(t, func(r *rig, s *slow) {
		r.submit(packagedFor(two, 5))
		r.pass(10 * time.Second)
		lists := make(chan struct{})
		s.list.Store(&lists)
		r.pass(10 * time.Second) // the next listing is under way
		live := r.submit(packagedFor(two, 6))
		r.pass(9 * time.Second)
		r.is(live, deployer.Baking)
		r.configure(web())
		r.configure(web(), two)
		close(lists)
		r.pass(30 * time.Second)
		if at := r.traffic.Live()["two"]; at != live {
			r.Errorf("traffic goes to %s, want %s", at, live)
		}
	}, web(), two)
}

// TestWhatComesBackWhileItIsStoppedKeepsWhatStillRuns: of two releases, one that is baked and the one before, the second is not
// stopped any more. Mutant: haltAll that goes on.
func TestWhatComesBackWhileItIsStoppedKeepsWhatStillRuns(t *testing.T) {
	two := second()
	two.Bake = time.Minute
	onSlow(t, func(r *rig, s *slow) {
		r.submit(packagedFor(two, 5))
		r.pass(10 * time.Second)
		live := r.submit(packagedFor(two, 6))
		r.pass(9 * time.Second)
		r.is(live, deployer.Baking)
		halt := make(chan struct{})
		s.halt.Store(&halt)
		r.configure(web())
		r.pass(time.Second) // the old one is being stopped
		r.configure(web(), two)
		close(halt)
		r.pass(30 * time.Second)
		if n := r.count("halt two " + digest(6)); n > 0 || r.traffic.Live()["two"] != live {
			r.Errorf("what was live was stopped %d times, and traffic goes to %s", n, r.traffic.Live()["two"])
		}
	}, web(), two)
}

// TestWhoseServiceHasLeftTellsNothing of what it sees then: who comes back tells it. Mutant: reckonLocked without removed.
func TestWhoseServiceHasLeftTellsNothing(t *testing.T) {
	two := second()
	onSlow(t, func(r *rig, s *slow) {
		live := r.submit(packagedFor(two, 5))
		r.pass(10 * time.Second)
		asks := make(chan struct{})
		s.ask.Store(&asks)
		r.runtime.On(digest(5), deployertest.Script{Pull: deployertest.Step{Hold: r.Context().Done()}})
		r.runtime.Lose(live)
		r.pass(time.Millisecond)
		r.configure(web())
		r.configure(web(), two)
		close(asks)
		r.pass(5 * time.Minute)
		told := 0
		for _, n := range r.notices {
			if n.Service == "two" && n.Down {
				told++
			}
		}
		if told != 1 {
			t.Errorf("it was told %d times that two is down: %+v", told, r.notices)
		}
	}, web(), two)
}

// TestWhoseServiceHasLeftRemovesNothing of what runs of it since it is back. Mutant: isLeftover without isRemoved, with an
// upkeep that does not end with its lane.
func TestWhoseServiceHasLeftRemovesNothing(t *testing.T) {
	two, three := second(), second()
	three.Name, three.Repository, three.Image = "three", "o/three", "ghcr.io/o/three"
	three.Routes = nil
	onSlow(t, func(r *rig, s *slow) {
		r.submit(packagedFor(three, 4))
		r.submit(packagedFor(two, 5))
		r.pass(10 * time.Second)
		stops, asks := make(chan struct{}), make(chan struct{})
		s.halt.Store(&stops)
		r.configure(web(), two)
		r.pass(time.Second) // three is being stopped
		s.ask.Store(&asks)
		tended := r.tend()
		synctest.Wait()
		close(stops)
		r.configure(web())
		r.configure(web(), two)
		r.pass(10 * time.Second)
		next := r.submit(packagedFor(two, 6))
		r.pass(10 * time.Second)
		r.is(next, deployer.Succeeded)
		close(asks)
		if err := <-tended; err != nil {
			t.Error(err)
		}
		r.pass(time.Second)
		if n := r.count("retire two " + digest(6)); n > 0 {
			t.Errorf("what is live was removed %d times", n)
		}
	}, web(), two, three)
}

// TestAnOldListingDoesNotUndoANewOne: one that took long says where a container was before it was started again. Mutant: see that
// takes whatever comes.
func TestAnOldListingDoesNotUndoANewOne(t *testing.T) {
	onSlow(t, func(r *rig, s *slow) {
		id := r.submit(packaged(1))
		r.pass(10 * time.Second)
		hold := make(chan struct{})
		s.list.Store(&hold)
		tended := r.tend()
		r.settle()
		r.runtime.Restart(id, "exited with 1") // by the engine
		r.pass(5 * time.Second)
		r.serves(id)
		r.traffic.onPoint(func() { t.Errorf("web is pointed to %v", r.traffic.routes["web"]) })
		close(hold)
		if err := <-tended; err != nil {
			t.Error(err)
		}
		r.pass(15 * time.Second)
		r.serves(id)
	})
}

// TestWhatHasJustBeenStoppedTakesOverNothing, though the engine's next listing has it run still. Mutant: adopt that trusts what
// returns.
func TestWhatHasJustBeenStoppedTakesOverNothing(t *testing.T) {
	two := second()
	both := web()
	both.Routes = append(both.Routes, two.Routes...)
	onSlow(t, func(r *rig, s *slow) {
		r.submit(packaged(1))
		r.submit(packagedFor(two, 5))
		r.pass(10 * time.Second)
		before := r.releases()
		r.configure(both)
		r.pass(time.Minute)
		if up := r.up("two"); len(up) > 0 {
			t.Fatalf("%q run", up)
		}
		r.keeps("b.pl/")
		s.lags.Store(&before)
		r.configure(web(), two)
		r.pass(time.Minute)
		if to := r.traffic.routed("two")["b.pl/"]; len(to) != 1 {
			t.Errorf("b.pl goes to %v of two", to)
		}
	}, web(), two)
}

// TestWhatComesBackWaitsForTheStartThatADeploymentHasBegun: an engine does not break it off, and it would run beside what has come back.
// Mutant: comers that does not look at before.
func TestWhatComesBackWaitsForTheStartThatADeploymentHasBegun(t *testing.T) {
	onSlow(t, func(r *rig, s *slow) {
		r.submit(packaged(1))
		r.pass(10 * time.Second)
		hold := make(chan struct{})
		s.start.Store(&hold)
		takes := deployertest.Step{Delay: 5 * time.Second}
		r.runtime.On(digest(2), deployertest.Script{Halt: takes, Retire: takes})
		next := r.submit(packaged(2))
		r.pass(10 * time.Second)
		r.is(next, deployer.Starting) // the old one is halted
		r.configure(second())
		r.configure(second(), recreated())
		r.pass(30 * time.Second)
		close(hold)
		for range 100 {
			if r.pass(time.Millisecond); len(r.up("web")) > 1 {
				t.Fatalf("%q run side by side", r.up("web"))
			}
		}
		r.pass(time.Minute)
		if up := r.up("web"); len(up) != 1 || r.traffic.Live()["web"] != up[0] {
			t.Errorf("%q run, and traffic goes to %s", up, r.traffic.Live()["web"])
		}
	}, recreated(), second())
}

// TestAStartOfWhatIsLiveIsBrokenOffWhenItsServiceLeaves: it would end beside what has taken over since the service is back.
// Mutants: work without endUpkeep; endUpkeep without standDown.
func TestAStartOfWhatIsLiveIsBrokenOffWhenItsServiceLeaves(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		let := r.held(1, deployer.Starting)
		r.runtime.Die(old, "exited with 1")
		r.settle() // it is being started again
		r.configure(second())
		r.pass(5 * time.Second)
		r.configure(second(), recreated())
		r.pass(15 * time.Second)
		r.runtime.On(digest(1), deployertest.Script{}) // the next one is quick
		hold := r.held(2, deployer.Verifying)
		r.is(r.submit(packaged(2)), deployer.Verifying)
		let() // what began before the service left
		r.settle()
		if up := r.up("web"); len(up) > 1 {
			r.Errorf("%q run side by side", up)
		}
		hold()
		r.pass(time.Second)
	}, recreated(), second())
}

// TestWhatServesAgainIsNotStoppedForHavingBeenTooMany: its service has left and come back during the drain of those that were, and is to
// have as many as before. Mutants: shrink that does not look again; drainUntil that does not end with news.
func TestWhatServesAgainIsNotStoppedForHavingBeenTooMany(t *testing.T) {
	three := web()
	three.Replicas = 3
	inBubble(t, func(r *rig) {
		r.deployed(1)
		had := r.containers("web")
		drained := r.traffic.holdDrains()
		r.configure(web(), second())
		r.pass(2 * time.Second)
		r.traffic.holdNoMore()
		r.configure(second())
		r.configure(three, second())
		r.pass(5 * time.Second)
		if to := r.traffic.routed("web")["a.pl/"]; len(to) != 3 {
			r.Fatalf("%v get requests, want three", to)
		}
		drained()
		r.pass(time.Minute)
		if up := r.containers("web"); !slices.Equal(up, had) {
			r.Errorf("%q run, want %q, which get requests", up, had)
		}
	}, three, second())
}

// TestWhatIsBeingStoppedForBeingTooManyGetsNoRequests though its service has left and come back meanwhile. Mutant: endUpkeep that
// waits for starts only.
func TestWhatIsBeingStoppedForBeingTooManyGetsNoRequests(t *testing.T) {
	three := web()
	three.Replicas = 3
	onSlow(t, func(r *rig, s *slow) {
		r.submit(packaged(1))
		r.pass(10 * time.Second)
		hold := make(chan struct{})
		s.shrink.Store(&hold)
		r.configure(web(), second())
		r.pass(2 * time.Second)
		r.configure(second())
		r.configure(three, second())
		r.pass(15 * time.Second)
		if to := r.traffic.routed("web")["a.pl/"]; len(to) != 0 {
			t.Errorf("%v get requests while two of them are being stopped", to)
		}
		close(hold)
		r.pass(15 * time.Second)
		if to := r.traffic.routed("web")["a.pl/"]; len(to) != 3 {
			t.Errorf("%v get requests, want three", to)
		}
	}, three, second())
}

// TestACleanTakesNothingOfWhatHasJustComeBack: until it is known what runs of it, nobody knows what it needs. Mutant: cleanThoroughly with
// lanes that are not adopted.
func TestACleanTakesNothingOfWhatHasJustComeBack(t *testing.T) {
	onSlow(t, func(r *rig, s *slow) {
		r.submit(packaged(1))
		id := r.submit(packagedFor(second(), 5))
		r.pass(10 * time.Second)
		r.configure(web())
		r.pass(time.Minute) // two is halted
		r.runtime.On(digest(2), deployertest.Script{Preflight: deployertest.Step{Err: deployer.ErrNoSpace}})
		hold := make(chan struct{})
		s.list.Store(&hold)
		r.configure(web(), second())
		r.because(r.submit(packaged(2)), deployer.Failed, "space")
		if n := r.count("retire two " + digest(5)); n > 0 {
			t.Errorf("the release that two comes back with was removed")
		}
		close(hold)
		r.pass(time.Minute)
		if d := r.newest("two"); d.ID != id {
			t.Errorf("two had to be deployed anew, as %s", d.ID)
		}
	}, web(), second())
}

// TestACleanEndsWithItsLane: it knows nothing of what began when its service was back. Mutants: work without endCleans; beginClean
// without leave.
func TestACleanEndsWithItsLane(t *testing.T) {
	for range 8 { // services are cleaned up after in any order
		for _, slowly := range []string{"web", "two"} {
			onSlow(t, func(r *rig, s *slow) {
				r.submit(packaged(1))
				r.submit(packagedFor(second(), 5))
				r.pass(10 * time.Second)
				r.runtime.On(digest(2), deployertest.Script{Preflight: deployertest.Step{Err: deployer.ErrNoSpace}})
				hold := make(chan struct{})
				s.cleans = slowly
				s.clean.Store(&hold)
				full := r.submit(packaged(2))
				r.configure(web())
				r.configure(web(), second())
				r.pass(10 * time.Second)
				let := r.held(6, deployer.Starting)
				id := r.submit(packagedFor(second(), 6))
				r.pass(10 * time.Second)
				close(hold)
				r.pass(10 * time.Second)
				r.is(full, deployer.Failed)
				r.is(id, deployer.Starting)
				if images := r.runtime.Images("two"); !slices.Contains(images, id) {
					t.Errorf("the images are %q, without that of %s, which is being started", images, id)
				}
				let()
				r.pass(10 * time.Second)
				r.is(id, deployer.Succeeded)
			}, web(), second())
		}
	}
}
