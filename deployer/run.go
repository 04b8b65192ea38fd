package deployer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// No state waits for ever. Verifying has the service's own health deadline, draining its drain and stop times.
const (
	pullDeadline   = 20 * time.Minute
	startDeadline  = 2 * time.Minute
	retireDeadline = 5 * time.Minute
	undoDeadline   = time.Minute
	// What is cancelled ends within 5 s.
	abandonGrace    = 3 * time.Second
	abandonDeadline = 4 * time.Second
)

// carryOut takes a deployment to its end. When ctx ends because the program stops, it stays as it is and goes on after
// the next start.
func (l *lane) carryOut(ctx context.Context, c claimed) {
	j := c.job
	defer j.cancel(nil)
	log := l.about(j.id)
	err := l.deploy(c.ctx, j)
	var told *Ending
	switch {
	case err == nil:
	case ctx.Err() != nil, l.isRemoved():
		return
	case errors.As(context.Cause(c.ctx), &told) || errors.As(err, &told):
		l.undo(j, told.State)
		err = l.move(ctx, j, told.State, told.Reason)
	case l.now(j).State.Switched() && l.now(j).State != Switching:
		log.Error().Err(err).Msg("the new release serves, but the old one could not be removed; trying on")
		err = l.succeed(ctx, j)
	default:
		l.setEnds(j)
		l.undo(j, Failed)
		err = l.move(ctx, j, Failed, err.Error())
	}
	if err != nil && ctx.Err() == nil {
		log.Error().Err(err).Msg("cannot end the deployment")
	}
}

// setEnds says that it is too late to tell the job to end otherwise.
func (l *lane) setEnds(j *job) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	j.ends = true
}

// deploy is the happy path.
func (l *lane) deploy(ctx context.Context, j *job) error {
	drain := nothingToDrain // after a restart
	if !l.now(j).State.Switched() {
		if err := l.pull(ctx, j); err != nil {
			return err
		}
		if err := l.begin(ctx, j); err != nil {
			return err
		}
		replicas, err := l.bringUp(ctx, j)
		if err != nil {
			return err
		}
		if drain, err = l.cutOver(ctx, j, replicas); err != nil {
			return err
		}
	}
	if err := l.letGo(ctx, j, drain); err != nil {
		return err
	}
	if err := l.retireOthers(ctx, j); err != nil {
		return err
	}
	return l.succeed(ctx, j)
}

// begin waits for the job's turn, checks the order again and enters starting, in one step.
func (l *lane) begin(ctx context.Context, j *job) error {
	if err := l.awaitTurn(ctx, j); err != nil {
		return err
	}
	if err := l.lacking(j); err != nil {
		return err
	}
	if err := l.unmake(ctx, j); err != nil {
		return err
	}
	return l.recheck(ctx, j, func(d Deployment) Deployment {
		j.service = l.service()
		d.Spec = j.service.Spec()
		return d.moved(Starting, "", time.Now())
	})
}

// noContainer begins the reason of what ended because its service lacks something.
const noContainer = "no container of "

// lacking ends a job whose service lacks something, before anything is touched for it. That speaks not against what it brings,
// which is tried again as soon as nothing is lacking.
func (l *lane) lacking(j *job) error {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	s := l.service()
	if s.Lacks == "" {
		return nil
	}
	wanted := j.Deployment
	l.wanted = &wanted
	return &Ending{Cancelled, fmt.Sprintf(noContainer+"%s can be made: %s; nothing changed, and it is tried again once that can be read", s.Name, s.Lacks)}
}

// unmake removes what a restart has left of the job's containers, when the configuration has changed since: what runs would
// go on as it is.
func (l *lane) unmake(ctx context.Context, j *job) error {
	if l.service().made(l.now(j).Spec) {
		return nil
	}
	return l.retry(ctx, l.retireWithin(), "remove the containers of an earlier configuration", j, func(ctx context.Context) error {
		return l.d.Runtime.Retire(ctx, j.id)
	})
}

