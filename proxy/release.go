package proxy

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// release is what a service points to from one Point, or Pause, to the next. It never changes; the next one replaces it,
// even one of the same name, which goes on with the same flight.
type release struct {
	*flight
	service string
	name    string
	entry   entry
	routes  []*route
	meter   *meter
	via     *http.Transport // to its replicas
	state   state
	left    []*replica    // with requests that came by routes of before; guarded by the proxy's change
	room    room          // of those who wait for the next one
	retired chan struct{} // closed when the table no longer has this release
}

// state says whether requests go to a release.
type state int

const (
	confirmed  state = iota // pointed to by this process
	remembered              // read from the file, written since the machine's last boot
	outdated                // read from the file, but the machine has booted since: addresses are dealt anew
	paused                  // nothing new goes there
)

// takes reports whether requests may go to the release now.
func (r *release) takes(p *Proxy) bool {
	return r.state == confirmed || r.state == remembered && p.isSettled()
}

// newRelease makes a release of what Point was given or the file holds.
func newRelease(service string, e entry, state state) (*release, error) {
	r := &release{
		flight: newFlight(), service: service, name: e.Release, entry: e, state: state, retired: make(chan struct{}),
	}
	for _, key := range slices.Sorted(maps.Keys(e.Routes)) {
		route, err := newRoute(key, e.Routes[key])
		if err != nil {
			return nil, fmt.Errorf("read route %w", err)
		}
		route.release = r
		r.routes = append(r.routes, route)
	}
	r.hand(r)
	return r, nil
}

// succeed takes over from the one before: the service's meter, and if that is one of the same release its flight and the
// replicas that stay.
func (r *release) succeed(before *release) {
	if before == nil {
		return
	}
	r.meter = before.meter
	if before.name != r.name {
		return
	}
	r.flight, r.via = before.flight, before.via
	if r.state != paused { // not even for a moment: its drain would take it for going on
		r.hand(r)
	}
	for _, route := range r.routes {
		for _, old := range before.routes {
			if old.host == route.host && old.prefix == route.prefix {
				route.replicas.keep(old.replicas)
			}
		}
	}
}

// pause is the same release with nothing new going there.
func (r *release) pause() *release {
	held := &release{
		flight: r.flight, service: r.service, name: r.name, entry: r.entry, meter: r.meter, via: r.via, state: paused,
		retired: make(chan struct{}),
	}
	for _, one := range r.routes {
		held.routes = append(held.routes, &route{host: one.host, prefix: one.prefix, release: held, replicas: one.replicas})
	}
	return held
}

// retire is called once, when the table has replaced the release, with what took its place: whoever has not joined by
// now looks at the table again. The returned drain is that of what is still in flight.
func (r *release) retire(by *release) (drain func(context.Context, func(int)) int) {
	if r == nil {
		return func(context.Context, func(int)) int { return 0 }
	}
	if by == nil || by.flight != r.flight || by.state == paused {
		r.hand(nil) // first: who is told to look again must not be able to join
	}
	close(r.retired)
	if by != nil && by.flight == r.flight {
		by.left = r.abandoned(by) // now that nobody can get there any more
	}
	return r.drain
}
