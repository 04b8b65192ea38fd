package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Point sends a service's traffic to a release. routes maps "host/prefix" ("a.pl/", "a.pl/api") to the addresses of its
// backends ("172.18.0.3:8080"); a worker has no routes and is recorded all the same. The route file's replacement is
// the commit point: when Point returns nil the new table is on disk and new requests go by it, when it returns an error
// nothing has changed. It is ErrTaken when another service has one of the routes. A route without backends answers 503.
//
// Pointing to the same release again, with other addresses, goes on with what is in flight, and the drain waits for what is
// in flight at addresses that are not among them any more, and cuts nothing; new requests go there even if the file cannot be
// replaced now, and Run tries on. Otherwise the returned drain waits for the requests in flight on what the service pointed to
// before, except for server-sent events, which it ends once nothing else is left. WebSockets work on until the last second of
// ctx's time and are then closed with 1001. What is left at ctx's deadline is cut; drain returns how many requests those were.
// When ctx is cancelled before, drain leaves everything in flight as it is and returns 0. left, unless nil, is called by drain
// when it begins to wait and then now and then, with how many requests it waits for.
func (p *Proxy) Point(service, release string, routes map[string][]string) (
	drain func(ctx context.Context, left func(int)) (cut int), err error,
) {
	return p.point(service, release, routes, confirmed)
}

// Claim is Point to a release that has no backends yet, and Pause, in one step: requests that wait for a route, or come later, wait
// for that release, and none meets a route that leads nowhere. What the service pointed to before goes on with what is in flight.
func (p *Proxy) Claim(service, release string, routes map[string][]string) error {
	_, err := p.point(service, release, routes, paused)
	return err
}

func (p *Proxy) point(service, release string, routes map[string][]string, as state) (
	drain func(ctx context.Context, left func(int)) (cut int), err error,
) {
	next, err := p.prepare(service, release, routes)
	if err != nil {
		return nil, fmt.Errorf("point %s to release %s: %w", service, release, err)
	}
	next.state = as
	p.change.Lock()
	defer p.change.Unlock()
	before := p.table.Load()
	after := before.with(next)
	if err = before.conflict(next); err == nil {
		err = p.record(before, after, service)
	}
	if err != nil {
		return nil, fmt.Errorf("point %s to release %s: %w", service, release, err)
	}
	next.via = p.newTransport(service)
	next.succeed(before.releases[service])
	if next.meter == nil {
		next.meter = p.meters.of(service)
	}
	p.replace(before, after)
	was := before.releases[service]
	drain = was.retire(next)
	if was != nil && was.flight == next.flight {
		return drainReplicas(was.dropped(next)), nil
	}
	return drain, nil
}

// record saves the table that is to come. A release that has only moved need not wait for that: a full disk is no reason
// to keep requests from a container that was restarted. It is called with change held.
func (p *Proxy) record(before, after *table, service string) error {
	err := p.store.save(p.entries(before), p.entries(after))
	was, is := before.releases[service], after.releases[service]
	moved := was != nil && is != nil && was.name == is.name
	if err != nil && moved {
		p.options.Log.Error().Err(err).Str("service", service).Msg("requests follow the release, but the route file does not; trying again")
	}
	p.unsaved = err != nil && (moved || p.unsaved)
	if moved {
		return nil
	}
	return err
}

// keepSaving tries to save a table that is live and could not be saved, until ctx ends.
func (p *Proxy) keepSaving(ctx context.Context) {
	tick := time.NewTicker(p.options.Timeouts.Save)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.saveAtLast()
		case <-ctx.Done():
			return
		}
	}
}

func (p *Proxy) saveAtLast() {
	p.change.Lock()
	defer p.change.Unlock()
	if entries := p.entries(p.table.Load()); p.unsaved && p.store.save(entries, entries) == nil {
		p.unsaved = false
		p.options.Log.Info().Msg("the route file is up to date again")
	}
}

// replace puts a table in place. It is called with change held.
func (p *Proxy) replace(before, after *table) {
	p.table.Store(after)
	close(before.replaced)
	p.vault.moved(after)
	p.left = slices.DeleteFunc(p.left, (*flight).isOver)
	for service, old := range before.releases {
		if next := after.releases[service]; next == nil || next.flight != old.flight {
			p.left = append(p.left, old.flight)
		}
	}
}

// flights are all that requests may be in, those of what was replaced too.
func (p *Proxy) flights() []*flight {
	p.change.Lock()
	defer p.change.Unlock()
	all := slices.Clone(p.left)
	for _, release := range p.table.Load().releases {
		all = append(all, release.flight)
	}
	return all
}

// prepare checks and copies what Point was given.
func (p *Proxy) prepare(service, release string, routes map[string][]string) (*release, error) {
	if service == "" || release == "" {
		return nil, errors.New("a service and a release need a name")
	}
	e := entry{Release: release, Boot: p.boot, Routes: make(map[string][]string, len(routes))}
	for key, backends := range routes {
		e.Routes[key] = slices.Clone(backends)
	}
	return newRelease(service, e, confirmed)
}

// entries are the table as the route file has it, with what routes ask their clients for at this time.
func (p *Proxy) entries(t *table) map[string]entry {
	entries, ring := make(map[string]entry, len(t.releases)), p.vault.ring.Load()
	for service, release := range t.releases {
		e := release.entry
		e.ClientCAs = nil
		for _, r := range release.routes {
			if asked := ring.asks(r); asked != "" {
				if e.ClientCAs == nil {
					e.ClientCAs = map[string]string{}
				}
				e.ClientCAs[r.key()] = asked
			}
		}
		entries[service] = e
	}
	return entries
}

// Live says which release each service points to, as the route file has it.
func (p *Proxy) Live() map[string]string {
	live := map[string]string{}
	for service, release := range p.table.Load().releases {
		live[service] = release.name
	}
	return live
}

// Routed are the routes of each service, as Point and Reroute are told of them.
func (p *Proxy) Routed() map[string]map[string][]string {
	all := map[string]map[string][]string{}
	for service, release := range p.table.Load().releases {
		all[service] = release.entry.Routes
	}
	return all
}

// Routes lists the live table by host and prefix, with the requests in flight on each backend.
func (p *Proxy) Routes() []Route { return p.table.Load().rows() }