// recheck decides again with what is known by now, and applies change when the job still is to go on.
func (l *lane) recheck(ctx context.Context, j *job, change func(Deployment) Deployment) error {
	return l.persist(ctx, j, func() (proposal, error) {
		next := change(j.Deployment)
		v := decide(next, l.standingLocked(j.id))
		switch {
		case v.join != "":
			return proposal{}, &Ending{Unchanged, fmt.Sprintf("%.19s is on its way already, as deployment %s", next.Digest, v.join)}
		case v.end != "":
			return proposal{}, &Ending{v.end, v.reason}
		case v.takeOver != "":
			v.supersede = append(v.supersede, v.takeOver)
		}
		next.Stops = max(next.Stops, v.stops)
		p := proposal{at: time.Now(), changed: []Deployment{next}}
		p.clear(l, next, v)
		p.bring(l, next)
		return p, nil
	})
}

// bringUp prepares the new release, starts it beside the old one, or for `recreate` in its place, and waits until it is
// healthy. The old one is not touched before it is certain that the new one's containers can be made. When the engine was lost meanwhile, it may have lost the containers too: they are started again.
func (l *lane) bringUp(ctx context.Context, j *job) ([]Replica, error) {
	if err := l.prepare(ctx, j); err != nil {
		return nil, err
	}
	release := l.release(j)
	if release.Service.Strategy == Recreate {
		create := func(ctx context.Context) error { return l.d.Runtime.Make(ctx, release) }
		if err := l.retry(ctx, startDeadline, "create containers", j, create); err != nil {
			return nil, err
		}
		if err := l.makeWay(ctx, j); err != nil {
			return nil, err
		}
	}
	j.begun = true
	start := func(ctx context.Context) error { return l.d.Runtime.Start(ctx, release) }
	if err := l.retry(ctx, startDeadline, "start containers", j, start); err != nil {
		return nil, err
	}
	reached("started")
	if err := l.move(ctx, j, Verifying, ""); err != nil {
		return nil, err
	}
	var replicas []Replica
	lost := false
	err := l.retry(ctx, release.Service.Health.Deadline+startDeadline, "verify containers", j, func(ctx context.Context) (err error) {
		if lost {
			if err := start(ctx); err != nil {
				return err
			}
		}
		replicas, err = l.d.Runtime.Await(ctx, release, l.reporter(j))
		lost = errors.Is(err, ErrUnavailable)
		return err
	})
	return replicas, err
}

// cutOver sends the traffic to the new release. The rename of the route file inside Point is the commit point. drain is
// that of the old one.
func (l *lane) cutOver(ctx context.Context, j *job, replicas []Replica) (drain func(context.Context, func(int)) int, err error) {
	replaces, before := l.outgoing()
	err = l.update(ctx, j, func(d Deployment) Deployment {
		d.Replaces, d.Before = replaces, before
		return d.moved(Switching, "", time.Now())
	})
	if err != nil {
		return nil, err
	}
	drain, err = l.switchTo(l.now(j), replicas)
	if err != nil {
		return nil, fmt.Errorf("switch traffic: %w", err)
	}
	drain = l.withEarlier(drain)
	reached("pointed")
	if err = l.move(ctx, j, Draining, ""); err != nil {
		l.drainApart(ctx, j, replaces, "the old release", drain) // its service has left, perhaps: nobody else would wait for it
	}
	return drain, err
}

// letGo lets the old release finish what it has, runs what follows the switch, and bakes the new release. That may go back
// while the old one still drains; what followed the switch is stopped then.
func (l *lane) letGo(ctx context.Context, j *job, drain func(context.Context, func(int)) int) error {
	drained := l.drainApart(ctx, j, l.now(j).Replaces, "the old release", drain)
	concluding, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	concluded := make(chan struct{})
	go func() {
		defer close(concluded)
		l.conclude(concluding, j)
	}()
	err := l.bake(ctx, j, drained)
	if err != nil {
		stop(err)
	}
	err = cmp.Or(err, l.awaitDrained(drained))
	<-concluded
	return cmp.Or(err, context.Cause(ctx))
}

