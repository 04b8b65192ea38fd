package deployer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// rearrangement is what makes one set of services another.
type rearrangement struct {
	added, changed []Service
	removed        []string
}

// rearrange compares the services there are with those there should be.
func rearrange(are map[string]Service, should []Service) (r rearrangement) {
	keep := map[string]bool{}
	for _, s := range should {
		keep[s.Name] = true
		switch is, known := are[s.Name]; {
		case !known:
			r.added = append(r.added, s)
		case !is.equal(s):
			r.changed = append(r.changed, s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(are)) {
		if !keep[name] {
			r.removed = append(r.removed, name)
		}
	}
	return r
}

func (r rearrangement) isNone() bool { return len(r.added)+len(r.changed)+len(r.removed) == 0 }

// Reconcile makes the services that run those of a configuration, at any time, also before Run:
//
// What is added gets a lane, and is adopted or deployed as at a start. What is removed leaves the routes at once; its
// deployments end, and its containers are stopped once their requests are done. Of what has changed, routes move in one step
// with all others, so that a host that goes from one service to another is never nobody's; the number of replicas is made
// what it should be without replacing any; what makes a container leads to a deployment of the live digest; another
// image or tag is looked up and deployed. Everything else counts from the next time it is asked for.
//
// Where nothing has changed nothing is done. One service's trouble does not keep the others from changing; an error says what
// could not be done, and that is tried again until it is.
func (d *Deployer) Reconcile(services []Service) error {
	d.arranging.Lock()
	defer d.arranging.Unlock()
	err := d.become(services)
	if d.unfinished = nil; err != nil {
		d.unfinished = services
	}
	return err
}

// becomeAtLast tries again what could not be done of the last configuration, or of its routes since.
func (d *Deployer) becomeAtLast() {
	d.arranging.Lock()
	defer d.arranging.Unlock()
	d.endOrphans()
	if d.unfinished == nil {
		d.rerouteAgain()
		return
	}
	err := d.become(d.unfinished)
	if err == nil {
		d.unfinished = nil
	}
	d.logApplied(err)
}

// become does what Reconcile promises. The caller holds arranging.
func (d *Deployer) become(services []Service) error {
	r := rearrange(d.configured(), services)
	d.switching.Lock() // nobody points anything while it changes whose it is
	defer d.switching.Unlock()
	if r.isNone() {
		return d.reroute() // which may have failed before
	}
	leaving, failed := d.arrange(r)
	failed = errors.Join(failed, d.reroute())
	d.rename()
	for _, l := range leaving {
		close(l.leave)
	}
	offer(d.hire)
	d.look()
	return failed
}

// Configured are the services of the configuration that is in force, by name.
func (d *Deployer) Configured() []Service {
	services := slices.Collect(maps.Values(d.configured()))
	slices.SortFunc(services, func(a, b Service) int { return strings.Compare(a.Name, b.Name) })
	return services
}

// configured are the services there are.
func (d *Deployer) configured() map[string]Service {
	services := map[string]Service{}
	for name, l := range d.lanes() {
		services[name] = l.service()
	}
	return services
}

// arrange makes it so in memory and in the journal. It returns the lanes that have nothing to do any more.
func (d *Deployer) arrange(r rearrangement) (leaving []*lane, failed error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	lanes, before := maps.Clone(d.lanes()), d.configured()
	for _, name := range r.removed {
		if err := d.dismissLocked(lanes[name]); err != nil {
			failed = errors.Join(failed, fmt.Errorf("remove %s: %w", name, err))
			continue
		}
		leaving = append(leaving, lanes[name])
		delete(lanes, name)
	}
	for _, s := range r.changed {
		if err := lanes[s.Name].changeLocked(s); err != nil {
			failed = errors.Join(failed, fmt.Errorf("change %s: %w", s.Name, err))
		}
	}
	for _, s := range r.added {
		l, err := d.arriveLocked(s)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("add %s: %w", s.Name, err))
			continue
		}
		lanes[s.Name] = l
	}
	d.table.Store(&lanes)
	d.lendLocked(before)
	return leaving, failed
}

