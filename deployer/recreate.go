package deployer

import (
	"context"
	"errors"
	"slices"
	"time"
)

// makeWay stops what runs of a `recreate` service, once its requests are done, and keeps it. New requests wait meanwhile.
func (l *lane) makeWay(ctx context.Context, j *job) error {
	if drain := l.halt(); drain != nil {
		reached("paused")
		l.drain(ctx, j, "the old release", l.withEarlier(drain))
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
	defer reached("halted")
	l.distrust()
	return l.retry(ctx, l.retireWithin(), "stop the old release", j, func(ctx context.Context) error { return l.haltOthers(ctx, j) })
}

// haltOthers stops every release of the service but the job's own.
func (l *lane) haltOthers(ctx context.Context, j *job) error {
	if err := l.standDown(ctx); err != nil {
		return err
	}
	releases, err := l.d.Runtime.Releases(ctx)
	for _, r := range releases {
		if r.Service == l.service().Name && r.ID != j.id {
			err = errors.Join(err, l.d.Runtime.Halt(ctx, r.ID, 0))
		}
	}
	return err
}

// giveBack has the live release started again after makeWay, when the one that was to take its place has been stopped: it
// is kept up like any live release from then on, and gets its requests as soon as it is well.
func (l *lane) giveBack() {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	l.giveBackLocked()
}

// giveBackUnused gives back when there is none that is to take the place: an engine could not stop it when it ended.
func (l *lane) giveBackUnused() (given bool) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if !l.halted || l.isReplacingLocked() {
		return false
	}
	l.giveBackLocked()
	return true
}

func (l *lane) giveBackLocked() {
	if l.halted {
		l.halted, l.givenBack, l.startPause, l.startAt = false, time.Now(), 0, time.Time{}
		l.d.look()
	}
}

// isReplacingLocked reports whether a deployment may be between stopping the old release and its switch.
func (l *lane) isReplacingLocked() bool {
	return slices.ContainsFunc(l.active, func(j *job) bool {
		return j.State == Starting || j.State == Verifying || j.State == Switching
	})
}

// halt holds new requests back and says that the live release, if there is one, is stopped on purpose: from then on nobody
// begins to start it, or points the traffic at it.
func (l *lane) halt() (drain func(context.Context, func(int)) int) {
	l.d.switching.Lock()
	defer l.d.switching.Unlock()
	if !l.setHalted() {
		return nil
	}
	l.d.rename()
	return l.d.Traffic.Pause(l.service().Name)
}

// distrust forgets that the live release is well. Given back, it has to prove itself: the engine may still be at stopping it.
func (l *lane) distrust() {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	l.vitals = nil
}

func (l *lane) setHalted() (live bool) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	l.halted, l.points = l.live != nil, ""
	return l.halted
}
