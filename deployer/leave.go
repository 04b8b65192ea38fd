package deployer

import (
	"context"
	"errors"
	"maps"
	"slices"
)

// errRemoved is why nothing more is done for a service.
var errRemoved = errors.New(noLongerConfigured)

func (l *lane) isRemoved() bool {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return l.removed
}

// forgetBefore lets go of a lane that nobody is at work for any more. What runs of the service may be adopted from then on.
func (l *lane) forgetBefore() {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	l.before = nil
	l.d.look()
}

// drainAway lets the requests end that a service had when it was removed, for its drain time at most; after that its
// containers may be stopped. When it comes back meanwhile, or the program stops, they go on.
func (l *lane) drainAway(ctx context.Context) {
	l.awaitLift(ctx)
	l.d.mu.Lock()
	drain, removed := l.finish, l.removed
	l.d.mu.Unlock()
	if !removed {
		return
	}
	if drain != nil {
		drainUntil(ctx, l.back, l.service().Drain, drain)
	}
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if name := l.service().Name; l.d.leaving[name] == l {
		delete(l.d.leaving, name)
	}
	l.d.look()
}

// awaitLift waits until a service that was removed has no routes any more: they may not have been taken away at the first try,
// and it serves until they are.
func (l *lane) awaitLift(ctx context.Context) {
	l.d.switching.Lock()
	_, routed := l.d.Traffic.Live()[l.service().Name]
	l.d.switching.Unlock()
	if !l.isRemoved() || !routed {
		return
	}
	select {
	case <-l.lifted:
	case <-l.back:
	case <-ctx.Done():
	}
}

// beginRemoval claims the containers of a service for the one that is about to stop or remove them, until done, if nobody is at work
// for the service any more; all of them at once, since what runs is what is gone on with if it comes back, and it is not
// adopted before that is over. One whose routes could not be taken away serves on until they can.
func (d *Deployer) beginRemoval(service string) (done func(), mine bool) {
	if _, routed := d.Traffic.Live()[service]; routed {
		return nil, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	drains := slices.Contains(slices.Collect(maps.Values(d.drains)), service)
	if d.lanes()[service] != nil || d.leaving[service] != nil || d.removing[service] || drains {
		return nil, false
	}
	d.removing[service] = true
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if delete(d.removing, service); d.lanes()[service] != nil { // it waits for that
			d.look()
		}
	}, true
}
