package proxy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// release is what a service pointed to from one Point to the next. It never changes; the next Point replaces it, even
// by one of the same name.
type release struct {
	*flight
	service string
	name    string
	entry   entry
	routes  []*route
	meter   *meter
	state   confirmation
	once    sync.Once
	retired chan struct{} // closed when the table no longer has this release
}

// confirmation says how far the addresses of a release are to be believed.
type confirmation int

const (
	confirmed  confirmation = iota // pointed to by this process
	remembered                     // read from the file, written since the machine's last boot
	outdated                       // read from the file, but the machine has booted since: addresses are dealt anew
)

// newRelease makes a release of what Point was given or the file holds.
func newRelease(service string, e entry, state confirmation) (*release, error) {
	r := &release{
		flight: newFlight(), service: service, name: e.Release, entry: e, state: state,
		retired: make(chan struct{}),
	}
	for _, key := range slices.Sorted(maps.Keys(e.Routes)) {
		route, err := newRoute(key, e.Routes[key])
		if err != nil {
			return nil, fmt.Errorf("read route %w", err)
		}
		route.release = r
		r.routes = append(r.routes, route)
	}
	return r, nil
}

// retire is called when the table has replaced the release, or the proxy stops: whoever has not joined by now looks at
// the table again.
func (r *release) retire() func(context.Context) int {
	if r == nil {
		return func(context.Context) int { return 0 }
	}
	r.once.Do(func() {
		r.close() // first: who is told to look again must not be able to join
		close(r.retired)
	})
	return r.drain
}
