package deployer

import (
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
	abandonTime    = 4 * time.Second // a cancelled release has never served: its containers get no more than this
)

// carryOut takes a deployment to its end. When ctx ends because the program stops, it stays as it is and goes on after
// the next start.
func (l *lane) carryOut(ctx context.Context, c claimed) {
	j := c.job
	defer j.cancel(nil)
	log := l.d.Log.With().Str("service", l.service.Name).Str("deployment", j.ID).Logger()
	err := l.deploy(c.ctx, j)
	var told *ending
	switch {
	case err == nil:
	case errors.As(context.Cause(c.ctx), &told) || errors.As(err, &told):
		l.undo(ctx, j, abandonTime)
		err = l.move(ctx, j, told.State, told.Reason)
	case ctx.Err() != nil:
		return
	case l.now(j).State == Draining:
		log.Error().Err(err).Msg("the new release serves, but the old one could not be removed; it is tried again with the next success or start")
		err = l.succeed(ctx, j)
	default:
		l.undo(ctx, j, undoDeadline+l.service.Stop)
		err = l.move(ctx, j, Failed, err.Error())
	}
	if err != nil && ctx.Err() == nil {
		log.Error().Err(err).Msg("cannot end the deployment")
	}
}

// deploy is the happy path.
func (l *lane) deploy(ctx context.Context, j *job) error {
	if l.now(j).State != Draining {
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
		if err := l.cutOver(ctx, j, replicas); err != nil {
			return err
		}
	}
	if err := l.retireOthers(ctx, j); err != nil {
		return err
	}
	return l.succeed(ctx, j)
}

// pull resolves the digest, journals it, and makes the image available.
func (l *lane) pull(ctx context.Context, j *job) error {
	if err := l.move(ctx, j, Pulling, ""); err != nil {
		return err
	}
	if l.now(j).Digest == "" {
		if err := l.resolve(ctx, j); err != nil {
			return err
		}
	}
	return l.retry(ctx, pullDeadline, "pull "+l.service.Image, j, func(ctx context.Context) error { return l.pullOnce(ctx, j) })
}

// pullOnce takes one of the places for pulls, and frees it between two tries.
func (l *lane) pullOnce(ctx context.Context, j *job) error {
	select {
	case l.d.pulls <- struct{}{}:
		defer func() { <-l.d.pulls }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	image, err := l.d.Runtime.Pull(ctx, l.release(j), func(text string) { l.note(j, "%s", text) })
	if err != nil || image.Revision == "" || image.Revision == l.now(j).Commit {
		return err
	}
	return l.update(ctx, j, func(d Deployment) Deployment {
		d = d.noted(time.Now(), "the image says that it was built from commit %s", image.Revision)
		d.Commit = image.Revision
		return d
	})
}

// resolve freezes the digest of the tag that was asked for, and decides as for any candidate with a digest.
func (l *lane) resolve(ctx context.Context, j *job) error {
	digest, asked := "", l.now(j)
	err := l.retry(ctx, pullDeadline, "look up "+asked.Image+":"+asked.Reference, j, func(ctx context.Context) (err error) {
		digest, err = l.d.Registry.Resolve(ctx, asked.Image, asked.Reference)
		return err
	})
	if err != nil {
		return err
	}
	err = l.update(ctx, j, func(d Deployment) Deployment {
		d.Digest = digest
		return d.noted(time.Now(), "%s:%s is %s", d.Image, d.Reference, digest)
	})
	if err != nil {
		return err
	}
	return l.recheck(ctx, j, func(d Deployment) Deployment { return d })
}

// begin waits for the job's turn, checks the order again and enters starting, in one step.
func (l *lane) begin(ctx context.Context, j *job) error {
	if err := l.awaitTurn(ctx, j); err != nil {
		return err
	}
	return l.recheck(ctx, j, func(d Deployment) Deployment {
		d.Spec = l.service.Spec()
		return d.moved(Starting, "", time.Now())
	})
}

// recheck decides again with what is known by now, and applies change when the job still is to go on.
func (l *lane) recheck(ctx context.Context, j *job, change func(Deployment) Deployment) error {
	return l.persist(ctx, j, func() (proposal, error) {
		next := change(j.Deployment)
		v := decide(next, l.standingLocked(j.ID))
		switch {
		case v.join != "":
			return proposal{}, &ending{Unchanged, fmt.Sprintf("%.19s is on its way already, as deployment %s", next.Digest, v.join)}
		case v.end != "":
			return proposal{}, &ending{v.end, v.reason}
		case v.takeOver != "":
			v.supersede = append(v.supersede, v.takeOver)
		}
		next.Stops = max(next.Stops, v.stops)
		p := proposal{at: time.Now(), changed: []Deployment{next}}
		p.clear(l, next, v)
		return p, nil
	})
}

// bringUp starts the new release beside the old one, or for `recreate` in its place, and waits until it is healthy.
func (l *lane) bringUp(ctx context.Context, j *job) ([]Replica, error) {
	if l.service.Strategy == Recreate {
		if err := l.makeWay(ctx, j); err != nil {
			return nil, err
		}
	}
	err := l.retry(ctx, startDeadline, "start containers", j, func(ctx context.Context) error {
		return l.d.Runtime.Start(ctx, l.release(j))
	})
	if err != nil {
		return nil, err
	}
	if err := l.move(ctx, j, Verifying, ""); err != nil {
		return nil, err
	}
	var replicas []Replica
	err = l.retry(ctx, l.service.Health.Deadline+startDeadline, "verify containers", j, func(ctx context.Context) (err error) {
		replicas, err = l.d.Runtime.Await(ctx, l.release(j), func(text string) { l.note(j, "%s", text) })
		return err
	})
	return replicas, err
}

// cutOver sends the traffic to the new release and lets the old one finish what it has. The rename of the route file
// inside Point is the commit point.
func (l *lane) cutOver(ctx context.Context, j *job, replicas []Replica) error {
	if err := l.move(ctx, j, Switching, ""); err != nil {
		return err
	}
	drain, err := l.switchTo(l.now(j), replicas)
	if err != nil {
		return fmt.Errorf("switch traffic: %w", err)
	}
	l.setHalted(false)
	if err := l.move(ctx, j, Draining, ""); err != nil {
		return err
	}
	l.drain(ctx, j, drain)
	return context.Cause(ctx)
}

// drain waits for the requests on the old release, for the service's drain time at most.
func (l *lane) drain(ctx context.Context, j *job, drain func(context.Context) int) {
	ctx, stop := context.WithTimeout(ctx, l.service.Drain)
	defer stop()
	if cut := drain(ctx); cut > 0 {
		l.note(j, "%d requests were still in flight on the old release after %s and were cut", cut, l.service.Drain)
	}
}

// retireOthers removes every release of the service but the live one: the old one, and earlier ones that failed.
func (l *lane) retireOthers(ctx context.Context, j *job) error {
	return l.retry(ctx, retireDeadline, "remove the old release", j, func(ctx context.Context) error {
		releases, err := l.d.Runtime.Releases(ctx)
		if l.isGone() {
			return errors.New("the new release is gone; the old one is kept until it is back")
		}
		for _, r := range releases {
			if r.Service == l.service.Name && r.ID != j.ID {
				err = errors.Join(err, l.d.Runtime.Retire(ctx, r.ID))
			}
		}
		return err
	})
}

func (l *lane) isGone() bool {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return l.gone
}

// succeed ends a deployment well, and lets go of images nobody can go back to.
func (l *lane) succeed(ctx context.Context, j *job) error {
	if err := l.move(ctx, j, Succeeded, ""); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, undoDeadline)
	defer stop()
	keep, err := l.retained()
	if err == nil {
		err = l.d.Runtime.Clean(ctx, l.service.Name, keep)
	}
	if err != nil {
		l.d.Log.Warn().Err(err).Str("service", l.service.Name).Msg("old images were not removed; they are tried again after the next deployment")
	}
	return nil
}

