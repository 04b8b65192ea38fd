package deployer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"

	"github.com/rs/zerolog"
)

// TestFromAnyConfigurationToAnyOther: whatever the configuration becomes, the containers and the routes become it; and then
// the same configuration again does nothing. Each seed is a life of eleven configurations, on virtual time.
func TestFromAnyConfigurationToAnyOther(t *testing.T) {
	const changes = 10
	first, lives := number(t, "FISHERMAN_FLEET_SEED", 0), number(t, "FISHERMAN_FLEET_RUNS", 100)
	for seed := uint64(first); seed < uint64(first+lives); seed++ {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(seed)
			defer f.stop()
			for n := range changes + 1 {
				next := deployertest.AnyServices(f.rng)
				if err := f.Reconcile(next); err != nil {
					t.Fatalf("seed %d, configuration %d: %v", seed, n, err)
				}
				f.services = next
				f.rest()
				if wrongs := f.wrongs(); len(wrongs) > 0 {
					t.Fatalf("seed %d, configuration %d: %q\n%+v\ncalls: %q", seed, n, wrongs, next, f.fake.Calls())
				}
				before := f.done()
				if err := f.Reconcile(slices.Clone(next)); err != nil {
					t.Fatal(err)
				}
				f.rest()
				if after := f.done(); after != before {
					t.Fatalf("seed %d, configuration %d: the same again did something: %s, then %s", seed, n, before, after)
				}
			}
		})
	}
}

// fleet is a Deployer of services that change, on stand-ins for everything else.
type fleet struct {
	*deployer.Deployer
	rng      *rand.Rand
	fake     *deployertest.Fake
	traffic  *traffic
	book     *notebook
	services []deployer.Service
	stop     func()
	ids      int
}

func newFleet(seed uint64) *fleet {
	f := &fleet{rng: rand.New(rand.NewPCG(seed, 7)), fake: deployertest.NewFake(), book: newNotebook()}
	f.traffic = &traffic{live: map[string]string{}, routes: map[string]map[string][]string{}}
	var err error
	f.Deployer, err = deployer.New(deployer.Options{
		Services: deployertest.AnyServices(f.rng), Runtime: f.fake, Traffic: f.traffic, Registry: everyTag{}, Journal: f.book, Log: zerolog.Nop(),
		NewID: func(time.Time) string { f.ids++; return fmt.Sprintf("%05d", f.ids) },
	})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	f.stop = func() { cancel(); <-done }
	return f
}

// everyTag is a registry in which every tag of every image is another digest.
type everyTag struct{}

func (everyTag) Resolve(_ context.Context, image, tag string) (string, error) {
	return fmt.Sprintf("sha256:%-64.64s", image+"/"+tag), nil
}

func (everyTag) Revision(context.Context, string, string) (string, error) { return "", nil }

// rest lets everything happen that follows.
func (f *fleet) rest() {
	time.Sleep(40 * time.Second)
	synctest.Wait()
}

// done is all that has been done so far.
func (f *fleet) done() string {
	all, _ := f.book.Deployments("", 10_000)
	steps := 0
	for _, d := range all {
		steps += len(d.Steps)
	}
	return fmt.Sprint(len(f.fake.Calls()), " calls, ", len(all), " deployments, ", steps, " steps, ", f.traffic.changes, " changes of routes")
}

// wrongs says in what the containers and routes are not those of the configuration.
func (f *fleet) wrongs() (all []string) {
	wrong := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	releases, _ := f.fake.Releases(context.Background())
	live := f.traffic.Live()
	for _, r := range releases {
		if r.Up(1) && live[r.Service] != r.ID {
			wrong("release %s of %s runs and is not live", r.ID, r.Service)
		}
	}
	for _, s := range f.services {
		i := slices.IndexFunc(releases, func(r deployer.Running) bool { return r.ID == live[s.Name] })
		if i < 0 {
			wrong("%s does not run", s.Name)
			continue
		}
		r := releases[i]
		if d, _ := f.book.Deployment(r.ID); d.Image != s.Image || d.Digest != r.Digest {
			wrong("%s runs %s@%s, want %s", s.Name, d.Image, r.Digest, s.Image)
		}
		if r.Spec != s.Spec() || !r.Up(s.Replicas) || len(r.Replicas) != s.Replicas {
			wrong("%s runs with spec %s in %+v, want %s in %d", s.Name, r.Spec, r.Replicas, s.Spec(), s.Replicas)
		}
		if got, want := f.traffic.routed(s.Name), routesOf(s, r.Replicas); fmt.Sprint(got) != fmt.Sprint(want) {
			wrong("%s has routes %v, want %v", s.Name, got, want)
		}
		delete(live, s.Name)
	}
	if len(live) > 0 {
		wrong("%v have routes and are not in the configuration", live)
	}
	return all
}

// routesOf is where a service's routes lead when all is well.
func routesOf(s deployer.Service, replicas []deployer.Replica) map[string][]string {
	routes := map[string][]string{}
	for _, r := range s.Routes {
		var to []string
		for _, one := range replicas {
			to = append(to, fmt.Sprintf("%s:%d", one.Address, r.Port))
		}
		slices.Sort(to)
		routes[r.Host+r.Prefix] = to
	}
	return routes
}
