package deployer

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
)

// routesTo maps the service's routes to the addresses of the replicas that run.
func (s Service) routesTo(replicas []Replica) map[string][]string {
	routes := make(map[string][]string, len(s.Routes))
	for _, r := range s.Routes {
		addresses := []string{}
		for _, replica := range replicas {
			if replica.Running && replica.Address != "" {
				addresses = append(addresses, net.JoinHostPort(replica.Address, strconv.Itoa(r.Port)))
			}
		}
		slices.Sort(addresses)
		routes[r.Host+r.Prefix] = addresses
	}
	return routes
}

// switchTo sends the service's traffic to a deployment's replicas, and makes it the live one.
func (l *lane) switchTo(d Deployment, replicas []Replica) (drain func(context.Context) int, err error) {
	l.traffic.Lock()
	defer l.traffic.Unlock()
	drain, err = l.pointLocked(d, replicas)
	if err != nil {
		return nil, err
	}
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	l.live = &d
	return drain, nil
}

// repoint follows the addresses of the live release, unless another one has become live meanwhile, it was stopped on
// purpose, or nothing moved.
func (l *lane) repoint(d Deployment, replicas []Replica) error {
	l.traffic.Lock()
	defer l.traffic.Unlock()
	l.d.mu.Lock()
	stale := l.live == nil || l.live.ID != d.ID || l.halted || l.healing || l.points == l.pointsTo(d, replicas)
	l.d.mu.Unlock()
	if stale {
		return nil
	}
	_, err := l.pointLocked(d, replicas)
	return err
}

// pointLocked is called with traffic held.
func (l *lane) pointLocked(d Deployment, replicas []Replica) (drain func(context.Context) int, err error) {
	drain, err = l.d.Traffic.Point(l.service.Name, d.ID, l.service.routesTo(replicas))
	if err == nil {
		l.d.mu.Lock()
		l.points = l.pointsTo(d, replicas)
		l.gone = l.gone && len(replicas) == 0
		l.d.mu.Unlock()
	}
	return drain, err
}

func (l *lane) pointsTo(d Deployment, replicas []Replica) string {
	return fmt.Sprint(d.ID, l.service.routesTo(replicas))
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

// makeWay stops the live release of a `recreate` service, once its requests are done, and keeps it.
func (l *lane) makeWay(ctx context.Context, j *job) error {
	live := l.liveNow()
	if live == nil {
		return nil
	}
	l.setHalted(true)
	drain, err := l.switchTo(*live, nil)
	if err != nil {
		return fmt.Errorf("pause traffic: %w", err)
	}
	drainCtx, stop := context.WithTimeout(ctx, l.service.Drain)
	defer stop()
	drain(drainCtx)
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return l.retry(ctx, retireDeadline, "stop the old release", j, func(ctx context.Context) error {
		return l.d.Runtime.Halt(ctx, live.ID)
	})
}

// giveBack starts the live release again after makeWay.
func (l *lane) giveBack(ctx context.Context) {
	live := l.liveNow()
	if live == nil || !l.isHalted() {
		return
	}
	if err := l.resume(ctx, *live); err != nil {
		l.d.Log.Error().Err(err).Str("service", l.service.Name).Msg("cannot start the old release again; trying on")
	}
	l.setHalted(false) // from here on it is kept up like any live release
}

func (l *lane) isHalted() bool {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return l.halted
}

func (l *lane) setHalted(halted bool) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	l.halted = halted
}

// resume starts a release that exists and points the traffic at it.
func (l *lane) resume(ctx context.Context, live Deployment) error {
	ctx, stop := context.WithTimeout(ctx, startDeadline+l.service.Health.Deadline)
	defer stop()
	r := l.releaseOf(live)
	if err := l.d.Runtime.Start(ctx, r); err != nil {
		return fmt.Errorf("start release %s: %w", live.ID, err)
	}
	replicas, err := l.d.Runtime.Await(ctx, r, func(string) {})
	if err != nil {
		return fmt.Errorf("verify release %s: %w", live.ID, err)
	}
	_, err = l.switchTo(live, replicas)
	return err
}
