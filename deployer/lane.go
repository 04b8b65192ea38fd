package deployer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// lane is one service: what is live, what is on its way, and what is known of the order of its pushes.
// Everything but what never changes is guarded by the Deployer's mu.
type lane struct {
	d      *Deployer
	config atomic.Pointer[Service] // what it points to never changes
	wake   chan struct{}           // one token: something was queued

	before  *lane                                // that of a service of this name that was removed and whose work is not over; nil: none
	hired   bool                                 // somebody runs it
	life    context.Context                      // the program's, once somebody does
	drains  sync.WaitGroup                       // of releases that nothing points to; they go on when the service has left
	adopted chan struct{}                        // closed once it is known what runs
	since   time.Time                            // when that was
	returns bool                                 // the program ran already then
	removed bool                                 // the service has left the configuration
	leave   chan struct{}                        // closed then
	finish  func(context.Context, func(int)) int // drains the requests it had when its routes were taken away, also before it came back
	lifted  chan struct{}                        // closed when they were
	back    chan struct{}                        // closed when the service has come back meanwhile
	over    chan struct{}                        // closed when nobody is at work for it any more

	earlier map[string]Service // by spec: configurations of which there are, or will be, containers
	stale   bool               // the live routes are to be what the configuration says now
	insist  bool               // somebody has asked, while the program runs, for what needs other containers
	wanted  *Deployment        // the last one that ended because the service lacks something
	refused string             // the spec with which the live digest could not be deployed
	seek    time.Time          // when it became another image or tag, whose digest is to be deployed; zero: it did not
	sought  bool               // that has changed while the program runs
	parting []string           // containers that are about to be removed: they get no requests

	scalePause time.Duration // pacing changes of the number of replicas
	scaleAt    time.Time

	live      *Deployment // what Traffic points at
	active    []*job      // not ended, in the order of acceptance
	order     Order
	changed   chan struct{} // closed and replaced whenever a deployment moves
	halted    bool          // the live release was stopped on purpose, for a recreate
	givenBack time.Time     // when it was last to be started again after that
	points    string        // where the live routes point, to see that they moved; empty until they are confirmed

	replicas []Replica // of the live release, as listed last
	seen     time.Time // when that listing was begun
	vitals   vitals    // of those that run
	answers  window    // of the live release
	lost     bool      // the engine was, since the last listing: what fell meanwhile is not the release's fault
	fell     string    // what happened last to one that was well, since the release is live
	fate     string    // what the engine told of a container of the service, and when
	fateAt   time.Time
	doubt    chan struct{} // closed and replaced when the replicas are to be asked at once
	mood     mood          // told of them

	gone      bool          // the live release does not exist any more: its digest may be deployed again
	healPause time.Duration // pacing those deployments
	healAt    time.Time

	startPause time.Duration // pacing the starts of a live container that does not stay up
	startAt    time.Time
	starting   *starting // nil when none is under way

	cleaning chan struct{} // has a value while images are let go of, and for ever once the service has left

	upkeep chan struct{} // has a value while somebody keeps the live release up, and for ever once the service has left
}

// job is an active deployment and the handle that stops it.
type job struct {
	Deployment
	id     string // the deployment's: it never changes, and may be read without mu
	runs   bool
	ends   bool // its runner is ending it
	begun  bool // its runner has begun to start containers; the runner's alone
	cancel context.CancelCauseFunc
	report *Progress // the latest of its state

	service Service // as it was when the job began to work with it
}

func newLane(d *Deployer, s Service, order Order) *lane {
	l := &lane{
		d: d, order: order, cleaning: make(chan struct{}, 1), upkeep: make(chan struct{}, 1), wake: make(chan struct{}, 1),
		changed: make(chan struct{}), doubt: make(chan struct{}), adopted: make(chan struct{}),
		leave: make(chan struct{}), lifted: make(chan struct{}), back: make(chan struct{}), over: make(chan struct{}),
	}
	l.config.Store(&s)
	return l
}

// service is the configuration of this moment.
func (l *lane) service() Service { return *l.config.Load() }

// work does all there is to do for the service, until ctx ends or it leaves the configuration, and waits for it.
func (l *lane) work(ctx context.Context) {
	defer l.drains.Wait()
	defer close(l.over)
	l.life = ctx
	if l.before != nil {
		<-l.before.over
		l.forgetBefore()
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	select {
	case <-l.adopted:
	case <-l.leave:
		stop()
	case <-ctx.Done():
	}
	var parts sync.WaitGroup
	for _, part := range []func(context.Context){l.run, l.lookUp, l.watchHealth} {
		parts.Go(func() { part(working) })
	}
	select {
	case <-l.leave:
		stop()
	case <-ctx.Done():
	}
	parts.Wait()
	l.endUpkeep(ctx)
	l.endCleans(ctx)
	l.drainAway(ctx)
}

// about is the log for lines about one of the service's deployments; "" is none in particular.
func (l *lane) about(deployment string) *zerolog.Logger {
	with := l.d.Log.With().Str("service", l.service().Name)
	if deployment != "" {
		with = with.Str("deployment", deployment)
	}
	log := with.Logger()
	return &log
}

// aboutLive is the log for lines about what is live. The caller does not hold mu.
func (l *lane) aboutLive() *zerolog.Logger {
	if live := l.liveNow(); live != nil {
		return l.about(live.ID)
	}
	return l.about("")
}

// run resumes what was interrupted and starts what is queued until ctx ends, and waits for it.
func (l *lane) run(ctx context.Context) {
	for err := l.resumeJobs(); err != nil; err = l.resumeJobs() { // a full disk, say
		l.about("").Error().Err(err).Msg("cannot resume deployments; trying again")
		if sleep(ctx, time.Second) != nil {
			return
		}
	}
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
		j.runs, j.service = true, l.service()
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
	s.spec = l.live != nil && l.service().made(l.live.Spec) && !l.halted && !l.gone
	for _, j := range l.active {
		if j.ID != candidate && j.Told == nil {
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
