package deployer_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"

	"github.com/rs/zerolog"
)

// counting is a runtime that counts how often it is asked for its releases.
type counting struct {
	*deployertest.Fake
	listings atomic.Int64
}

func (c *counting) Releases(ctx context.Context) ([]deployer.Running, error) {
	c.listings.Add(1)
	return c.Fake.Releases(ctx)
}

// TestManyServicesThatHaveNotChanged: 200 services that are as the configuration says cost one listing, and nothing is
// written. A listing is one call of the engine, but for containers that it has not met or that do not run.
func TestManyServicesThatHaveNotChanged(t *testing.T) {
	const many = 200
	runtime, book := &counting{Fake: deployertest.NewFake()}, newNotebook()
	road := &traffic{live: map[string]string{}, routes: map[string]map[string][]string{}}
	var services []deployer.Service
	for n := range many {
		s := web()
		s.Name = fmt.Sprintf("s%03d", n)
		s.Routes = []deployer.Route{{Host: s.Name + ".pl", Prefix: "/", Port: 8080}}
		services = append(services, s)
		runtime.Adopt(deployer.Release{ID: fmt.Sprintf("%04d", n), Service: s, Digest: digest(n)})
	}
	d, err := deployer.New(deployer.Options{
		Services: services, Runtime: runtime, Traffic: road, Registry: everyTag{}, Journal: book, Log: zerolog.Nop(),
		NewID: func(at time.Time) string { return at.Format(time.RFC3339Nano) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	defer func() { stop(); <-done }()
	for d.Ready() != nil {
		time.Sleep(time.Millisecond)
	}
	calls, before, begun := len(runtime.Calls()), runtime.listings.Load(), time.Now()
	if err := d.Reconcile(services); err != nil {
		t.Fatal(err)
	}
	active, err := d.Tend(t.Context())
	took, listed := time.Since(begun), runtime.listings.Load()-before
	all, _ := book.Deployments("", 10)
	if err != nil || len(active)+len(all) > 0 || listed > 2 || len(runtime.Calls()) != calls || road.reroutes > 0 {
		t.Errorf("%d listings, %q, %+v (%v); want 2 listings at most, and nothing else", listed, runtime.Calls()[calls:], active, err)
	}
	t.Logf("%d unchanged services: %d listings (follow's own may be one of them), %s", many, listed, took)
}
