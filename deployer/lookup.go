package deployer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// patienceForImage is how long a push waits for its image.
const patienceForImage = 30 * time.Minute

// lookupSchedule is when a promised look-up is tried, from the event that announced the image.
func lookupSchedule() []time.Duration {
	return []time.Duration{0, 2 * time.Second, 10 * time.Second, time.Minute, 5 * time.Minute}
}

// inquiry is what a service wants to know of its tag at a moment.
type inquiry struct {
	of      Service      // as it was when the registry was asked last
	waiting []Deployment // oldest first
	promise []Lookup
	bare    bool // nothing runs, nothing is on its way, nothing is known that ran
	started time.Time
	last    time.Time // the last try
	told    bool      // that there is no image
	pause   time.Time // not before: the registry asked for it
}

// due is when the tag is to be looked up next, or a wait ends; never is the zero time.
func (q inquiry) due() time.Time {
	var due time.Time
	sooner := func(t time.Time) {
		if t.Before(q.pause) {
			t = q.pause
		}
		if due.IsZero() || t.Before(due) {
			due = t
		}
	}
	for _, w := range q.waiting {
		sooner(backingOff(w.CreatedAt, q.last, time.Minute))
	}
	for _, p := range q.promise {
		sooner(p.Since.Add(lookupSchedule()[p.Tried]))
	}
	if q.bare {
		sooner(backingOff(q.started, q.last, 5*time.Minute))
	}
	for _, w := range q.waiting {
		if end := w.CreatedAt.Add(patienceForImage); end.Before(due) {
			due = end
		}
	}
	return due
}

// backingOff is the next try of something asked since a moment: at once, then every quarter of its age, from 2 s to slowest.
func backingOff(since, last time.Time, slowest time.Duration) time.Time {
	if last.Before(since) {
		return since
	}
	return last.Add(min(max(last.Sub(since)/4, 2*time.Second), slowest))
}

// lookUp looks up the service's tag whenever something wants to know, until ctx ends.
func (l *lane) lookUp(ctx context.Context) {
	q := inquiry{started: time.Now()}
	for ctx.Err() == nil {
		changed := l.nextChange() // before the first look: what changes during it is looked at again
		if err := l.keepConfigured(); err != nil {
			l.about("").Error().Err(err).Msg("cannot record that the configuration has changed; trying again")
			_ = sleep(ctx, 10*time.Second) // the loop's condition tells
			continue
		}
		l.inquire(&q)
		if due := q.due(); due.IsZero() || time.Now().Before(due) {
			waitUntil(ctx, due, changed)
			continue
		}
		if err := l.attend(ctx, &q); err != nil {
			l.about("").Error().Err(err).Msg("cannot record what a look-up led to; trying again")
			_ = sleep(ctx, 10*time.Second) // the loop's condition tells
		}
	}
}

// attend does what is due. An error means that the journal could not be written.
func (l *lane) attend(ctx context.Context, q *inquiry) error {
	if ended, err := l.expire(*q); ended || err != nil {
		return err
	}
	q.last, q.of = time.Now(), l.service()
	digest, pause := l.lookUpOnce(ctx, *q)
	q.pause, q.told = pause, true
	return l.keepPromises(*q, digest, time.Now())
}

// asksLocked reports whether the answer is still asked for: the service may have got another image or tag meanwhile, or have left.
func (l *lane) asksLocked(q inquiry) bool {
	return !l.removed && l.service().Reference() == q.of.Reference()
}

// waitUntil waits for a moment (the zero time is never), a change, or the end of ctx.
func waitUntil(ctx context.Context, due time.Time, changed <-chan struct{}) {
	var alarm <-chan time.Time
	if !due.IsZero() {
		if !time.Now().Before(due) {
			return
		}
		timer := time.NewTimer(time.Until(due))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-alarm:
	case <-changed:
	case <-ctx.Done():
	}
}

// nextChange is the channel that closes when what is wanted may have changed.
func (l *lane) nextChange() <-chan struct{} {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return l.changed
}

