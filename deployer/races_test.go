package deployer_test

import (
	"context"
	"errors"
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
	clean, list atomic.Pointer[chan struct{}] // nil: not armed; the call goes on once it is closed
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
	wait(&s.clean)
	return s.Fake.Clean(ctx, service, keep)
}

func (s *slow) Releases(ctx context.Context) ([]deployer.Running, error) {
	releases, err := s.Fake.Releases(ctx)
	wait(&s.list)
	return releases, err
}

// onSlow runs a test against a Deployer on a slow runtime.
func onSlow(t *testing.T, test func(*rig, *slow)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
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
		hold, reconciled := make(chan struct{}), make(chan error, 1)
		s.list.Store(&hold)
		go func() {
			_, err := r.Tend(r.Context())
			reconciled <- err
		}()
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
