package deployer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// startPauseMost is the longest time between two starts of a live container that does not stay up.
const startPauseMost = time.Minute

// seeLive takes a listing to the rotation of the live release. live is what was live before the releases were listed, which was at
// begun.
func (l *lane) seeLive(live *Deployment, releases []Running, begun time.Time) {
	if live == nil {
		return
	}
	var replicas []Replica
	if i := indexOf(releases, live.ID); i >= 0 {
		replicas = releases[i].Replicas
	}
	l.see(live.ID, replicas, begun)
	l.logRepoint(l.repoint())
}

func indexOf(releases []Running, id string) int {
	return slices.IndexFunc(releases, func(r Running) bool { return r.ID == id })
}

// keepUp sees to it that the live release runs, and nothing else of the service. One that is still at it is left alone. live
// and needed are as of before the releases were listed.
func (l *lane) keepUp(ctx context.Context, live *Deployment, needed []string, releases []Running) {
	if !l.beginUpkeep() {
		return
	}
	defer func() { <-l.upkeep }()
	mine := slices.DeleteFunc(slices.Clone(releases), func(r Running) bool { return r.Service != l.service().Name })
	l.tidy(ctx, needed, mine)
	if live == nil || l.giveBackUnused() { // given back is started from a listing of its own
		return
	}
	i := indexOf(mine, live.ID)
	if i < 0 {
		l.logHeal(*live, l.redeploy(*live))
		return
	}
	alone := !slices.ContainsFunc(mine, func(r Running) bool { return r.ID != live.ID && r.Up(1) })
	if alone || l.service().Strategy != Recreate {
		l.startMissing(ctx, *live, mine[i])
		l.scale(ctx, *live, mine[i])
	}
}

func (l *lane) beginUpkeep() (mine bool) {
	select {
	case l.upkeep <- struct{}{}:
		return true
	default:
		return false
	}
}

// endUpkeep waits for the one that keeps the live release up, who may be at it still when the service has left: what it has begun would
// be done to what has come back. A start is broken off. Nobody begins again.
func (l *lane) endUpkeep(ctx context.Context) {
	_ = l.standDown(ctx)
	select {
	case l.upkeep <- struct{}{}:
	case <-ctx.Done():
	}
}

// startMissing starts those containers of the live release again that do not run. What cannot be started at all is
// deployed anew.
func (l *lane) startMissing(ctx context.Context, live Deployment, r Running) {
	ctx, stop := context.WithTimeout(ctx, startDeadline)
	defer stop()
	done, due := l.beginStart(live.ID, r.Up(len(r.Replicas)), stop)
	if !due {
		return
	}
	defer done()
	l.about(live.ID).Warn().Msg("a live container does not run; starting it again")
	release := l.releaseOf(live)
	release.Service.Replicas = len(r.Replicas)
	err := l.d.Runtime.Start(ctx, release)
	switch {
	case err == nil:
		l.d.look()
		return
	case errors.Is(ctx.Err(), context.Canceled): // it gives way to another, or to the program's end
		return
	}
	l.about(live.ID).Error().Err(err).Msg("cannot start the live release again")
	if ctx.Err() == nil && !errors.Is(err, ErrUnavailable) && !r.Up(1) {
		l.logHeal(live, l.redeploy(live))
	}
}

// starting is a start of the live release under way.
type starting struct {
	stop context.CancelFunc
	done chan struct{}
}

// beginStart claims the start of the live release, when it is due and nobody is at it.
func (l *lane) beginStart(id string, up bool, stop context.CancelFunc) (done func(), due bool) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if !l.dueToStartLocked(id, up, time.Now()) {
		return nil, false
	}
	return l.claimStartLocked(stop)
}

// claimStart claims it for what is to run beside.
func (l *lane) claimStart(id string, stop context.CancelFunc) (done func(), due bool) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if !l.servesLocked(id) {
		return nil, false
	}
	return l.claimStartLocked(stop)
}

