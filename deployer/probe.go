package deployer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// watchHealth asks the replicas of the live release whether they are well, until ctx ends.
func (l *lane) watchHealth(ctx context.Context) {
	var w watching
	for ctx.Err() == nil {
		changed := w.round(ctx, l)
		waitUntil(ctx, together(time.Now(), w.pause), changed)
		if doubted(changed) {
			w.pause = 0
		}
	}
}

// grid is what long pauses end on. Every moment at which an idle program wakes costs far more than a probe.
const grid = 2500 * time.Millisecond

// together is the end of a pause, or a little before it where other lanes' pauses end, too.
func together(now time.Time, pause time.Duration) time.Time {
	due := now.Add(pause)
	if pause < 2*grid {
		return due
	}
	return due.Truncate(grid)
}

// doubted reports whether a channel that closes on news has closed.
func doubted(changed <-chan struct{}) bool {
	select {
	case <-changed:
		return true
	default:
		return false
	}
}

// watching is the state of one lane's health watch.
type watching struct {
	release string // that probe is for
	probe   Probe
	pause   time.Duration
}

// idlePause is the time between two looks at a lane that has nothing to probe.
const idlePause = 5 * time.Second

// round probes every replica once and takes the answers to the rotation. The channel closes when there is news that asks
// for the next round at once.
func (w *watching) round(ctx context.Context, l *lane) (news <-chan struct{}) {
	live, replicas, news := l.patient()
	if live == nil || len(replicas) == 0 {
		w.pause = idlePause
		return news
	}
	if w.release != live.ID {
		probe, err := l.d.Runtime.Prober(ctx, l.releaseOf(*live))
		if err != nil {
			w.pause = idlePause
			return news
		}
		w.release, w.probe = live.ID, probe
	}
	answers := ask(ctx, w.probe, replicas)
	if ctx.Err() == nil {
		w.pause = l.take(*live, replicas, answers, *w)
	}
	return news
}

// errRestarting is the answer of a container that ended, and that the engine has not started again yet.
var errRestarting = errors.New("it ended, and the engine has yet to start it again")

// ask probes all replicas side by side.
func ask(ctx context.Context, p Probe, replicas []Replica) []error {
	answers := make([]error, len(replicas))
	one := func(i int) {
		if answers[i] = errRestarting; replicas[i].Address != "" {
			answers[i] = p.Ask(ctx, replicas[i])
		}
	}
	var others sync.WaitGroup
	for i := 1; i < len(replicas); i++ {
		others.Go(func() { one(i) })
	}
	one(0) // there is one at least, and most services have no more
	others.Wait()
	return answers
}

// patient is the live release and those of its replicas that run; none while it is stopped on purpose.
func (l *lane) patient() (*Deployment, []Replica, <-chan struct{}) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.live == nil || l.halted {
		return nil, nil, l.doubt
	}
	live := *l.live
	var running []Replica
	for _, r := range l.replicas {
		if r.Running {
			running = append(running, r)
		}
	}
	return &live, running, l.doubt
}

// take records the answers and, when one changes the rotation, points the traffic. It returns the time to the next round.
func (l *lane) take(live Deployment, replicas []Replica, answers []error, w watching) time.Duration {
	if l.record(live, replicas, answers, w.probe) {
		l.logRepoint(l.repoint())
	}
	all, failed := l.d.Traffic.Answers(l.service().Name)
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.live != nil && l.live.ID == live.ID {
		l.answers.observe(time.Now(), Share{all, failed})
	}
	pause := l.vitals.pause(w.pause, w.probe.Every)
	if l.d.down != nil {
		pause = min(pause, pauseLost)
	}
	return pause
}

func (l *lane) record(live Deployment, replicas []Replica, answers []error, p Probe) (changed bool) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.live == nil || l.live.ID != live.ID {
		return false
	}
	for i, r := range replicas {
		v, err := l.vitals[r.Container], answers[i]
		strikes, counts := l.strikesLocked(v, err)
		if v == nil || v.address != r.Address || !counts {
			continue
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", p.What, err)
		}
		if v.observe(err, l.service().Health.Successes, strikes) {
			changed = true
			l.logVital(r, v)
			if !v.well && l.d.down == nil {
				l.fell = l.toldLocked(l.vitals.trouble([]Replica{r}))
			}
		}
	}
	l.reckonLocked()
	return changed
}

// strikesLocked says how many such answers in a row it takes, and whether this one says anything about the replica. While
// the engine is away nobody joins: it is not known whose address it is by now.
func (l *lane) strikesLocked(v *vital, err error) (needed int, counts bool) {
	switch {
	case v == nil || errors.Is(err, ErrUnavailable):
		return 0, false
	case l.d.down == nil:
		return strikes, true
	case err == nil:
		return strikes, v.well
	}
	needed = strikesLost(err)
	return needed, needed > 0
}

func (l *lane) logVital(r Replica, v *vital) {
	log := l.about(l.live.ID)
	event := log.Warn().Err(v.trouble)
	text := "a replica is not well; it gets no requests until it is"
	if v.well {
		event, text = log.Info(), "a replica is well; it gets requests"
	}
	event.Str("container", r.Container).Msg(text)
}
