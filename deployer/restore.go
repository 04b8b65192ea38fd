package deployer

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// restore brings the journal, the containers and the routes together after a start: what runs is adopted, what was past
// its commit point goes on, what was not is undone and queued again.
func (d *Deployer) restore(ctx context.Context) error {
	for service := range d.Traffic.Live() {
		if d.lanes[service] == nil {
			if _, err := d.Traffic.Remove(service); err != nil {
				d.Log.Error().Err(err).Str("service", service).Msg("cannot remove the routes of a service that is no longer in the configuration")
			}
		}
	}
	releases, err := d.listAtLast(ctx)
	if err != nil {
		return err
	}
	d.adoptAll(releases)
	for _, l := range d.lanes {
		if err := l.resumeJobs(l.liveNow()); err != nil {
			return fmt.Errorf("resume the deployments of %s: %w", l.service.Name, err)
		}
		l.remains = releases
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.restored = true
	return nil
}

// adoptAll adopts what runs. A route may have gone from one service to another since: those that are refused then let
// go of what they have, all of them, and take what is theirs now. What still fails is tried again by follow; one
// service's trouble never keeps the others from being served.
func (d *Deployer) adoptAll(releases []Running) {
	var refused []*lane
	for _, l := range d.lanes {
		if err := l.adopt(releases); err != nil {
			refused = append(refused, l)
		}
	}
	for _, l := range refused {
		if _, err := d.Traffic.Point(l.service.Name, l.liveNow().ID, nil); err != nil {
			l.logAdopt(err)
		}
	}
	for _, l := range refused {
		l.logAdopt(l.adopt(releases))
	}
}

func (l *lane) logAdopt(err error) {
	if err != nil {
		l.d.Log.Error().Err(err).Str("service", l.service.Name).Msg("cannot confirm the routes; trying again")
	}
}

// listAtLast asks the runtime until it answers.
func (d *Deployer) listAtLast(ctx context.Context) ([]Running, error) {
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 10*time.Second) {
		releases, err := d.list(ctx)
		if err == nil {
			return releases, nil
		}
		d.Log.Error().Err(err).Dur("again_in", pause).Msg("cannot list containers; apps keep the addresses they had")
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// list lists all releases, and keeps in mind whether the runtime answers.
func (d *Deployer) list(ctx context.Context) ([]Running, error) {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	releases, err := d.Runtime.Releases(ctx)
	d.setDown(err)
	return releases, err
}

func (d *Deployer) setDown(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = err
}

// haltRemoved stops what belongs to no service any more, and removes it a day later.
func (d *Deployer) haltRemoved(ctx context.Context, releases []Running) {
	for _, r := range releases {
		var err error
		switch {
		case d.lanes[r.Service] != nil:
		case r.StoppedAt.IsZero():
			err = d.Runtime.Halt(ctx, r.ID)
		case time.Since(r.StoppedAt) > 24*time.Hour:
			err = d.Runtime.Retire(ctx, r.ID)
		}
		if err != nil {
			d.Log.Warn().Err(err).Str("service", r.Service).Msg("cannot stop a service that is no longer in the configuration")
		}
	}
}

// sweep removes what runs of the service and is not live: what a crash left.
func (l *lane) sweep(ctx context.Context) {
	live := l.liveNow()
	for _, r := range l.remains {
		if isLive := live != nil && r.ID == live.ID; r.Service == l.service.Name && !isLive && r.Up(1) {
			if err := l.d.Runtime.Retire(ctx, r.ID); err != nil {
				l.d.Log.Warn().Err(err).Str("service", r.Service).Str("deployment", r.ID).Msg("cannot remove a release that is not live; trying again with the next success")
			}
		}
	}
	l.remains = nil
}

// adopt takes the live release as it is. Where the routes are lost, the newest release that runs is the live one.
func (l *lane) adopt(releases []Running) error {
	mine := slices.DeleteFunc(slices.Clone(releases), func(r Running) bool { return r.Service != l.service.Name })
	live := l.liveNow()
	if live == nil {
		live = l.newestRunning(mine)
	}
	i := slices.IndexFunc(mine, func(r Running) bool { return live != nil && r.ID == live.ID })
	if i < 0 || !mine[i].Up(1) {
		return nil // heal starts it again or deploys it anew
	}
	live.Digest, live.Spec = mine[i].Digest, mine[i].Spec
	l.d.mu.Lock()
	l.live = live // whether or not the routes can be confirmed now
	l.d.mu.Unlock()
	_, err := l.switchTo(*live, mine[i].Replicas)
	return err
}

// newestRunning is the newest release that runs and was not on its way when the program stopped.
func (l *lane) newestRunning(mine []Running) *Deployment {
	var newest *Deployment
	for _, r := range mine {
		known, err := l.d.Journal.Deployment(r.ID)
		if err != nil {
			known = Deployment{ID: r.ID, Service: r.Service, State: Succeeded, Image: l.service.Image, Digest: r.Digest}
		}
		ready := known.State == Succeeded || known.State == Draining || known.State == Baking
		if ready && r.Up(1) && (newest == nil || newest.ID < r.ID) {
			newest = &known
		}
	}
	return newest
}

// resumeJobs moves what a restart interrupted: past the commit point on to draining, else back to the queue.
func (l *lane) resumeJobs(live *Deployment) error {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	var changed []Deployment
	for _, j := range l.active {
		next := j.requeued(time.Now())
		if live != nil && live.ID == j.ID && j.State == Switching {
			next = j.moved(Draining, "", time.Now())
		}
		if next.State != j.State {
			changed = append(changed, next.noted(time.Now(), "fisherman was restarted"))
		}
	}
	return l.d.commitLocked(Change{Deployments: changed})
}

// heal sees to it that a service with a past runs: its live release is started again or, when that is gone, its last
// good digest is deployed. Where there is no past, the look-up of its tag finds one.
func (l *lane) heal(ctx context.Context) {
	live := l.liveNow()
	if l.isPointed() || live != nil && l.startAgain(ctx, *live) || ctx.Err() != nil {
		return
	}
	if live == nil {
		past, err := l.d.Journal.Deployments(l.service.Name, 1000)
		i := slices.IndexFunc(past, func(d Deployment) bool {
			return d.State == Succeeded && d.Digest != "" && d.Image == l.service.Image
		})
		if i < 0 {
			l.logHeal(err)
			return
		}
		live = &past[i]
	}
	l.logHeal(l.redeploy(*live))
}

func (l *lane) logHeal(err error) {
	if err != nil {
		l.d.Log.Error().Err(err).Str("service", l.service.Name).Msg("cannot deploy the last good release anew")
	}
}

// startAgain starts the containers of the live release where they still exist.
func (l *lane) startAgain(ctx context.Context, live Deployment) bool {
	l.setHealing(true)
	defer l.setHealing(false)
	releases, err := l.d.list(ctx)
	exists := slices.ContainsFunc(releases, func(r Running) bool { return r.ID == live.ID })
	if err == nil && exists {
		if err = l.resume(ctx, live); err == nil {
			return true
		}
	}
	l.d.Log.Warn().Err(err).Str("service", l.service.Name).Str("deployment", live.ID).
		Msg("the live release does not run; deploying the last good one anew")
	return false
}

func (l *lane) setHealing(healing bool) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	l.healing = healing
}

// isPointed reports whether traffic was pointed at something since the start.
func (l *lane) isPointed() bool {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return l.points != ""
}

// redeploy queues the last good digest, unless something is on its way or there is none. It is tried again later, ever
// more seldom, as long as nothing else takes its place (keepUp).
func (l *lane) redeploy(live Deployment) error {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	now := time.Now()
	if l.live != nil && l.live.ID != live.ID || now.Before(l.healAt) {
		return nil
	}
	if l.live == nil {
		l.live = &live
	}
	l.gone = true
	if l.busyLocked() || live.Digest == "" || live.Image != l.service.Image {
		return nil
	}
	l.healPause = min(max(2*l.healPause, time.Minute), time.Hour)
	l.healAt = now.Add(l.healPause)
	c := l.d.newLocked(l, Cause{Kind: KindReconcile}, Queued, now)
	c.Digest, c.Commit, c.Reference, c.From = live.Digest, live.Commit, live.Reference, live.origin()
	c.Arrival = live.Arrival // it is as old as it was: a push that waits is newer
	c.Message, c.Author = live.Message, live.Author
	p := proposal{at: now}
	l.d.proposeLocked(&p, l, c)
	return l.d.commitProposalLocked(p, nil)
}