// outgoing is the live release and how it answered in the last minutes.
func (l *lane) outgoing() (id string, answers Share) {
	all, failed := l.d.Traffic.Answers(l.service().Name)
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.live == nil || l.gone {
		return "", Share{}
	}
	return l.live.ID, Share{all, failed}.since(l.answers.older)
}

// lasted is how long something took that has just ended.
func lasted(begun time.Time) time.Duration { return time.Since(begun).Round(10 * time.Millisecond) }

// retireOthers removes every release of the service but the live one: the old one, and earlier ones that failed.
func (l *lane) retireOthers(ctx context.Context, j *job) error {
	defer reached("retired")
	return l.retry(ctx, l.retireWithin(), "remove the old release", j, func(ctx context.Context) error {
		if err := l.standDown(ctx); err != nil {
			return err
		}
		releases, err := l.d.Runtime.Releases(ctx)
		for _, r := range releases {
			if r.Service == l.service().Name && r.ID != j.id && !l.isLive(r.ID) && !l.d.isDraining(r.ID) {
				err = errors.Join(err, l.retire(ctx, j, r.ID))
			}
		}
		return err
	})
}

// retireWithin is how long it may take to stop a release: an engine gives it the stop time that it was made with, as far as that
// is known.
func (l *lane) retireWithin() time.Duration {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	stop := l.service().Stop
	for _, s := range l.earlier {
		stop = max(stop, s.Stop)
	}
	return retireDeadline + stop
}

func (l *lane) retire(ctx context.Context, j *job, id string) error {
	begun := time.Now()
	if err := l.d.Runtime.Retire(ctx, id); err != nil {
		return err
	}
	l.note(j, "removed the release of deployment %s in %s", id, lasted(begun))
	return nil
}

func (l *lane) isLive(id string) bool {
	live := l.liveNow()
	return live != nil && live.ID == id
}

// succeed ends a deployment well, and lets go of images nobody can go back to.
func (l *lane) succeed(ctx context.Context, j *job) error {
	if err := l.move(ctx, j, Succeeded, ""); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, undoDeadline)
	defer stop()
	if err := l.clean(ctx, l.service().Retain); err != nil {
		l.about(j.id).Warn().Err(err).Msg("old images were not removed; they are tried again after the next deployment")
	}
	return nil
}

// undo takes back what a deployment that will not stay has begun: its release is stopped and kept for a look at it, and
// for `recreate` the old one is started again. One that is called off has never served and gets little time. Once the program stops
// nobody waits for its end: the next start stops what is left.
func (l *lane) undo(j *job, end State) {
	if s := l.now(j).State; s == Queued || s == Pulling {
		return
	}
	deadline, grace := undoDeadline+l.service().Stop, time.Duration(0)
	if end == Cancelled || end == Superseded {
		deadline, grace = abandonDeadline, abandonGrace
	}
	bounded, stop := context.WithTimeout(l.life, deadline)
	defer stop()
	err := l.standDown(bounded)
	if err == nil {
		err = l.d.Runtime.Halt(bounded, j.id, grace)
	}
	if l.life.Err() != nil {
		return
	}
	if err != nil {
		l.about(j.id).Error().Err(err).
			Msg("cannot stop the release; trying on, and what must not run twice stays down until then")
		return
	}
	if j.begun {
		l.note(j, "stopped the new release; it is removed with the next success")
	}
	l.giveBack()
}

// release is what a job makes run, with the configuration it began with.
func (l *lane) release(j *job) Release {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return Release{ID: j.id, Service: j.service, Digest: j.Digest, From: j.From, Spec: j.Spec}
}

// releaseOf is what a deployment has made run, with the configuration that made it as far as that is known.
func (l *lane) releaseOf(d Deployment) Release {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	s := l.service()
	if made, known := l.earlier[d.Spec]; known && d.Spec != s.Spec() {
		s = made.adjusted(s)
	}
	return Release{ID: d.ID, Service: s, Digest: d.Digest, From: d.From, Spec: d.Spec}
}
