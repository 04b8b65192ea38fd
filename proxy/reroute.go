package proxy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Reroute gives services that are pointed to somewhere other routes, all of them in one step: a request finds either all as
// they were or all as they are, and a route that goes from one service to another is never nobody's. routes is by service and
// then as for Point; each service stays with its release and, where it is paused or only remembered, stays that. One whose
// routes are nil leaves the table, and drains has its drain, as for Point. A service that is not there is not an error. When
// Reroute returns nil the new table is on disk, when it returns an error nothing has changed.
func (p *Proxy) Reroute(routes map[string]map[string][]string) (
	drains map[string]func(ctx context.Context, left func(int)) (cut int), err error,
) {
	p.change.Lock()
	defer p.change.Unlock()
	before := p.table.Load()
	after, err := p.rerouted(before, routes)
	if err == nil {
		err = p.store.save(p.entries(before), p.entries(after))
	}
	if err != nil {
		return nil, fmt.Errorf("reroute %d services: %w", len(routes), err)
	}
	p.unsaved = false
	for service := range routes {
		if next := after.releases[service]; next != nil {
			next.succeed(before.releases[service])
		}
	}
	p.replace(before, after)
	drains = map[string]func(context.Context, func(int)) int{}
	for service := range routes {
		if was, is := before.releases[service], after.releases[service]; is == nil {
			p.meters.forget(service)
			drains[service] = was.retire(nil)
		} else {
			was.retire(is)
		}
	}
	return drains, nil
}

// rerouted is the table with other routes. Every service keeps what it is pointed to.
func (p *Proxy) rerouted(before *table, routes map[string]map[string][]string) (*table, error) {
	releases := maps.Clone(before.releases)
	for service, to := range routes {
		was := releases[service]
		delete(releases, service)
		if was == nil || to == nil {
			continue
		}
		next, err := p.prepare(service, was.name, to)
		if err != nil {
			return nil, err
		}
		next.state, next.entry.Boot = was.state, was.entry.Boot
		releases[service] = next
	}
	rest := newTable(map[string]*release{})
	for _, service := range slices.Sorted(maps.Keys(releases)) {
		if err := rest.conflict(releases[service]); err != nil {
			return nil, err
		}
		rest = rest.with(releases[service])
	}
	return rest, nil
}

// everywhere is where the release may have requests: its replicas, and those of routes that it once had.
func (r *release) everywhere() []*replica {
	all := slices.Clone(r.left)
	for _, route := range r.routes {
		all = append(all, route.replicas.all...)
	}
	return all
}

// dropped are where a release has, or may yet have, requests at addresses that a later one of the same name does not have.
func (r *release) dropped(by *release) []*replica {
	kept := map[string]bool{}
	for _, route := range by.routes {
		for _, one := range route.replicas.all {
			kept[one.address] = true
		}
	}
	return slices.DeleteFunc(r.everywhere(), func(one *replica) bool { return kept[one.address] })
}

// abandoned are the replicas of a release that still have requests, and that no route of a later one of the same name has.
// Their addresses may be among the later one's all the same, under another route, and be dropped only then.
func (r *release) abandoned(by *release) []*replica {
	kept := map[*replica]bool{}
	for _, route := range by.routes {
		for _, one := range route.replicas.all {
			kept[one] = true
		}
	}
	return slices.DeleteFunc(r.everywhere(), func(one *replica) bool { return kept[one] || one.inFlight.Load() == 0 })
}

// drainReplicas waits until nothing is in flight on replicas that get nothing new, or ctx ends. It cuts nothing: the release
// goes on, and whoever waits is about to stop what is behind the replicas.
func drainReplicas(gone []*replica) func(ctx context.Context, left func(int)) (cut int) {
	return func(ctx context.Context, left func(int)) int {
		ticker := time.NewTicker(countEvery / 4)
		defer ticker.Stop()
		for told := 0; ; {
			busy := 0
			for _, one := range gone {
				busy += int(one.inFlight.Load())
			}
			if busy == 0 {
				return 0
			}
			if left != nil && busy != told {
				left(busy)
				told = busy
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return 0
			}
		}
	}
}
