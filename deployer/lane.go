package deployer

import (
	"context"
	"sync"
	"time"
)

// lane is one service: what is live, what is on its way, and what is known of the order of its pushes.
// Everything but service and wake is guarded by the Deployer's mu.
type lane struct {
	d       *Deployer
	service Service
	wake    chan struct{} // one token: something was queued

	live    *Deployment // what Traffic points at
	active  []*job      // not ended, in the order of acceptance
	order   Order
	changed chan struct{} // closed and replaced whenever a deployment moves
	halted  bool          // the live release was stopped on purpose, for a recreate
	points  string        // where the live routes point, to see that they moved; empty until they are confirmed

	gone      bool          // the live release does not exist any more: its digest may be deployed again
	healing   bool          // the live release is being started again, and not yet well
	healPause time.Duration // pacing those deployments
	healAt    time.Time
	remains   []Running // what ran at the start, until it is swept

	startPause time.Duration // pacing the starts of a live container that does not stay up
	startAt    time.Time

	traffic sync.Mutex // orders the switches of this service's traffic and the restarts of what is live; taken before mu
}

// job is an active deployment and the handle that stops it.
type job struct {
	Deployment
	runs   bool
	cancel context.CancelCauseFunc
	ending *ending // set once it has been told to end
}

// ending is why a job is told to stop before its switch.
type ending struct {
	State  State
	Reason string
}

func (e *ending) Error() string { return string(e.State) + ": " + e.Reason }

func newLane(d *Deployer, s Service, order Order) *lane {
	return &lane{d: d, service: s, order: order, wake: make(chan struct{}, 1), changed: make(chan struct{})}
}

// run heals the service, then starts what is queued until ctx ends, and waits for it.
func (l *lane) run(ctx context.Context) {
	l.sweep(ctx)
	l.heal(ctx)
	var jobs sync.WaitGroup
	defer jobs.Wait()
	for {
		for _, j := range l.claim(ctx) {
			jobs.Go(func() { l.carryOut(ctx, j) })
		}
		select {
		case <-l.wake:
		case <-ctx.Done():
			return
		}
	}
}

// claimed is a job with the context that ends when it is told to.
type claimed struct {
	ctx context.Context
	job *job
}

// now is a snapshot of a running job.
func (l *lane) now(j *job) Deployment {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return j.Deployment
}

// claim takes every job that is to run and does not, with a context of its own to stop it by.
func (l *lane) claim(ctx context.Context) []claimed {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	var mine []claimed
	for _, j := range l.active {
		if j.State == Waiting || j.runs {
			continue
		}
		j.runs = true
		var jobCtx context.Context
		jobCtx, j.cancel = context.WithCancelCause(ctx)
		mine = append(mine, claimed{jobCtx, j})
	}
	return mine
}

// nudge wakes the lane after something was queued.
func (l *lane) nudge() { offer(l.wake) }

// standingLocked is what a candidate meets, without the candidate itself.
func (l *lane) standingLocked(candidate string) standing {
	s := standing{live: l.live, order: l.order}
	s.spec = l.live != nil && (l.live.Spec == l.service.Spec() || l.live.Spec == "") && !l.halted && !l.gone
	for _, j := range l.active {
		if j.ID != candidate && j.ending == nil {
			s.active = append(s.active, j.Deployment)
		}
	}
	return s
}

// turnLocked reports whether it is the job's turn to start containers: everything accepted before it is over.
func (l *lane) turnLocked(j *job) bool {
	for _, other := range l.active {
		if other == j {
			return true
		}
		if other.State != Waiting {
			return false
		}
	}
	return true
}

// awaitTurn waits until it is the job's turn.
func (l *lane) awaitTurn(ctx context.Context, j *job) error {
	for {
		l.d.mu.Lock()
		turn, changed := l.turnLocked(j), l.changed
		l.d.mu.Unlock()
		if turn {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