func (l *lane) claimStartLocked(stop context.CancelFunc) (done func(), claimed bool) {
	if l.starting != nil {
		return nil, false
	}
	s := &starting{stop, make(chan struct{})}
	l.starting = s
	return func() {
		l.d.mu.Lock()
		defer l.d.mu.Unlock()
		l.starting = nil
		close(s.done)
	}, true
}

// standDown breaks off a start of what is not to run any more, and waits until that is over. The caller has seen to it
// that no other one begins.
func (l *lane) standDown(ctx context.Context) error {
	l.d.mu.Lock()
	s := l.starting
	l.d.mu.Unlock()
	if s == nil {
		return nil
	}
	s.stop()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// dueToStartLocked paces the starts of containers that do not stay up: at once, then after 1 s, then twice as long each time,
// up to a minute; a minute of peace and it begins anew. What is live no more is never due.
func (l *lane) dueToStartLocked(id string, up bool, now time.Time) bool {
	if up && now.Sub(l.startAt) > startPauseMost {
		l.startPause = 0
	}
	if up || l.halted || l.removed || l.live == nil || l.live.ID != id || now.Before(l.startAt) {
		return false
	}
	l.startPause = min(max(2*l.startPause, time.Second), startPauseMost)
	l.startAt = now.Add(l.startPause)
	return true
}

// isShortLocked reports whether not all of the live release runs, as listed last.
func (l *lane) isShortLocked() bool {
	return l.live != nil && !l.halted && slices.ContainsFunc(l.replicas, func(r Replica) bool { return !r.Running })
}

// redeploy queues the last good digest where its release is gone, unless something is on its way or there is none. It is
// tried again later, ever more seldom, as long as nothing else takes its place.
func (l *lane) redeploy(live Deployment) error {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	now := time.Now()
	if l.live == nil || l.live.ID != live.ID || l.removed {
		return nil
	}
	l.gone = true
	if l.busyLocked() || now.Before(l.healAt) || live.Digest == "" || live.Image != l.service().Image {
		return nil
	}
	l.healPause = min(max(2*l.healPause, time.Minute), time.Hour)
	l.healAt = now.Add(l.healPause)
	if lacks := l.service().Lacks; lacks != "" {
		return fmt.Errorf("no container can be made: %s", lacks)
	}
	return l.againLocked(live, now)
}

// againLocked queues what a deployment has deployed, with today's configuration.
func (l *lane) againLocked(live Deployment, now time.Time) error {
	live.Cause, live.From, live.Anew = Cause{Kind: KindReconcile}, live.origin(), l.service().made(live.Spec)
	return l.repeatLocked(live, now)
}

// repeatLocked queues a deployment like another one, with today's configuration.
func (l *lane) repeatLocked(like Deployment, now time.Time) error {
	c := l.d.newLocked(l, like.Cause, Queued, now)
	c.Digest, c.Commit, c.Reference, c.From, c.Anew = like.Digest, like.Commit, like.Reference, like.From, like.Anew
	c.Arrival = like.Arrival // it is as old as it was: a push that waits is newer
	c.Message, c.Author = like.Message, like.Author
	c.Spec = l.service().Spec()
	p := proposal{at: now}
	l.d.proposeLocked(&p, l, c)
	return l.d.commitProposalLocked(p, nil)
}

func (l *lane) logHeal(live Deployment, err error) {
	if err != nil {
		l.about(live.ID).Error().Err(err).Msg("cannot deploy the last good release anew")
	}
}

// tidy removes what runs of the service and is neither live nor on its way: what a crash left, or an engine that did not
// answer when it was to stop it. What was needed when they were listed may have been stopped since, to be kept.
func (l *lane) tidy(ctx context.Context, needed []string, mine []Running) {
	ctx, stop := context.WithTimeout(ctx, undoDeadline+l.service().Stop)
	defer stop()
	for _, r := range mine {
		if !r.Up(1) || slices.Contains(needed, r.ID) || !l.isLeftover(r.ID) {
			continue
		}
		l.about(r.ID).Warn().Msg("removing a release that runs and is not live")
		if err := l.d.Runtime.Retire(ctx, r.ID); err != nil {
			l.about(r.ID).Warn().Err(err).Msg("cannot remove it; trying again")
		}
	}
}
