package deployer

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
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
	all := make([]ServiceStatus, 0, len(d.lanes))
	for _, l := range d.lanes {
		all = append(all, l.status(releases))
	}
	slices.SortFunc(all, func(a, b ServiceStatus) int { return strings.Compare(a.Service.Name, b.Service.Name) })
	return all, nil
}

// Service is one of them; ErrNotFound.
func (d *Deployer) Service(ctx context.Context, name string) (ServiceStatus, error) {
	l := d.lanes[name]
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
	s := ServiceStatus{Service: l.service, Live: l.liveNow(), State: "down"}
	up := 0
	for _, r := range releases {
		if s.Live != nil && r.ID == s.Live.ID {
			s.Replicas = r.Replicas
		}
	}
	for _, r := range s.Replicas {
		if r.Running {
			up++
		}
	}
	switch {
	case l.busy():
		s.State = "deploying"
	case up > 0 && up == len(s.Replicas):
		s.State = "running"
	case up > 0:
		s.State = "degraded"
	}
	return s
}

// busy reports whether a deployment is on its way.
func (l *lane) busy() bool {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return l.busyLocked()
}

func (l *lane) busyLocked() bool {
	return slices.ContainsFunc(l.active, func(j *job) bool { return j.underWay() })
}

// Logs streams the output of a service's live release; of its last deployment where none is live. ErrNotFound.
func (d *Deployer) Logs(ctx context.Context, service string, o LogOptions) (io.ReadCloser, error) {
	l := d.lanes[service]
	if l == nil {
		return nil, d.unknown(service)
	}
	if live := l.liveNow(); live != nil {
		return d.Runtime.Logs(ctx, live.ID, o)
	}
	last, err := d.Journal.Deployments(service, 1)
	if err != nil || len(last) == 0 {
		return nil, fmt.Errorf("containers of service %q %w: it has not been deployed", service, ErrNotFound)
	}
	return d.Runtime.Logs(ctx, last[0].ID, o)
}

// Reconcile starts what should run and does not, as a start of the server does. It returns what is on its way.
func (d *Deployer) Reconcile(ctx context.Context) ([]Deployment, error) {
	if err := d.keepUp(ctx); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var active []Deployment
	for _, l := range d.lanes {
		for _, j := range l.active {
			active = append(active, j.Deployment)
		}
	}
	return active, nil
}

// Log is the deployment's own log, a line a step or note, with times in UTC.
func (d Deployment) Log() string {
	type line struct {
		at   time.Time
		text string
	}
	lines := []line{{d.CreatedAt, fmt.Sprintf("%s of %s asked for by %s", d.name(), d.Service, d.Cause)}}
	for _, s := range d.Steps {
		lines = append(lines, line{s.At, string(s.State)})
	}
	for _, n := range d.Notes {
		lines = append(lines, line{n.At, "  " + n.Text})
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%s %s\n", l.at.Format("2006-01-02T15:04:05.000Z"), l.text)
	}
	if d.Reason != "" {
		fmt.Fprintf(&b, "%s\n", d.Reason)
	}
	return b.String()
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
