package deployer

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// moved is the deployment one state further. It is the one function that writes State; a step that the table does
// not have is a bug of this package and panics.
func (d Deployment) moved(to State, reason string, at time.Time) Deployment {
	if !may(d.State, to) {
		panic(fmt.Sprintf("deployer: deployment %s cannot go from %s to %s", d.ID, d.State, to))
	}
	return d.entered(to, reason, at)
}

// requeued is what a restart makes of a deployment that it interrupted before its commit point.
func (d Deployment) requeued(at time.Time) Deployment {
	if d.State == Queued || !slices.Contains(restarts(), d.State) {
		return d
	}
	return d.entered(Queued, "", at)
}

const noLongerConfigured = "the service is no longer in the configuration"

// dismissed ends a deployment whose service has left the configuration; live is the one that its traffic went to. That is no
// judgement of what it deployed: the service may come back to it.
func (d Deployment) dismissed(live string, at time.Time) Deployment {
	switch {
	case d.State == Switching && live == d.ID:
		return d.moved(Draining, "", at).moved(Succeeded, "", at)
	case d.State == Baking && live == d.Replaces && d.Reason != "":
		return d.moved(RolledBack, d.Reason, at)
	case d.State == Draining || d.State == Baking:
		return d.moved(Succeeded, "", at)
	}
	return d.moved(Cancelled, noLongerConfigured, at)
}

func (d Deployment) entered(state State, reason string, at time.Time) Deployment {
	d.State, d.Reason = state, clip(reason, maxReason)
	d.Steps = append(slices.Clone(d.Steps), Step{State: state, At: at.UTC(), Tick: unstamped})
	if state.Ended() {
		d.FinishedAt = at.UTC()
	}
	return d
}

// commitProposalLocked commits a proposal whole and then, only then, stops the running ones that give way.
func (d *Deployer) commitProposalLocked(p proposal, delivery *Delivery) error {
	err := d.commitLocked(Change{Deployments: p.changed, Orders: p.orders, Lookups: p.lookups, Delivery: delivery})
	if err != nil {
		return err
	}
	for _, stopped := range p.stops {
		stopped.cancel(stopped.Told)
	}
	return nil
}

// commitLocked makes a change durable, then true in memory, then known.
func (d *Deployer) commitLocked(c Change) error {
	c.reached("before")
	c.Deployments = d.stampLocked(c.Deployments)
	if err := d.Journal.Commit(c); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	c.reached("after")
	for service, order := range c.Orders {
		d.lanes()[service].order = order
	}
	for _, l := range c.Lookups {
		d.rememberLookup(l)
	}
	for _, next := range c.Deployments {
		if l := d.lanes()[next.Service]; l.live != nil && l.live.ID == next.ID {
			l.live = &next
		}
		d.lanes()[next.Service].acceptLocked(next)
		for _, observe := range d.Observers {
			observe(next)
		}
	}
	d.announceLocked()
	return nil
}

// reached marks the states that a change writes as points to be killed at.
func (c Change) reached(when string) {
	for _, d := range c.Deployments {
		reached(when + " " + string(d.State))
	}
}

// acceptLocked takes a new value of a deployment into the lane.
func (l *lane) acceptLocked(next Deployment) {
	i := slices.IndexFunc(l.active, func(j *job) bool { return j.ID == next.ID })
	switch {
	case i < 0 && !next.State.Ended():
		l.active = append(l.active, &job{Deployment: next, id: next.ID})
	case i >= 0 && next.State.Ended():
		l.active = slices.Delete(l.active, i, i+1)
	case i >= 0:
		j := l.active[i]
		if j.State == Waiting && next.State != Waiting { // it is accepted now: behind those accepted before
			l.active = append(slices.Delete(l.active, i, i+1), j)
		}
		if j.State != next.State {
			j.report = nil
		}
		j.Deployment = next
	}
	l.noteRefusalLocked(next)
	close(l.changed)
	l.changed = make(chan struct{})
	l.nudge()
}

// move takes a running job one state further. It fails with the job's Ending once the job has been told to end.
func (l *lane) move(ctx context.Context, j *job, to State, reason string) error {
	return l.update(ctx, j, func(d Deployment) Deployment { return d.moved(to, reason, time.Now()) })
}

// update changes a running job and journals it.
func (l *lane) update(ctx context.Context, j *job, change func(Deployment) Deployment) error {
	return l.persist(ctx, j, func() (proposal, error) {
		return proposal{changed: []Deployment{change(j.Deployment)}}, nil
	})
}

// persist commits what propose returns, which is called with mu held. A journal that cannot be written (a full disk)
// is tried again until ctx ends: nothing goes on that is not on disk.
func (l *lane) persist(ctx context.Context, j *job, propose func() (proposal, error)) error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 10*time.Second) {
		written, err := l.tryPersist(j, propose)
		if written || err != nil {
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

func (l *lane) tryPersist(j *job, propose func() (proposal, error)) (written bool, err error) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.removed {
		return false, errRemoved
	}
	p, err := propose()
	if err != nil {
		return false, err
	}
	if told := j.Told; told != nil && !ends(p.changed, j.ID) {
		return false, told
	}
	if err := l.d.commitProposalLocked(p, nil); err != nil {
		l.about(j.ID).Error().Err(err).Msg("cannot record what happened; trying again")
		return false, nil
	}
	return true, nil
}

func ends(changed []Deployment, id string) bool {
	return slices.ContainsFunc(changed, func(d Deployment) bool { return d.ID == id && d.State.Ended() })
}

// stop makes a job end before its switch. What runs is told so, on disk first: its runner cleans up and ends it, or the
// next process does. What nobody runs ends here.
func (p *proposal) stop(j *job, e Ending) {
	switch {
	case j.Told != nil || j.ends:
	case j.runs:
		told := j.Deployment
		told.Told = &e
		p.changed = append(p.changed, told)
		p.stops = append(p.stops, j)
	default:
		p.changed = append(p.changed, j.moved(e.State, e.Reason, p.at))
	}
}

// sleep waits for a time or for the end of ctx, whose cause it returns.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
