package deployer

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// restore brings the journal, the containers and the routes together after a start: what runs is adopted, what was past
// its commit point goes on, what was not is undone and queued again.
func (d *Deployer) restore(ctx context.Context) error {
	d.rerouteAgain() // services that are no longer in the configuration leave their routes
	for _, l := range d.lanes() {
		l.holdBack()
	}
	releases, err := d.listAtLast(ctx)
	if err != nil {
		return err
	}
	d.arranging.Lock()
	defer d.arranging.Unlock()
	d.adoptAll(releases)
	for _, l := range d.lanes() {
		close(l.adopted)
	}
	d.Traffic.Settle()
	d.setRestored(time.Now())
	d.rerouteAgain() // what was lent, and is taken over by what has been found
	d.renameNow()
	return nil
}

// setRestored ends what was lent to what has been found up: its routes can move in one step now.
func (d *Deployer) setRestored(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.restored = at
	for _, l := range d.lanes() {
		if l.isUpLocked() {
			l.endLoansLocked()
		}
	}
}

// adoptAll adopts what runs. A route without an address may have gone from one service to another since; it is not lent, as nobody
// knows its port. Those that are refused it try again once the others have given up theirs; what is refused then lets go of what it
// has, all of it, and takes what is its own now. What still fails is tried again by follow; one service's trouble never keeps the
// others from being served.
func (d *Deployer) adoptAll(releases []Running) {
	var refused []*lane
	for _, l := range d.lanes() {
		err := l.adopt(releases)
		switch {
		case err == nil:
		case l.liveNow() == nil:
			l.logAdopt(err)
		default:
			refused = append(refused, l)
		}
	}
	refused = slices.DeleteFunc(refused, func(l *lane) bool { return l.adopt(releases) == nil })
	for _, l := range refused {
		if _, err := d.Traffic.Point(l.service().Name, l.liveNow().ID, nil); err != nil {
			l.logAdopt(err)
		}
	}
	for _, l := range refused {
		l.logAdopt(l.adopt(releases))
	}
}

// comers are the services that were added since the start, and of which the next listing has what runs: nobody stops it, and of those
// that have come back nobody is at work any more for what they were, as an engine's start is that is not broken off.
func (d *Deployer) comers() (all []*lane) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lanes() {
		if !doubted(l.adopted) && !d.removing[l.service().Name] && l.before == nil {
			all = append(all, l)
		}
	}
	return all
}

// adoptNew adopts what runs of them.
func (d *Deployer) adoptNew(comers []*lane, releases []Running) {
	d.arranging.Lock()
	defer d.arranging.Unlock()
	for _, l := range comers {
		if !doubted(l.adopted) && !l.isRemoved() {
			l.logAdopt(l.adopt(releases))
			close(l.adopted)
			d.look()
		}
	}
}

func (l *lane) logAdopt(err error) {
	if err != nil {
		l.aboutLive().Error().Err(err).Msg("cannot confirm the routes; trying again")
	}
}

