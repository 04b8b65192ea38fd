package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Point sends a service's traffic to a release. routes maps "host/prefix" ("a.pl/", "a.pl/api") to the addresses of its
// backends ("172.18.0.3:8080"); a worker has no routes and is recorded all the same. The route file's replacement is
// the commit point: when Point returns nil the new table is on disk and new requests go by it, when it returns an error
// nothing has changed. It is ErrTaken when another service has one of the routes.
//
// The returned drain waits until no request that was counted on what the service pointed to before is in flight. When
// ctx ends first it closes the connections of those that are left and returns how many that were.
func (p *Proxy) Point(service, release string, routes map[string][]string) (
	drain func(ctx context.Context) (cut int), err error,
) {
	next, err := p.prepare(service, release, routes)
	if err != nil {
		return nil, fmt.Errorf("point %s to release %s: %w", service, release, err)
	}
	p.change.Lock()
	defer p.change.Unlock()
	before := p.table.Load()
	after, err := before.with(next)
	if err == nil {
		err = p.store.save(before.entries(), after.entries())
	}
	if err != nil {
		return nil, fmt.Errorf("point %s to release %s: %w", service, release, err)
	}
	next.meter = p.meters.of(service)
	p.table.Store(after)
	return before.releases[service].retire(), nil
}

// Remove takes a service out of the table and frees its routes. drain is as for Point. A service that is not there is
// not an error.
func (p *Proxy) Remove(service string) (drain func(ctx context.Context) (cut int), err error) {
	p.change.Lock()
	defer p.change.Unlock()
	before := p.table.Load()
	gone := before.releases[service]
	if gone == nil {
		return gone.retire(), nil
	}
	after, err := before.without(service)
	if err == nil {
		err = p.store.save(before.entries(), after.entries())
	}
	if err != nil {
		return nil, fmt.Errorf("remove %s: %w", service, err)
	}
	p.table.Store(after)
	p.meters.forget(service)
	return gone.retire(), nil
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

func (t *table) entries() map[string]entry {
	entries := make(map[string]entry, len(t.releases))
	for service, release := range t.releases {
		entries[service] = release.entry
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

// Routes lists the live table by host and prefix, with the requests in flight on each backend.
func (p *Proxy) Routes() []Route { return p.table.Load().rows() }
