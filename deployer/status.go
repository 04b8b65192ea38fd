package deployer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// ServiceStatus is what runs for a service.
type ServiceStatus struct {
	Service  Service
	State    string      // running, deploying, degraded or down
	Live     *Deployment // nil when nothing is live
	Replicas []Replica
}

// Services lists every service by name, as the runtime has it at this moment.
func (d *Deployer) Services(ctx context.Context) ([]ServiceStatus, error) {
	releases, err := d.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	all := make([]ServiceStatus, 0, len(d.lanes()))
	for _, l := range d.lanes() {
		all = append(all, l.status(releases))
	}
	slices.SortFunc(all, func(a, b ServiceStatus) int { return strings.Compare(a.Service.Name, b.Service.Name) })
	return all, nil
}

// Service is one of them; ErrNotFound.
func (d *Deployer) Service(ctx context.Context, name string) (ServiceStatus, error) {
	l := d.lanes()[name]
	if l == nil {
		return ServiceStatus{}, d.unknown(name)
	}
	releases, err := d.list(ctx)
	if err != nil {
		return ServiceStatus{}, fmt.Errorf("list containers: %w", err)
	}
	return l.status(releases), nil
}

func (l *lane) status(releases []Running) ServiceStatus {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	s := ServiceStatus{Service: l.service(), State: "down"}
	up := 0
	if l.live != nil {
		live := *l.live
		s.Live = &live
	}
	for _, r := range releases {
		if s.Live != nil && r.ID == s.Live.ID {
			s.Replicas = l.vitals.judged(l.stayingLocked(r.Replicas))
		}
	}
	for _, r := range s.Replicas {
		if r.Healthy {
			up++
		}
	}
	switch {
	case l.busyLocked():
		s.State = "deploying"
	case up > 0 && up == len(s.Replicas):
		s.State = "running"
	case up > 0:
		s.State = "degraded"
	}
	return s
}

// busyLocked reports whether a deployment is on its way.
func (l *lane) busyLocked() bool {
	return slices.ContainsFunc(l.active, func(j *job) bool { return j.underWay() })
}

// Current lists what is live and what is on its way, newest first: of one service or, with an empty name, of all.
// ErrNotFound.
func (d *Deployer) Current(service string) ([]Deployment, error) {
	if service != "" && d.lanes()[service] == nil {
		return nil, d.unknown(service)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []Deployment
	for name, l := range d.lanes() {
		if service != "" && name != service {
			continue
		}
		if l.live != nil && l.job(l.live.ID) == nil {
			all = append(all, *l.live)
		}
		for _, j := range l.active {
			all = append(all, j.Deployment)
		}
	}
	slices.SortFunc(all, func(a, b Deployment) int { return strings.Compare(b.ID, a.ID) })
	return all, nil
}

// Tend starts what should run and does not, as a start of the server does. It returns what is on its way.
func (d *Deployer) Tend(ctx context.Context) ([]Deployment, error) {
	var work sync.WaitGroup
	err := d.keepUp(ctx, &work)
	work.Wait()
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var active []Deployment
	for _, l := range d.lanes() {
		for _, j := range l.active {
			active = append(active, j.Deployment)
		}
	}
	return active, nil
}

// String says who or what asked.
func (c Cause) String() string {
	text := string(c.Kind)
	if c.Sender != "" {
		text += " by " + c.Sender
	}
	if c.Delivery != "" {
		text += ", delivery " + c.Delivery
	}
	return text
}
