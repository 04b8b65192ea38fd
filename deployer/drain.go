package deployer

import (
	"context"
	"fmt"
	"time"
)

func nothingToDrain(context.Context, func(int)) int { return 0 }

// both drains side by side what two drains do; nil is nothing.
func both(one, other func(context.Context, func(int)) int) func(context.Context, func(int)) int {
	switch {
	case one == nil:
		return other
	case other == nil:
		return one
	}
	return func(ctx context.Context, left func(int)) int {
		cut := make(chan int, 1)
		go func() { cut <- one(ctx, func(int) {}) }()
		return other(ctx, left) + <-cut
	}
}

// withEarlier is a drain, and that of the requests that the service had when it left the configuration before: it came back while they
// were in flight.
func (l *lane) withEarlier(drain func(context.Context, func(int)) int) func(context.Context, func(int)) int {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return both(l.finish, drain)
}

// drainApart drains a release that nothing points to any more, and lets an old one linger. That goes on when the service leaves the
// configuration, and until it is over nobody stops the release.
func (l *lane) drainApart(ctx context.Context, j *job, id, release string, drain func(context.Context, func(int)) int) (drained <-chan struct{}) {
	done := make(chan struct{})
	l.d.setDraining(id, l.service().Name)
	l.drains.Go(func() {
		defer close(done)
		begun := time.Now()
		l.drain(l.life, j, release, drain)
		if id != j.id {
			l.linger(ctx, j, begun)
		}
		l.d.setDraining(id, "")
	})
	return done
}

// awaitDrained waits for a drain, but not when the service has left the configuration: if it comes back it should not have to wait.
func (l *lane) awaitDrained(drained <-chan struct{}) error {
	select {
	case <-drained:
		return nil
	case <-l.leave:
		return errRemoved
	}
}

// drainUntil drains for some time at most, and only until there is news: what is in flight then goes on.
func drainUntil(ctx context.Context, news <-chan struct{}, most time.Duration, drain func(context.Context, func(int)) int) {
	ctx, stop := context.WithTimeout(ctx, most)
	defer stop()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		drain(ctx, func(int) {})
	}()
	select {
	case <-drained:
	case <-news:
		stop()
		<-drained
	}
}

// setDraining says whose release it is that has requests to be ended; nobody's: it has none any more.
func (d *Deployer) setDraining(release, service string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if delete(d.drains, release); service != "" {
		d.drains[release] = service
		return
	}
	d.look()
}

// isDraining reports whether a release that gets no new requests has some that are to end first.
func (d *Deployer) isDraining(release string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.drains[release] != ""
}

// drain waits for the requests on a release that gets no new ones, for the service's drain time at most.
func (l *lane) drain(ctx context.Context, j *job, release string, drain func(context.Context, func(int)) int) {
	ctx, stop := context.WithTimeout(ctx, l.service().Drain)
	defer stop()
	begun, most := time.Now(), 0
	cut := drain(ctx, func(left int) {
		most = max(most, left)
		l.report(j, Report{Text: fmt.Sprintf("%d requests in flight on %s", left, release), Total: int64(left), Passing: true})
	})
	switch {
	case cut > 0:
		l.note(j, "%d requests were still in flight on %s after %s and were cut", cut, release, l.service().Drain)
	case most > 0 && ctx.Err() == nil && !l.wentBack(j):
		l.note(j, "the last of %d requests in flight on %s ended after %s", most, release, lasted(begun))
	}
}

// wentBack reports whether the traffic has left the job's release again: what is in flight on the old one has not ended then.
func (l *lane) wentBack(j *job) bool {
	l.d.switching.Lock() // a switch back ends the drain a moment before it is known here
	defer l.d.switching.Unlock()
	s := l.now(j).State
	return (s == Draining || s == Baking) && !l.isLive(j.id)
}
