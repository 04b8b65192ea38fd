package deployer

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"
)

// routesTo maps the service's routes to the addresses of the replicas that are well.
func (s Service) routesTo(replicas []Replica) map[string][]string {
	routes := make(map[string][]string, len(s.Routes))
	for _, r := range s.Routes {
		addresses := []string{}
		for _, replica := range replicas {
			if replica.Healthy && replica.Address != "" {
				addresses = append(addresses, net.JoinHostPort(replica.Address, strconv.Itoa(r.Port)))
			}
		}
		slices.Sort(addresses)
		routes[r.Host+r.Prefix] = addresses
	}
	return routes
}

// switchTo sends the service's traffic to a deployment's replicas, which have been found well, and makes it the live one.
func (l *lane) switchTo(d Deployment, replicas []Replica) (drain func(context.Context, func(int)) int, err error) {
	l.traffic.Lock()
	defer l.traffic.Unlock()
	fresh := trusting(replicas)
	routes := l.service.routesTo(fresh.judged(replicas))
	drain, err = l.d.Traffic.Point(l.service.Name, d.ID, routes)
	if err != nil {
		return nil, err
	}
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.live == nil || l.live.ID != d.ID {
		l.answers, l.fell = window{at: time.Now()}, ""
		l.doubtLocked()
	}
	l.live, l.replicas, l.vitals, l.points = &d, replicas, fresh, fmt.Sprint(d.ID, routes)
	l.halted, l.gone = false, false
	l.reckonLocked()
	return drain, nil
}

// repoint sends the traffic to those replicas of the live release that are well, unless it goes there already, the
// release was stopped on purpose, or it has yet to come up, after that or a start of the program, and requests wait for it.
func (l *lane) repoint() error {
	l.traffic.Lock()
	defer l.traffic.Unlock()
	id, routes, due := l.rotation()
	if !due {
		return nil
	}
	if _, err := l.d.Traffic.Point(l.service.Name, id, routes); err != nil {
		return err
	}
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	l.points = fmt.Sprint(id, routes)
	return nil
}

// rotation is where the live routes are to point; due when they do not.
func (l *lane) rotation() (id string, routes map[string][]string, due bool) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.live == nil || l.halted {
		return "", nil, false
	}
	replicas := l.vitals.judged(l.replicas)
	up := slices.ContainsFunc(replicas, func(r Replica) bool { return r.Healthy })
	replacing := l.service.Strategy == Recreate && l.isReplacingLocked()
	since := l.givenBack
	if since.IsZero() {
		since = l.d.restored
	}
	if coming := replacing || time.Since(since) < l.service.Health.Deadline+30*time.Second; l.points == "" && coming && !up {
		return "", nil, false
	}
	routes = l.service.routesTo(replicas)
	return l.live.ID, routes, l.points != fmt.Sprint(l.live.ID, routes)
}

func (l *lane) logRepoint(err error) {
	if err != nil {
		l.aboutLive().Error().Err(err).Msg("cannot point the routes to the replicas that are well; trying again")
	}
}

// see takes a listing of the live release's replicas.
func (l *lane) see(id string, replicas []Replica) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.live == nil || l.live.ID != id {
		return
	}
	if l.vitals == nil {
		l.vitals = vitals{}
	}
	l.replicas = replicas
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