// inquire finds what is wanted now. What began in the future, because
// the machine's clock has been set back since, began now: it must not wait until then.
func (l *lane) inquire(q *inquiry) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	now := time.Now().UTC()
	q.waiting, q.promise = nil, nil
	q.bare = (l.live == nil || !l.seek.IsZero()) && l.service().Lacks == ""
	if l.seek.After(q.started) { // it asks for something else
		q.started, q.last, q.told = l.seek, time.Time{}, false
	}
	for _, j := range l.active {
		if j.State == Waiting {
			j.CreatedAt = earlier(j.CreatedAt, now)
			q.waiting = append(q.waiting, j.Deployment)
		} else {
			q.bare = false
		}
	}
	for i, p := range l.d.lookups {
		if p.Service == l.service().Name {
			p.Since = earlier(p.Since, now)
			l.d.lookups[i] = p
			q.promise = append(q.promise, p)
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// expire ends the pushes that waited in vain.
func (l *lane) expire(q inquiry) (ended bool, err error) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.removed {
		return false, nil
	}
	var late []Deployment
	for _, w := range q.waiting {
		j := l.job(w.ID)
		if j != nil && j.State == Waiting && time.Since(w.CreatedAt) >= patienceForImage {
			reason := fmt.Sprintf("no image for %s within 30 min; nothing changed", w.Commit)
			late = append(late, j.moved(Cancelled, reason, time.Now()))
		}
	}
	return len(late) > 0, l.d.commitLocked(Change{Deployments: late})
}

// lookUpOnce asks the registry, and acts on the answer for those who wait. It returns the answer, "" for none, and the
// moment before which the registry must not be asked.
func (l *lane) lookUpOnce(ctx context.Context, q inquiry) (digest string, notBefore time.Time) {
	limited, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	digest, err := l.d.Registry.Resolve(limited, q.of.Image, q.of.Tag)
	if err == nil {
		err = l.found(limited, q, digest)
	}
	var asked *RetryError
	if errors.As(err, &asked) {
		notBefore = time.Now().Add(asked.After)
	}
	if errors.Is(err, ErrNotFound) && !q.told {
		l.about("").Info().Str("image", q.of.Reference()).Msg("there is no such image yet; looking again, ever more seldom")
	}
	if err != nil && !errors.Is(err, ErrNotFound) && ctx.Err() == nil {
		l.about("").Warn().Err(err).Msg("cannot look up the tag; trying again")
	}
	return digest, notBefore
}

// keepPromises counts the tries of promised look-ups, and deploys where the tag has come to the promised digest.
func (l *lane) keepPromises(q inquiry, digest string, now time.Time) error {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if !l.asksLocked(q) {
		return nil
	}
	p := proposal{at: now, orders: map[string]Order{}}
	for _, promise := range l.d.lookups {
		due := !now.Before(promise.Since.Add(lookupSchedule()[promise.Tried]))
		if promise.Service != l.service().Name || !due && promise.Trigger.Digest != digest {
			continue
		}
		promise.Tried++
		promise.Done = promise.Tried == len(lookupSchedule()) || promise.Trigger.Digest == digest
		p.lookups = append(p.lookups, promise)
		if t := promise.Trigger; t.Digest == digest {
			p.orders[l.service().Name] = l.order.See(t.Commit)
			if err := l.proposeFoundLocked(&p, t.cause(), t.Digest, t.Commit); err != nil {
				return err
			}
		}
	}
	return l.d.commitProposalLocked(p, nil)
}

// found acts on the digest that waiting pushes, or a service without a release, find their tag at.
func (l *lane) found(ctx context.Context, q inquiry, digest string) error {
	if l.soughtBy(q) {
		return l.foundSought(ctx, q, digest)
	}
	judged, err := l.d.Journal.Judged(l.service().Name, digest)
	if err != nil || judged || len(q.waiting) == 0 && !q.bare || l.promised(digest) {
		return err
	}
	revision, err := l.d.Registry.Revision(ctx, q.of.Image, digest)
	if err != nil {
		return err
	}
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if !l.asksLocked(q) {
		return nil
	}
	p := proposal{at: time.Now(), orders: map[string]Order{}}
	cause := Cause{Kind: KindReconcile}
	if len(q.waiting) == 0 {
		p.orders[l.service().Name] = l.order.See(revision) // its push may be late
	} else {
		w := q.waiting[len(q.waiting)-1]
		p.orders[l.service().Name] = l.order.SeeBefore(revision, w.Commit)
		if revision == "" { // taken for the oldest one's image: then no push that is still being built is passed over
			w = q.waiting[0]
			revision = w.Commit
		}
		cause = w.Cause
	}
	if err := l.proposeFoundLocked(&p, cause, digest, revision); err != nil {
		return err
	}
	return l.d.commitProposalLocked(p, nil)
}

// promised reports whether a promised look-up waits for this digest; then that one deploys it.
func (l *lane) promised(digest string) bool {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return slices.ContainsFunc(l.d.lookups, func(p Lookup) bool {
		return p.Service == l.service().Name && p.Trigger.Digest == digest
	})
}

// proposeFoundLocked proposes a digest that a look-up found; a judged one, or one live or on its way, never.
func (l *lane) proposeFoundLocked(p *proposal, cause Cause, digest, commit string) error {
	judged, err := l.d.Journal.Judged(l.service().Name, digest)
	if err != nil || judged || l.live != nil && l.live.Digest == digest {
		return err
	}
	c := l.d.newLocked(l, cause, Queued, p.at)
	c.Digest, c.Commit = digest, commit
	l.d.proposeLocked(p, l, c)
	return nil
}

// rememberLookup keeps one look-up a service and digest; one that is done is forgotten.
func (d *Deployer) rememberLookup(l Lookup) {
	d.lookups = slices.DeleteFunc(d.lookups, func(k Lookup) bool {
		return k.Service == l.Service && k.Trigger.Digest == l.Trigger.Digest
	})
	if !l.Done {
		d.lookups = append(d.lookups, l)
	}
	lane := d.lanes()[l.Service]
	close(lane.changed)
	lane.changed = make(chan struct{})
}