// retained are the releases whose images are kept: the live one, what is on its way, and those to go back to.
func (l *lane) retained() ([]string, error) {
	past, err := l.d.Journal.Deployments(l.service.Name, 1000)
	if err != nil {
		return nil, err
	}
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	var keep []string
	for _, j := range l.active {
		keep = append(keep, j.ID, j.origin())
	}
	at := l.live
	for n := 0; at != nil && n <= l.service.Retain; n++ {
		keep = append(keep, at.ID, at.origin())
		at = previous(past, at, l.service.Image)
	}
	return keep, nil
}

// undo takes back what a deployment that will not switch has begun: a failed release is stopped and kept for a look
// at it, and for `recreate` the old one is started again.
func (l *lane) undo(ctx context.Context, j *job, deadline time.Duration) {
	if s := l.now(j).State; s == Queued || s == Pulling {
		return
	}
	if l.service.Strategy == Recreate {
		deadline = undoDeadline + l.service.Stop // the old one waits until this one is gone
	}
	bounded, stop := context.WithTimeout(context.WithoutCancel(ctx), deadline)
	defer stop()
	if err := l.d.Runtime.Halt(bounded, j.ID); err != nil {
		l.d.Log.Error().Err(err).Str("deployment", j.ID).
			Msg("cannot stop the release; it is removed with the next success or start, and what must not run twice stays down until then")
		return
	}
	l.giveBack(ctx)
}

// release is what a job makes run.
func (l *lane) release(j *job) Release {
	return l.releaseOf(l.now(j))
}

func (l *lane) releaseOf(d Deployment) Release {
	return Release{ID: d.ID, Service: l.service, Digest: d.Digest, From: d.From}
}

// retry tries until it works, the error is final, or the deadline passes; only ErrUnavailable is worth another try.
func (l *lane) retry(ctx context.Context, deadline time.Duration, what string, j *job, try func(context.Context) error) error {
	limited, stop := context.WithTimeoutCause(ctx, deadline, fmt.Errorf("%s: not done within %s", what, deadline))
	defer stop()
	for pause := 500 * time.Millisecond; ; pause = min(2*pause, 30*time.Second) {
		err := try(limited)
		switch {
		case err == nil:
			return nil
		case limited.Err() != nil && ctx.Err() == nil:
			return fmt.Errorf("%w; the last try: %w", context.Cause(limited), err)
		case !errors.Is(err, ErrUnavailable):
			return err
		}
		var asked *RetryError
		if errors.As(err, &asked) {
			pause = max(pause, asked.After)
		}
		l.note(j, "%v; trying again in %s", err, pause)
		l.d.Log.Warn().Err(err).Str("service", l.service.Name).Str("deployment", j.ID).Stringer("again_in", pause).Msg("trying again")
		if cause := sleep(limited, pause); cause != nil {
			return fmt.Errorf("%w; the last try: %w", cause, err)
		}
	}
}