// listAtLast asks the runtime until it answers.
func (d *Deployer) listAtLast(ctx context.Context) ([]Running, error) {
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 10*time.Second) {
		releases, err := d.list(ctx)
		if err == nil {
			return releases, nil
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// list lists all releases, and keeps in mind whether the runtime answers.
func (d *Deployer) list(ctx context.Context) ([]Running, error) {
	limited, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	releases, err := d.Runtime.Releases(limited)
	if ctx.Err() == nil { // else it is the caller who did not wait
		d.setDown(err)
	}
	return releases, err
}

// setDown keeps in mind, and tells, that the runtime does not answer, or does again.
func (d *Deployer) setDown(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err != nil && d.down == nil:
		d.Log.Error().Err(err).Msg("the container engine does not answer; apps keep the addresses they had")
	case err == nil && d.down != nil:
		d.Log.Info().Msg("the container engine answers again")
	}
	d.down = err
}

// haltRemoved stops what belongs to no service any more, and removes it, with its images, when all of it has been stopped for a
// day. Each service is seen to by itself: one that ends slowly keeps no other waiting.
func (d *Deployer) haltRemoved(ctx context.Context, releases []Running) {
	ctx, stop := context.WithTimeout(ctx, retireDeadline)
	defer stop()
	var services sync.WaitGroup
	defer services.Wait()
	for name, its := range byService(releases) {
		if done, mine := d.beginRemoval(name); mine {
			services.Go(func() {
				defer done()
				if err := d.haltAll(ctx, its); err != nil {
					d.Log.Warn().Err(err).Str("service", name).Msg("cannot stop a service that is no longer in the configuration; trying again")
				}
			})
		}
	}
}

// haltAll stops the releases of a service, or removes them. When it comes back meanwhile, what still runs goes on.
func (d *Deployer) haltAll(ctx context.Context, its []Running) (failed error) {
	old := !slices.ContainsFunc(its, func(r Running) bool { return r.StoppedAt.IsZero() || time.Since(r.StoppedAt) <= 24*time.Hour })
	if old {
		return d.remove(ctx, its)
	}
	for _, r := range its {
		if r.StoppedAt.IsZero() && d.lanes()[r.Service] == nil {
			failed = errors.Join(failed, d.Runtime.Halt(ctx, r.ID, 0))
		}
	}
	return failed
}

func byService(releases []Running) map[string][]Running {
	all := map[string][]Running{}
	for _, r := range releases {
		all[r.Service] = append(all[r.Service], r)
	}
	return all
}

// adopt takes the live release as it is. Where the routes are lost, the journal and the containers say which one it is.
// Requests to one that does not run wait until it is up again, and so do those to one that returns until it has answered: it may
// just have been stopped, which an engine lists a moment later.
func (l *lane) adopt(releases []Running) error {
	mine := slices.DeleteFunc(slices.Clone(releases), func(r Running) bool { return r.Service != l.service().Name })
	live := l.liveNow()
	if live == nil {
		var err error
		if live, err = l.lastLive(mine); live == nil {
			return err
		}
	}
	i := slices.IndexFunc(mine, func(r Running) bool { return r.ID == live.ID })
	if i >= 0 {
		live.Digest, live.Spec = mine[i].Digest, mine[i].Spec
	}
	l.d.mu.Lock()
	l.live, l.gone, l.since = live, i < 0, time.Now() // whether or not the routes can be confirmed now
	l.d.mu.Unlock()
	if i >= 0 && mine[i].Up(1) && !l.returns && !l.wasMakingWay(live.ID) {
		_, err := l.switchTo(*live, mine[i].Replicas)
		l.compareRoutes()
		return err
	}
	if l.d.Traffic.Live()[l.service().Name] != live.ID {
		if err := l.claimRoutes(live.ID); err != nil {
			return err
		}
	}
	l.compareRoutes()
	l.d.Traffic.Pause(l.service().Name)
	if i >= 0 {
		l.see(live.ID, mine[i].Replicas, time.Time{}) // every other listing is newer
	}
	return nil
}

// compareRoutes has the routes moved, in one step with those of others, if they are not what they should be: they could not be moved
// when they should have been, and may be others' by now.
func (l *lane) compareRoutes() {
	routed, pointed := l.d.Traffic.Routed()[l.service().Name]
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	same := maps.EqualFunc(routed, l.routesToLocked(nil), func(_, _ []string) bool { return true })
	l.stale = l.stale || pointed && !same
}

// claimRoutes points the routes to a release that has no replicas yet; their requests wait.
func (l *lane) claimRoutes(release string) error {
	l.d.switching.Lock()
	defer l.d.switching.Unlock()
	routes, err := l.routesTo(nil)
	if err == nil {
		err = l.d.Traffic.Claim(l.service().Name, release, routes)
	}
	return err
}

// holdBack holds the requests of what may have been stopped: where it was is nobody's any more, however long the first listing
// takes.
func (l *lane) holdBack() {
	if live := l.liveNow(); live != nil && l.wasMakingWay(live.ID) {
		l.d.Traffic.Pause(l.service().Name)
	}
}

// wasMakingWay reports whether the program was stopped while a `recreate` deployment had perhaps begun to stop what is
// live: an engine goes on with that, whatever it lists.
func (l *lane) wasMakingWay(live string) bool {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return l.service().Strategy == Recreate && l.isReplacingLocked() && l.job(live) == nil
}

// lastLive is what was live last: what runs, or what succeeded later though nothing may be left of it. What runs and is not in the
// journal is trusted: that may have been lost.
func (l *lane) lastLive(mine []Running) (*Deployment, error) {
	newest := l.newestOf(mine)
	if newest != nil && len(newest.Steps) == 0 {
		return newest, nil
	}
	good, err := l.lastGood()
	if newest != nil && (good == nil || laterSwitched(*newest, *good) > 0) {
		return newest, nil
	}
	return good, err
}

// newestOf is the newest release that has been live, as far as the journal tells: one that runs and does not do so only for its last
// requests, or one that was past its switch when the program stopped.
func (l *lane) newestOf(mine []Running) *Deployment {
	var newest *Deployment
	for _, r := range mine {
		known, err := l.d.Journal.Deployment(r.ID)
		if err != nil {
			known = Deployment{ID: r.ID, Service: r.Service, State: Succeeded, Image: l.service().Image, Digest: r.Digest}
		}
		wasLive := known.State == Draining || known.State == Baking || known.State == Succeeded && r.Up(1)
		if wasLive && !l.d.isDraining(r.ID) && (newest == nil || laterSwitched(*newest, known) < 0) {
			newest = &known
		}
	}
	return newest
}

// laterSwitched compares when traffic went to two deployments: a push that waits for its image may go live after what came later.
func laterSwitched(a, b Deployment) int {
	return cmp.Or(cmp.Compare(a.switched(), b.switched()), cmp.Compare(a.ID, b.ID))
}

// switched is when the traffic went to it, by the logical clock; 0 is not known.
func (d Deployment) switched() (tick int64) {
	for _, s := range d.Steps {
		if s.State == Switching {
			tick = s.tick()
		}
	}
	return tick
}

// lastGood is the last release that succeeded though nothing may be left of it: then it is deployed anew.
func (l *lane) lastGood() (*Deployment, error) {
	past, err := l.d.Journal.Succeeded(l.service().Name, releasesKnown)
	past = slices.DeleteFunc(past, func(p Deployment) bool { return p.Digest == "" || p.Image != l.service().Image })
	if len(past) == 0 {
		return nil, err
	}
	last := slices.MaxFunc(past, laterSwitched)
	return &last, nil
}

// resumeJobs moves what a restart interrupted: past the commit point it goes on, else it goes back to the queue, where
// it ends at once if it had been told to.
func (l *lane) resumeJobs() error {
	live := l.liveNow()
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	var changed []Deployment
	for _, j := range l.active {
		if next := j.resumed(live, time.Now()); next.State != j.State {
			changed = append(changed, next.noted(time.Now(), "fisherman was restarted"))
		}
	}
	return l.d.commitLocked(Change{Deployments: changed})
}

// resumed is what a start of the program makes of a deployment that had not ended.
func (d Deployment) resumed(live *Deployment, now time.Time) Deployment {
	isLive := live != nil && live.ID == d.ID
	switch {
	case d.State == Switching && isLive:
		return d.moved(Draining, "", now)
	case d.State == Baking && live != nil && live.ID == d.Replaces && d.Reason != "": // which it has before it goes back
		return d.moved(RolledBack, d.Reason, now)
	}
	return d.requeued(now)
}
