package deployer

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// loan is a route that its service has in the configuration no longer, and serves until the one that has it now can.
type loan struct {
	by string // a service's name
	Route
}

func (r Route) key() string { return r.Host + r.Prefix }

// lendLocked finds out which routes stay where they are for a while: those that a service gives up to one that is not up.
// before are the services as they were.
func (d *Deployer) lendLocked(before map[string]Service) {
	wanted := map[string]string{} // by those that cannot serve yet
	for name, l := range d.lanes() {
		for _, r := range l.service().Routes {
			if !l.isUpLocked() {
				wanted[r.key()] = name
			}
		}
	}
	old := d.loans
	d.loans = map[string]loan{}
	lend := func(by string, r Route) {
		l, to := d.lanes()[by], wanted[r.key()]
		if l != nil && l.live != nil && to != "" && to != by {
			d.loans[r.key()] = loan{by, r}
			l.stale = true
		}
	}
	for key, one := range old {
		if lend(one.by, one.Route); d.loans[key] == (loan{}) {
			d.endLoanLocked(key, one)
		}
	}
	for name, s := range before {
		for _, r := range s.Routes {
			if _, lent := old[r.key()]; !lent {
				lend(name, r)
			}
		}
	}
}

// recallLoans finds the routes that were lent when the program stopped, or would have been, had the configuration changed before:
// those that a service has still, and by the configuration another one. What runs is not known yet, so nobody is up.
func (d *Deployer) recallLoans() {
	before := map[string]Service{}
	for service, routes := range d.Traffic.Routed() {
		s := Service{Name: service}
		for key, to := range routes {
			if r, known := routeOf(key, to); known {
				s.Routes = append(s.Routes, r)
			}
		}
		before[service] = s
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lendLocked(before)
}

// routeOf is a route as it is pointed. On which port its service serves it only the addresses say.
func routeOf(key string, to []string) (r Route, known bool) {
	host, prefix, _ := strings.Cut(key, "/")
	for _, address := range to {
		_, port, err := net.SplitHostPort(address)
		if n, bad := strconv.Atoi(port); err == nil && bad == nil {
			return Route{Host: host, Prefix: "/" + prefix, Port: n}, true
		}
	}
	return Route{}, false
}

// endLoansLocked takes over the routes that others have served until now.
func (l *lane) endLoansLocked() (ended bool) {
	for _, r := range l.service().Routes {
		if one, lent := l.d.loans[r.key()]; lent {
			l.d.endLoanLocked(r.key(), one)
			ended = true
		}
	}
	return ended
}

// endLoanLocked has the routes point anew, in one step, of the one that has served a route and of the one that has it, if any has.
func (d *Deployer) endLoanLocked(key string, one loan) {
	delete(d.loans, key)
	for name, l := range d.lanes() {
		has := slices.ContainsFunc(l.service().Routes, func(r Route) bool { return r.key() == key })
		l.stale = l.stale || has || name == one.by
	}
}

// isUpLocked reports whether the live release has a replica that is well.
func (l *lane) isUpLocked() bool {
	return slices.ContainsFunc(l.vitals.judged(l.replicas), func(r Replica) bool { return r.Healthy })
}

// borrowsLocked reports whether others serve routes of the service.
func (l *lane) borrowsLocked() bool {
	return slices.ContainsFunc(l.service().Routes, func(r Route) bool { _, lent := l.d.loans[r.key()]; return lent })
}

// routesToLocked maps the routes that the service serves at this moment to the addresses of the replicas that are well.
func (l *lane) routesToLocked(replicas []Replica) map[string][]string {
	routes := map[string][]string{}
	for _, r := range l.service().Routes {
		if _, lent := l.d.loans[r.key()]; !lent {
			routes[r.key()] = addresses(r, replicas)
		}
	}
	for key, one := range l.d.loans {
		if one.by == l.service().Name {
			routes[key] = addresses(one.Route, replicas)
		}
	}
	return routes
}

// addresses are those of the replicas that are well, on a route's port.
func addresses(r Route, replicas []Replica) []string {
	all := []string{}
	for _, replica := range replicas {
		if replica.Healthy && replica.Address != "" {
			all = append(all, net.JoinHostPort(replica.Address, strconv.Itoa(r.Port)))
		}
	}
	slices.Sort(all)
	return all
}

// reroute gives all services whose routes have changed their new ones in one step, and takes away those of services that are
// gone. What fails is tried again by keepUp. The caller holds switching.
func (d *Deployer) reroute() error {
	routes, points := d.misrouted()
	if len(routes) == 0 {
		return nil
	}
	drains, err := d.Traffic.Reroute(routes)
	if err != nil {
		return fmt.Errorf("move the routes: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for service := range routes {
		if l := d.lanes()[service]; l != nil {
			l.stale = false
			l.points = points[service]
		} else if l := d.leaving[service]; l != nil {
			l.finish = both(l.finish, drains[service])
			if !doubted(l.lifted) {
				close(l.lifted)
			}
		}
	}
	return nil
}

// misrouted are the routes of the services that do not have the ones they should; nil where a service should have none.
func (d *Deployer) misrouted() (routes map[string]map[string][]string, points map[string]string) {
	live := d.Traffic.Live()
	d.mu.Lock()
	defer d.mu.Unlock()
	routes, points = map[string]map[string][]string{}, map[string]string{}
	for service, release := range live {
		l := d.lanes()[service]
		switch {
		case l == nil:
			routes[service] = nil
		case l.stale && !d.restored.IsZero() && l.live != nil && l.live.ID == release:
			routes[service] = l.routesToLocked(l.vitals.judged(l.replicas))
			if l.points != "" && !l.halted {
				points[service] = fmt.Sprint(release, routes[service])
			}
		}
	}
	return routes, points
}

// rerouteAgain tries once more what could not be done.
func (d *Deployer) rerouteAgain() {
	d.switching.Lock()
	defer d.switching.Unlock()
	d.logApplied(d.reroute())
}

// logReroute tells what could not be applied, once for as long as that is the same.
func (d *Deployer) logReroute(err error) {
	if err != nil && d.isNews(err.Error()) {
		d.Log.Error().Err(err).Msg("cannot apply all of the configuration; trying again")
	}
}

// logApplied is logReroute for who has tried all of it, and tells when that is over, too.
func (d *Deployer) logApplied(err error) {
	if d.logReroute(err); err == nil && d.isNews("") {
		d.Log.Info().Msg("all of the configuration is applied by now")
	}
}

// isNews reports whether something else could be told last of what could not be applied.
func (d *Deployer) isNews(why string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	was := d.undone
	d.undone = why
	return was != why
}