// arriveLocked is a lane for a service that was not there. One that comes back waits until nobody is at work for it as it was.
func (d *Deployer) arriveLocked(s Service) (*lane, error) {
	l := newLane(d, s, d.orders[s.Name])
	if err := l.recallWanted(); err != nil {
		return nil, err
	}
	l.returns = true
	delete(d.orders, s.Name)
	if before := d.leaving[s.Name]; before != nil {
		l.before, l.finish = before, before.finish
		close(before.back)
		delete(d.leaving, s.Name)
	}
	return l, nil
}

// dismissLocked ends what a service that is removed has on its way, on disk first.
func (d *Deployer) dismissLocked(l *lane) error {
	name, live := l.service().Name, ""
	if l.live != nil {
		live = l.live.ID
	}
	var c Change
	for _, j := range l.active {
		c.Deployments = append(c.Deployments, j.dismissed(live, time.Now()))
	}
	for _, k := range d.lookups {
		if k.Service == name {
			k.Done = true
			c.Lookups = append(c.Lookups, k)
		}
	}
	if err := d.commitLocked(c); err != nil {
		return err
	}
	l.removed = true
	d.orders[name] = l.order
	d.leaving[name] = l
	return nil
}

// changeLocked gives a service its new configuration. What follows from it, its own goroutines find out.
func (l *lane) changeLocked(s Service) error {
	was := l.service()
	if s.Image != was.Image {
		if err := l.d.commitProposalLocked(l.withoutImageLocked(s), nil); err != nil {
			return err
		}
	}
	l.config.Store(&s)
	l.rememberLocked(was)
	l.stale = l.stale || !slices.Equal(was.Routes, s.Routes)
	switch {
	case s.Spec() != was.Spec():
		l.insist, l.refused = was.Lacks == "", ""
		l.healPause, l.healAt = 0, time.Time{}
	case s.Replicas > was.Replicas && l.isForgottenLocked(): // only a new release can have more then
		l.insist, l.refused = true, ""
	}
	if s.Reference() != was.Reference() {
		l.sought, l.seek = true, time.Now()
	}
	l.scalePause, l.scaleAt = 0, time.Time{}
	close(l.changed)
	l.changed = make(chan struct{})
	l.doubtLocked()
	return nil
}

// withoutImageLocked ends what is on its way of an image that the service will not run any more. A push that waits goes on
// waiting, for the other image.
func (l *lane) withoutImageLocked(s Service) proposal {
	p := proposal{at: time.Now()}
	for _, j := range l.active {
		switch {
		case j.State == Waiting:
			next := j.Deployment
			next.Image, next.Reference = s.Image, s.Tag
			p.changed = append(p.changed, next)
		case !j.State.Switched():
			p.stop(j, Ending{Cancelled, fmt.Sprintf("the configuration has another image now, %s", s.Image)})
		}
	}
	return p
}

// rememberLocked keeps a configuration as long as there are containers of it.
func (l *lane) rememberLocked(was Service) {
	kept := map[string]Service{}
	keep := func(spec string) {
		if s, known := l.earlier[spec]; known {
			kept[spec] = s
		} else if spec == was.Spec() && was.Lacks == "" {
			kept[spec] = was
		}
	}
	if l.live != nil {
		keep(l.live.Spec)
	}
	for _, j := range l.active {
		keep(j.Spec)
	}
	l.earlier = kept
}

// adjusted is a configuration that made containers with all of a later one that does not: so they go on.
func (s Service) adjusted(to Service) Service {
	s.Repository, s.Follow, s.Tag, s.Replicas, s.Routes, s.Health = to.Repository, to.Follow, to.Tag, to.Replicas, to.Routes, to.Health
	s.Drain, s.Bake, s.Retain = to.Drain, to.Bake, to.Retain
	return s
}
