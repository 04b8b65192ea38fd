package deployer

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// follow keeps routes and live containers together until ctx ends: a restarted container's new address is taken over,
// a live container that somebody killed is started again, backing off. What the runtime reports is looked at at once;
// a slow tick catches what it missed.
func (d *Deployer) follow(ctx context.Context) {
	kick := make(chan struct{}, 1)
	var watcher sync.WaitGroup
	watcher.Go(func() { d.watch(ctx, kick) })
	defer watcher.Wait()
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	again := time.NewTimer(0) // an engine tells of an end before it lists it
	defer again.Stop()
	for {
		select {
		case <-kick:
			again.Reset(300 * time.Millisecond)
		case <-again.C:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := d.keepUp(ctx); err != nil {
			d.Log.Warn().Err(err).Msg("apps keep the addresses they had")
		}
	}
}

// watch turns the runtime's events into kicks; a lost stream is opened again.
func (d *Deployer) watch(ctx context.Context, kick chan<- struct{}) {
	for ctx.Err() == nil {
		err := d.Runtime.Watch(ctx, func(string) { offer(kick) })
		if ctx.Err() == nil {
			d.Log.Warn().Err(err).Msg("lost the events of the container engine; connecting again")
		}
		_ = sleep(ctx, time.Second) // the loop's condition tells
		offer(kick)
	}
}

// offer puts one token into a channel that has room for one.
func offer(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// keepUp sees to it that what is live runs and is pointed at, and that what belongs to no service does not.
func (d *Deployer) keepUp(ctx context.Context) error {
	live := map[*lane]Deployment{} // as of before the listing, which then has them unless somebody removed them
	for _, l := range d.lanes {
		if at := l.liveNow(); at != nil {
			live[l] = *at
		}
	}
	releases, err := d.list(ctx)
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	for l, at := range live {
		i := slices.IndexFunc(releases, func(r Running) bool { return r.ID == at.ID })
		switch {
		case i >= 0:
			l.keepUp(ctx, at, releases[i])
		case !l.busy():
			l.logHeal(l.redeploy(at))
		}
	}
	d.haltRemoved(ctx, releases)
	return nil
}

// keepUp points at the replicas that run, and starts those again that do not.
func (l *lane) keepUp(ctx context.Context, live Deployment, r Running) {
	if r.Up(1) {
		if err := l.repoint(live, r.Replicas); err != nil {
			l.d.Log.Error().Err(err).Str("service", l.service.Name).Msg("cannot follow the containers' new addresses")
		}
	}
	l.traffic.Lock() // no switch, and so no retirement of this release, while it is started
	defer l.traffic.Unlock()
	if !l.dueToStart(live.ID, r.Up(len(r.Replicas)), time.Now()) {
		return
	}
	l.d.Log.Warn().Str("service", l.service.Name).Str("deployment", live.ID).Msg("a live container does not run; starting it again")
	release := l.releaseOf(live)
	release.Service.Replicas = len(r.Replicas)
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	if err := l.d.Runtime.Start(ctx, release); err != nil {
		l.d.Log.Error().Err(err).Str("service", l.service.Name).Msg("cannot start the live release again")
	}
}

// dueToStart paces the starts of containers that do not stay up: at once, then after 1 s, then twice as long each time,
// up to a minute; a minute of peace and it begins anew. What is live no more is never due.
func (l *lane) dueToStart(id string, up bool, now time.Time) bool {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if up && now.Sub(l.startAt) > time.Minute {
		l.startPause = 0
	}
	if up || l.halted || l.live == nil || l.live.ID != id || now.Before(l.startAt) {
		return false
	}
	l.startPause = min(max(2*l.startPause, time.Second), time.Minute)
	l.startAt = now.Add(l.startPause)
	return true
}
