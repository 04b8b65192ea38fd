package proxy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// table is everything the proxy routes by. It never changes: a new one replaces it whole.
type table struct {
	releases map[string]*release // by service
	hosts    map[string][]*route // the longest prefix first
	replaced chan struct{}       // closed when this is no longer the table
}

// conflict is ErrTaken when a route of next is another service's, or occurs twice.
func (t *table) conflict(next *release) error {
	rest := t.without(next.service)
	for _, route := range next.routes {
		if err := rest.claim(route); err != nil {
			return err
		}
	}
	return nil
}

// claim adds a route unless it is there.
func (t *table) claim(r *route) error {
	for _, other := range t.hosts[r.host] {
		if other.prefix == r.prefix {
			return fmt.Errorf("claim %s%s/ for %s: %w: %s has it; give it up there or choose another prefix",
				r.host, r.prefix, r.release.service, ErrTaken, other.release.service)
		}
	}
	t.hosts[r.host] = append(t.hosts[r.host], r)
	return nil
}

// with returns a table in which next, which conflicts with nothing, has taken the place of its service's release.
func (t *table) with(next *release) *table {
	releases := maps.Clone(t.releases)
	releases[next.service] = next
	return newTable(releases)
}

// without returns a table without the service.
func (t *table) without(service string) *table {
	releases := maps.Clone(t.releases)
	delete(releases, service)
	return newTable(releases)
}

func newTable(releases map[string]*release) *table {
	t := &table{releases: releases, hosts: map[string][]*route{}, replaced: make(chan struct{})}
	for _, release := range releases {
		for _, route := range release.routes {
			t.hosts[route.host] = append(t.hosts[route.host], route)
		}
	}
	for _, routes := range t.hosts {
		slices.SortFunc(routes, func(a, b *route) int { return cmp.Compare(len(b.prefix), len(a.prefix)) })
	}
	return t
}

// find returns the route for a folded host and a raw path. Backends differ in how they read escapes, dot segments,
// double slashes and path parameters, and the path is passed on as it came; so a path is routed only if every reading
// of it leads to the same place. Otherwise /public/../admin could reach a backend through the wrong route, and
// whatever that route demands be bypassed.
func (t *table) find(host []byte, path string) (*route, fault) {
	routes := t.hosts[string(host)] // no allocation: the compiler knows this form
	if routes == nil {
		return nil, unknownHost
	}
	found := longest(routes, path)
	if !plain(path) {
		decoded, tidied, ok := readings(path)
		if !ok || longest(routes, decoded) != found || longest(routes, tidied) != found {
			return nil, ambiguousPath
		}
	}
	if found == nil {
		return nil, unknownPath
	}
	return found, none
}

func longest(routes []*route, path string) *route {
	for _, route := range routes {
		if under(route.prefix, path) {
			return route
		}
	}
	return nil
}

// rows lists the table by host and prefix.
func (t *table) rows() []Route {
	rows := []Route{}
	for _, routes := range t.hosts {
		for _, route := range routes {
			rows = append(rows, route.row())
		}
	}
	slices.SortFunc(rows, func(a, b Route) int {
		return cmp.Or(strings.Compare(a.Host, b.Host), strings.Compare(a.Prefix, b.Prefix))
	})
	return rows
}
