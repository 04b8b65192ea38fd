package deployertest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

func release(id string) deployer.Release {
	return deployer.Release{ID: id, Digest: "sha256:aa", Service: deployer.Service{
		Name: "web", Replicas: 2, Health: deployer.Health{Deadline: time.Minute},
	}}
}

func silent(deployer.Report) {}

func TestFakeFollowsItsScript(t *testing.T) {
	refused := errors.New("refused")
	for name, c := range map[string]struct {
		script deployertest.Script
		want   error
		takes  time.Duration
	}{
		"nothing scripted":      {deployertest.Script{}, nil, 0},
		"slow":                  {deployertest.Script{Await: deployertest.Step{Delay: 3 * time.Second}}, nil, 3 * time.Second},
		"unhealthy":             {deployertest.Script{Await: deployertest.Step{Err: refused}}, refused, 0},
		"slowly unhealthy":      {deployertest.Script{Await: deployertest.Step{Delay: time.Second, Err: refused}}, refused, time.Second},
		"engine away at starts": {deployertest.Script{Start: deployertest.Step{Err: deployer.ErrUnavailable}}, deployer.ErrUnavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, begun := deployertest.NewFake(), time.Now()
				fake.On("sha256:aa", c.script)
				if err := roll(t.Context(), fake, release("1")); !errors.Is(err, c.want) {
					t.Errorf("rolled with %v, want %v", err, c.want)
				}
				if took := time.Since(begun); took != c.takes {
					t.Errorf("took %s, want %s", took, c.takes)
				}
			})
		})
	}
}

func roll(ctx context.Context, r deployer.Runtime, release deployer.Release) error {
	if _, err := r.Pull(ctx, release, silent); err != nil {
		return err
	}
	if err := r.Start(ctx, release); err != nil {
		return err
	}
	_, err := r.Await(ctx, release, silent)
	return err
}

func TestFakeHoldsUntilReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, hold, done := deployertest.NewFake(), make(chan struct{}), make(chan error)
		fake.On("sha256:aa", deployertest.Script{Await: deployertest.Step{Hold: hold}})
		go func() { done <- roll(t.Context(), fake, release("1")) }()
		synctest.Wait()
		if got, want := fake.Calls(), []string{"pull web sha256:aa", "start web sha256:aa", "await web sha256:aa"}; !slices.Equal(got, want) {
			t.Errorf("calls so far %q, want %q", got, want)
		}
		close(hold)
		if err := <-done; err != nil {
			t.Errorf("released, it failed: %v", err)
		}
	})
}

func TestFakeAwaitEndsByItself(t *testing.T) {
	for name, end := range map[string]func(*deployertest.Fake, context.CancelFunc){
		"the health deadline": func(*deployertest.Fake, context.CancelFunc) {},
		"its context":         func(_ *deployertest.Fake, cancel context.CancelFunc) { cancel() },
		"a container's death": func(f *deployertest.Fake, _ context.CancelFunc) { f.Die("1", "exited with code 3") },
		"a halt":              func(f *deployertest.Fake, _ context.CancelFunc) { _ = f.Halt(context.Background(), "1", 0) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, done := deployertest.NewFake(), make(chan error)
				fake.On("sha256:aa", deployertest.Script{Await: deployertest.Step{Hold: make(chan struct{})}})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() { done <- roll(ctx, fake, release("1")) }()
				synctest.Wait()
				end(fake, cancel)
				if err := <-done; err == nil {
					t.Error("awaited without an error")
				}
			})
		})
	}
}

func TestFakeAwayIsUnavailable(t *testing.T) {
	fake := deployertest.NewFake()
	fake.Adopt(release("1"))
	fake.Away()
	for name, err := range map[string]error{
		"pull":   roll(t.Context(), fake, release("2")),
		"start":  fake.Start(t.Context(), release("1")),
		"retire": fake.Retire(t.Context(), "1"),
		"watch":  fake.Watch(t.Context(), func(string, string) {}),
	} {
		if !errors.Is(err, deployer.ErrUnavailable) {
			t.Errorf("%s failed with %v, want unavailable", name, err)
		}
	}
	fake.Back()
	if all, err := fake.Releases(t.Context()); err != nil || len(all) != 1 || !all[0].Up(2) {
		t.Errorf("back again, releases are %v, %v; want the adopted one with two replicas", all, err)
	}
}
