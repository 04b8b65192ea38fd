package deployer

import (
	"context"
	"slices"
	"time"
)

// renewal is what a service's configuration asks for that its live release is not.
type renewal int

const (
	nothing   renewal = iota
	lookAgain         // the configuration names another image
	makeAgain         // the live digest, in containers of today's configuration
)

// renewalLocked says what is to be done for the live release to be what the configuration asks for. What could not be
// deployed with this configuration is not tried again by itself, and what is about to start containers takes the
// configuration of that moment.
func (l *lane) renewalLocked() renewal {
	s, live := l.service(), l.live
	switch {
	case l.removed || s.Lacks != "" || live == nil || l.halted || l.gone || live.Digest == "":
		return nothing
	case live.Image != s.Image:
		if l.seek.IsZero() {
			return lookAgain
		}
		return nothing
	case s.made(live.Spec) || l.refused == s.Spec() || l.isReplacedLocked():
		return nothing
	}
	return makeAgain
}

// isReplacedLocked reports whether another deployment is on its way than that which is live.
func (l *lane) isReplacedLocked() bool {
	return slices.ContainsFunc(l.active, func(j *job) bool { return j.underWay() && j.ID != l.live.ID })
}

// keepConfigured sees to it that what is live is what the configuration asks for, or is on its way to it.
func (l *lane) keepConfigured() error {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.wanted != nil && l.wanted.Image != l.service().Image { // the image there is now is looked up
		l.wanted = nil
	}
	if w := l.wanted; w != nil && !l.removed && l.service().Lacks == "" && l.job(w.ID) == nil {
		if err := l.repeatLocked(*w, time.Now()); err != nil {
			return err
		}
		l.wanted = nil
		l.about(w.ID).Info().Msg("what the service lacked has come; deploying what could not be deployed without it")
		return nil
	}
	switch l.renewalLocked() {
	case lookAgain:
		l.seek = time.Now()
	case makeAgain:
		refused, err := l.wasRefusedLocked()
		if refused || err != nil {
			return err
		}
		l.about(l.live.ID).Info().Msg("the configuration that makes containers has changed; deploying the live digest with it")
		return l.againLocked(*l.live, time.Now())
	}
	return nil
}

// wasRefusedLocked reports whether an earlier process has found that the live digest cannot be deployed with today's
// configuration. A configuration that somebody has changed meanwhile is tried again.
func (l *lane) wasRefusedLocked() (refused bool, err error) {
	if l.insist {
		return false, nil
	}
	recent, err := l.d.Journal.Deployments(l.service().Name, 50)
	if err != nil {
		return false, err
	}
	spec := l.service().Spec()
	if slices.ContainsFunc(recent, func(d Deployment) bool { return d.Spec == spec && l.isRefusalLocked(d) }) {
		l.refused = spec
	}
	return l.refused == spec, nil
}

// isRefusalLocked reports whether a deployment has ended in a way that speaks against deploying the live digest with its
// configuration. One that made room for another change does not.
func (l *lane) isRefusalLocked(d Deployment) bool {
	ended := d.State == Failed || d.State == RolledBack || d.State == Cancelled && d.Reason == cancelledOnRequest
	return ended && l.live != nil && d.Digest == l.live.Digest && d.Spec != ""
}

func (l *lane) noteRefusalLocked(d Deployment) {
	if l.isRefusalLocked(d) {
		l.refused = d.Spec
	}
}

// soughtBy reports whether the look-up is for an image or tag that the configuration has since changed to.
func (l *lane) soughtBy(q inquiry) bool {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return !l.seek.IsZero() && !q.last.Before(l.seek)
}

// foundSought deploys what an image or tag is that the configuration has been changed to. A start, which does not know who
// changed it, never deploys what was judged.
func (l *lane) foundSought(ctx context.Context, q inquiry, digest string) error {
	revision, err := l.d.Registry.Revision(ctx, q.of.Image, digest)
	if err != nil {
		return err
	}
	judged, err := l.d.Journal.Judged(l.service().Name, digest)
	if err != nil {
		return err
	}
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if !l.asksLocked(q) || judged && !l.sought {
		return nil
	}
	p := proposal{at: time.Now(), orders: map[string]Order{l.service().Name: l.order.See(revision)}}
	if is := l.live; is == nil || is.Digest != digest || is.Image != l.service().Image {
		c := l.d.newLocked(l, Cause{Kind: KindReconcile, Configured: l.sought}, Queued, p.at)
		c.Digest, c.Commit = digest, revision
		l.d.proposeLocked(&p, l, c)
	}
	if err := l.d.commitProposalLocked(p, nil); err != nil {
		return err
	}
	l.seek, l.sought = time.Time{}, false
	return nil
}
