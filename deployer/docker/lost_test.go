package docker_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

// call is one thing to ask of an engine; the error names it.
type call struct {
	named string
	make  func(ctx context.Context, b *bench, r deployer.Release) error
}

func calls() map[string]call {
	return map[string]call{
		"pull": {"inspect image", func(ctx context.Context, b *bench, r deployer.Release) error {
			_, err := b.Pull(ctx, r, silent)
			return err
		}},
		"start": {"create container", func(ctx context.Context, b *bench, r deployer.Release) error { return b.Start(ctx, r) }},
		"await": {"list containers", func(ctx context.Context, b *bench, r deployer.Release) error {
			_, err := b.Await(ctx, r, silent)
			return err
		}},
		"halt":   {"list containers", func(ctx context.Context, b *bench, r deployer.Release) error { return b.Halt(ctx, r.ID, time.Second) }},
		"retire": {"list containers", func(ctx context.Context, b *bench, r deployer.Release) error { return b.Retire(ctx, r.ID) }},
		"clean": {"list images", func(ctx context.Context, b *bench, r deployer.Release) error {
			return b.Clean(ctx, r.Service.Name, nil)
		}},
		"retained": {"list images", func(ctx context.Context, b *bench, r deployer.Release) error {
			_, err := b.Retained(ctx, r.Service.Name)
			return err
		}},
		"releases": {"list containers", func(ctx context.Context, b *bench, _ deployer.Release) error { _, err := b.Releases(ctx); return err }},
		"restarts": {"list containers", func(ctx context.Context, b *bench, r deployer.Release) error {
			_, err := b.Restarts(ctx, r.ID)
			return err
		}},
		"prober": {"inspect image", func(ctx context.Context, b *bench, r deployer.Release) error { _, err := b.Prober(ctx, r); return err }},
		"logs": {"list containers", func(ctx context.Context, b *bench, r deployer.Release) error {
			_, err := b.Logs(ctx, r.ID, deployer.LogOptions{})
			return err
		}},
	}
}

// sturdy is a release whose image has a HEALTHCHECK, and its only replica.
func (b *bench) sturdy(t *testing.T) (deployer.Release, deployer.Replica) {
	t.Helper()
	r := b.release(deployertest.Push(t, b.image()+":latest", b.dress(deployertest.Image{Healthcheck: []string{"CMD", "/app", "healthcheck"}})))
	r.Service.Health.Path = ""
	return r, b.live(t, r)[0]
}

// An engine that dies while it is asked is unavailable, and the error says what it was asked.
func aLostEngineIsUnavailable(t *testing.T, b *bench) {
	r, _ := b.sturdy(t)
	all := calls()
	all["watch"] = call{"watch containers", func(ctx context.Context, b *bench, _ deployer.Release) error {
		return b.Watch(ctx, func(string, string) {})
	}}
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, wire := b.behindWire(t)
			if err := b.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			asked, ended := wire.freeze(), make(chan error, 1)
			go func() { ended <- c.make(t.Context(), b, r) }()
			<-asked
			wire.cut()
			select {
			case err := <-ended:
				if !errors.Is(err, deployer.ErrUnavailable) || !strings.Contains(err.Error(), c.named) {
					t.Errorf("failed with %v, want unavailable and %q", err, c.named)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("it waits on")
			}
		})
	}
}

// An engine that is back between the client's ping and what it asks is spoken to in its own version, or not at all.
func anEngineThatComesBackIsUnderstood(t *testing.T, b *bench) {
	for name, ask := range map[string]func(context.Context, *bench) error{
		"list":  func(ctx context.Context, b *bench) error { _, err := b.Releases(ctx); return err },
		"watch": func(ctx context.Context, b *bench) error { return b.Watch(ctx, func(string, string) {}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, wire := b.behindWire(t)
			wire.ignorePings(true)
			if err := ask(t.Context(), b); !errors.Is(err, deployer.ErrUnavailable) {
				t.Errorf("failed with %v, want unavailable", err)
			}
			wire.ignorePings(false)
			if _, err := b.Releases(t.Context()); err != nil {
				t.Errorf("failed with %v when the engine was back", err)
			}
		})
	}
}

// An engine that hangs keeps nobody longer than he has time.
func aFrozenEngineKeepsNobody(t *testing.T, b *bench) {
	r, replica := b.sturdy(t)
	all := calls()
	delete(all, "start") // is not interrupted: the engine would go on unseen, and a Retire miss what it makes
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, wire := b.behindWire(t)
			if err := b.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			wire.freeze()
			endsInTime(t, c.named, func(ctx context.Context) error { return c.make(ctx, b, r) })
		})
	}
	t.Run("ask", func(t *testing.T) {
		t.Parallel()
		b, wire := b.behindWire(t)
		probe, err := b.Prober(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		wire.freeze()
		endsInTime(t, "HEALTHCHECK", func(ctx context.Context) error { return probe.Ask(ctx, replica) })
	})
}

func endsInTime(t *testing.T, named string, call func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if err := call(ctx); err == nil || !strings.Contains(err.Error(), named) {
		t.Errorf("ended with %v, want an error that names %q", err, named)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

// What hangs at any moment of a HEALTHCHECK is the engine's fault, not the replica's.
func aHealthcheckWithoutAnEngineSaysNothing(t *testing.T, b *bench) {
	r, replica := b.sturdy(t)
	b, wire := b.behindWire(t)
	probe, err := b.Prober(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if err := probe.Ask(t.Context(), replica); err != nil {
		t.Fatal(err)
	}
	asked, ended := wire.freeze(), make(chan error, 1)
	go func() { ended <- probe.Ask(t.Context(), replica) }()
	<-asked
	wire.cut()
	if err := <-ended; !errors.Is(err, deployer.ErrUnavailable) {
		t.Errorf("asked with %v, want unavailable", err)
	}
}

// An engine that goes away while a container is awaited leaves the question open.
func awaitOutlivesNoEngine(t *testing.T, b *bench) {
	r := b.release(b.push(t, "UNHEALTHY=1"))
	b.start(t, r)
	b, wire := b.behindWire(t)
	ended := make(chan error, 1)
	waiting := make(chan struct{})
	begun := sync.OnceFunc(func() { close(waiting) })
	go func() {
		_, err := b.Await(t.Context(), r, func(deployer.Report) { begun() })
		ended <- err
	}()
	<-waiting
	time.Sleep(200 * time.Millisecond) // it waits for the container's end by now, or is about to: both must do
	wire.cut()
	select {
	case err := <-ended:
		if !errors.Is(err, deployer.ErrUnavailable) {
			t.Errorf("awaited with %v, want unavailable", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits on")
	}
}
