package deployer_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"fisherman/deployer"
)

// road is a proxy of the model: its routes survive the process as the route file does, and all else dies with it.
// Requests are always in flight on what a service points to; once that changes they take as long as the mood says.
type road struct {
	mu     sync.Mutex
	told   func(fact)
	moved  func(before, after map[string]map[string][]string, paused map[string]bool) // called when the routes change
	live   map[string]string
	routes map[string]map[string][]string
	refuse bool                           // Point and Reroute fail
	mood   func(*rand.Rand) time.Duration // how long requests in flight take
	rng    *rand.Rand                     //
	paused map[string]bool                // of this process
	flight map[string]*trip               // of each release, once it gets no new requests
	left   map[string][]*trip             // of those whose service has left: who comes back begins anew
	counts map[string]deployer.Share      // by release
}

func newRoad(rng *rand.Rand, told func(fact), moved func(before, after map[string]map[string][]string, paused map[string]bool)) *road {
	r := &road{told: told, moved: moved, live: map[string]string{}, routes: map[string]map[string][]string{}, rng: rng, mood: prompt}
	r.forget()
	return r
}

// trip is when the last request of some ends.
type trip struct{ until time.Time }

func prompt(*rand.Rand) time.Duration { return 0 }

// forget is the end of the process.
func (r *road) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused, r.flight, r.counts = map[string]bool{}, map[string]*trip{}, map[string]deployer.Share{}
	r.left = map[string][]*trip{}
}

func (r *road) Point(service, release string, routes map[string][]string) (func(context.Context, func(int)) int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse {
		return nil, errors.New("write the route file: input/output error")
	}
	next := maps.Clone(r.routes)
	next[service] = maps.Clone(routes)
	if err := conflict(next); err != nil {
		return nil, err
	}
	r.moved(r.routes, next, r.paused)
	before := r.live[service]
	r.live[service], r.routes = release, next
	delete(r.paused, service)
	r.told(fact{what: pointed, service: service, release: release, routes: routes, before: before})
	if before == release {
		return func(context.Context, func(int)) int { return 0 }, nil
	}
	r.counts[release] = deployer.Share{}
	delete(r.flight, release)
	return r.drain(service, before), nil
}

func (r *road) Claim(service, release string, routes map[string][]string) error {
	_, err := r.Point(service, release, routes)
	if err == nil {
		r.Pause(service)
	}
	return err
}

func (r *road) Pause(service string) func(context.Context, func(int)) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { r.paused[service] = true }()
	return r.drain(service, r.live[service])
}

// drain begins the last requests of a release; mu is held.
func (r *road) drain(service, release string) func(context.Context, func(int)) int {
	routed := len(r.routes[service]) > 0
	if release == "" || !routed && r.flight[release] == nil {
		return func(context.Context, func(int)) int { return 0 }
	}
	begun := time.Now()
	t := r.flight[release]
	if t == nil {
		t = &trip{begun}
		r.flight[release] = t
	}
	if until := begun.Add(r.mood(r.rng)); routed && !r.paused[service] && t.until.Before(until) {
		t.until = until
	}
	return func(ctx context.Context, _ func(int)) int {
		r.mu.Lock()
		left := time.Until(t.until)
		r.mu.Unlock()
		if left <= 0 {
			return 0
		}
		timer := time.NewTimer(left)
		defer timer.Stop()
		select {
		case <-timer.C:
			return 0
		case <-ctx.Done():
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return 0 // nobody waits any more: they go on
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		t.until = time.Now()
		r.told(fact{what: cut, service: service, release: release, took: time.Since(begun)})
		return 1
	}
}

// busy reports whether requests are in flight on a release.
func (r *road) busy(service, release string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	open := r.live[service] == release && !r.paused[service] && len(r.routes[service]) > 0
	trips := r.left[release]
	if t := r.flight[release]; t != nil {
		trips = append(slices.Clone(trips), t)
	}
	return open || slices.ContainsFunc(trips, func(t *trip) bool { return time.Now().Before(t.until) })
}

func (r *road) Settle() {}

func (r *road) Reroute(routes map[string]map[string][]string) (map[string]func(context.Context, func(int)) int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse {
		return nil, errors.New("write the route file: input/output error")
	}
	next := maps.Clone(r.routes)
	for service, to := range routes {
		if delete(next, service); to != nil {
			next[service] = maps.Clone(to)
		}
	}
	if err := conflict(next); err != nil {
		return nil, err
	}
	drains := map[string]func(context.Context, func(int)) int{}
	for service, to := range routes {
		if to == nil {
			id := r.live[service]
			drains[service] = r.drain(service, id)
			if t := r.flight[id]; t != nil {
				r.left[id] = append(r.left[id], t)
				delete(r.flight, id)
			}
			delete(r.live, service)
			delete(r.paused, service)
		}
	}
	r.moved(r.routes, next, r.paused)
	r.told(fact{what: rerouted, text: fmt.Sprint(routes)})
	r.routes = next
	return drains, nil
}

func (r *road) Live() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.live)
}

func (r *road) Routed() map[string]map[string][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.routes)
}

func (r *road) Answers(service string) (all, failed uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.counts[r.live[service]]
	return s.All, s.Failed
}

// answer counts what the live release of a service has answered.
func (r *road) answer(service string, all, failed uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.counts[r.live[service]]
	r.counts[r.live[service]] = deployer.Share{All: s.All + all, Failed: s.Failed + failed}
}

func (r *road) isPaused(service string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.paused[service]
}

// table is where a service's routes point, as text to compare and to print.
func (r *road) table(service string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := ""
	for _, route := range slices.Sorted(maps.Keys(r.routes[service])) {
		text += fmt.Sprint(route, " → ", r.routes[service][route], " ")
	}
	return text
}

func (r *road) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}
