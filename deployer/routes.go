package deployer

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// switchTo sends the service's traffic to a deployment's replicas, which have been found well, and makes it the live one.
func (l *lane) switchTo(d Deployment, replicas []Replica) (drain func(context.Context, func(int)) int, err error) {
	l.d.switching.Lock()
	defer l.d.switching.Unlock()
	l.catchUp()
	fresh := trusting(replicas)
	routes, err := l.routesTo(fresh.judged(replicas))
	if err != nil {
		return nil, err
	}
	if drain, err = l.d.Traffic.Point(l.service().Name, d.ID, routes); err != nil {
		return nil, err
	}
	if l.becomeLive(d, replicas, fresh, routes) {
		l.d.logReroute(l.d.reroute())
	}
	l.d.rename()
	return drain, nil
}

// routesTo is where the service's routes lead with these replicas; an error says that it has left the configuration.
func (l *lane) routesTo(replicas []Replica) (map[string][]string, error) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.removed {
		return nil, errRemoved
	}
	return l.routesToLocked(replicas), nil
}

// becomeLive keeps in mind where the traffic goes. takesOver reports that others have served some of the routes until now.
func (l *lane) becomeLive(d Deployment, replicas []Replica, fresh vitals, routes map[string][]string) (takesOver bool) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.live == nil || l.live.ID != d.ID {
		l.answers, l.fell = window{at: time.Now()}, ""
		l.doubtLocked()
	}
	l.live, l.replicas, l.vitals, l.points = &d, replicas, fresh, fmt.Sprint(d.ID, routes)
	l.halted, l.gone, l.stale = false, false, false
	l.reckonLocked()
	return !l.d.restored.IsZero() && l.endLoansLocked() // a start adopts all first, see setRestored
}

// repoint sends the traffic to those replicas of the live release that are well, unless it goes there already, the
// release was stopped on purpose, or it has yet to come up, after that or a start of the program, and requests wait for it.
func (l *lane) repoint() error {
	l.d.switching.Lock()
	defer l.d.switching.Unlock()
	l.catchUp()
	_, err := l.turnNow()
	return err
}

// catchUp moves the routes that could not be moved when the configuration changed, before the service alone is pointed: what goes from
// it to another one would be nobody's in between. What fails is told, and tried again, by becomeAtLast: where it goes on failing, the
// service's own health counts more. The caller holds switching.
func (l *lane) catchUp() {
	l.d.mu.Lock()
	stale := l.stale
	l.d.mu.Unlock()
	if stale {
		_ = l.d.reroute()
	}
}

// turnNow is repoint for who holds switching, with the drain of the addresses that get no more requests.
func (l *lane) turnNow() (drain func(context.Context, func(int)) int, err error) {
	id, routes, due := l.rotation()
	if !due {
		return nothingToDrain, nil
	}
	if drain, err = l.d.Traffic.Point(l.service().Name, id, routes); err != nil {
		return nil, err
	}
	if l.hasTurned(fmt.Sprint(id, routes)) {
		l.d.logReroute(l.d.reroute())
	}
	return drain, nil
}

// hasTurned keeps in mind where the routes point. takesOver reports that others have served some until now, and need not.
func (l *lane) hasTurned(to string) (takesOver bool) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	l.points = to
	return l.isUpLocked() && l.endLoansLocked()
}

// rotation is where the live routes are to point; due when they do not.
func (l *lane) rotation() (id string, routes map[string][]string, due bool) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.live == nil || l.halted || l.removed {
		return "", nil, false
	}
	replicas, up := l.vitals.judged(l.replicas), l.isUpLocked()
	replacing := l.service().Strategy == Recreate && l.isReplacingLocked()
	since := l.givenBack
	if since.IsZero() {
		since = l.since
	}
	if coming := replacing || time.Since(since) < l.service().Health.Deadline+30*time.Second; l.points == "" && coming && !up {
		return "", nil, false
	}
	routes = l.routesToLocked(replicas)
	return l.live.ID, routes, l.points != fmt.Sprint(l.live.ID, routes) || up && l.borrowsLocked()
}

func (l *lane) logRepoint(err error) {
	if err != nil {
		l.aboutLive().Error().Err(err).Msg("cannot point the routes to the replicas that are well; trying again")
	}
}

// see takes a listing of the live release's replicas, unless one that was begun later has been seen.
func (l *lane) see(id string, replicas []Replica, begun time.Time) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.live == nil || l.live.ID != id || begun.Before(l.seen) {
		return
	}
	l.seen = begun
	if l.vitals == nil {
		l.vitals = vitals{}
	}
	replicas = l.stayingLocked(replicas)
	l.replicas = replicas
	if l.gone && slices.ContainsFunc(replicas, func(r Replica) bool { return r.Running }) { // it could be started after all
		l.gone = false
		close(l.changed)
		l.changed = make(chan struct{})
	}
	fresh, fell := l.vitals.meet(replicas)
	if fresh {
		l.doubtLocked()
	}
	if fell != "" && !l.lost {
		l.fell = l.toldLocked(fell)
	}
	l.lost = false
	l.reckonLocked()
}

// liveNow is a snapshot of the live deployment; nil when there is none.
func (l *lane) liveNow() *Deployment {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.live == nil {
		return nil
	}
	live := *l.live
	return &live
}
