package deployer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// How a bake judges the new release by its answers.
const (
	bakeRequests = 20   // fewer say nothing
	bakeMargin   = 0.05 // how much larger the share of 5xx may be than the old release's before the switch
	bakeBlind    = 0.5  // the same, when little is known of the old one
	bakeTick     = time.Second
	bakeLeast    = 5 * time.Second // of a bake that a restart interrupted
)

// Share is how many requests were answered, and how many of them with 5xx.
type Share struct{ All, Failed uint64 }

func (s Share) since(before Share) Share {
	if s.All < before.All { // counted by another process
		return s
	}
	return Share{s.All - before.All, s.Failed - before.Failed}
}

func (s Share) rate() float64 {
	if s.All == 0 {
		return 0
	}
	return float64(s.Failed) / float64(s.All)
}

func (s Share) String() string {
	return fmt.Sprintf("%d of %d requests failed (%.1f %%)", s.Failed, s.All, 100*s.rate())
}

// window remembers counts of the last five to ten minutes.
type window struct {
	older, newer Share
	at           time.Time
}

func (w *window) observe(now time.Time, s Share) {
	if now.Sub(w.at) >= 5*time.Minute {
		w.older, w.newer, w.at = w.newer, s, now
	}
}

// showing is what a bake knows of the new release, and of the old one before the switch.
type showing struct {
	trouble       string // what became of a replica that was well, or why it was restarted
	restarts      int
	before, after Share
}

// worse says why the new release is worse than the old one; empty when it is not.
func (s showing) worse() string {
	switch {
	case s.restarts > 0:
		return strings.TrimSuffix(fmt.Sprintf("its containers were restarted %d times after the switch; %s", s.restarts, s.trouble), "; ")
	case s.trouble != "":
		return s.trouble
	case s.after.All >= bakeRequests && s.after.rate() > s.before.rate()+s.margin():
		return fmt.Sprintf("%s; before the switch it was %.1f %% of %d", s.after, 100*s.before.rate(), s.before.All)
	}
	return ""
}

func (s showing) margin() float64 {
	if s.before.All < bakeRequests {
		return bakeBlind
	}
	return bakeMargin
}

// bake keeps the old release warm for a while and watches the new one: when that is worse, the traffic goes back at once.
// It ends early, and well, when something newer is on its way. It begins when the old one is drained.
func (l *lane) bake(ctx context.Context, j *job, drained <-chan struct{}) error {
	if d := l.now(j); l.service().Bake <= 0 || l.service().Strategy == Recreate || d.Replaces == "" {
		return nil
	}
	if l.now(j).State != Baking {
		l.awaitDrain(ctx, j, drained)
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := l.move(ctx, j, Baking, ""); err != nil {
			return err
		}
		l.note(j, "the old release stays warm for %s; before the switch %s", l.service().Bake, l.now(j).Before)
	}
	baking := l.now(j)
	left := l.service().Bake - time.Since(baking.Steps[len(baking.Steps)-1].At)
	left = min(l.service().Bake, left)          // the clock has been set back
	end := time.Now().Add(max(left, bakeLeast)) // it passed while the program did not run
	for !l.isFollowed(j) {
		over := !time.Now().Before(end)
		seen := l.show(ctx, j, over)
		if worse := seen.worse(); worse != "" {
			if went, err := l.goBack(ctx, j, worse); went || err != nil {
				return err
			}
		}
		if over {
			l.note(j, "since the switch %s", seen.after)
		}
		if ctx.Err() != nil || over {
			return context.Cause(ctx)
		}
		waitUntil(ctx, time.Now().Add(bakeTick), l.changes())
	}
	l.note(j, "something newer is on its way: the old release is kept warm no longer")
	return context.Cause(ctx)
}

// awaitDrain waits for the requests on the old release, but not while the new one is seen to be worse.
func (l *lane) awaitDrain(ctx context.Context, j *job, drained <-chan struct{}) {
	for ctx.Err() == nil && !doubted(drained) && (l.isFollowed(j) || l.show(ctx, j, false).worse() == "") {
		waitUntil(ctx, time.Now().Add(bakeTick), drained)
	}
}

// isFollowed reports whether something newer waits for the job's end.
func (l *lane) isFollowed(j *job) bool {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return slices.ContainsFunc(l.active, func(other *job) bool {
		return other != j && other.underWay() && other.Digest != "" && other.Told == nil
	})
}

// changes is closed when a deployment of the lane moves.
func (l *lane) changes() <-chan struct{} {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return l.changed
}

// show looks at the new release. What cannot be asked at the moment does not speak against it, and neither does what has
// yet to come up after a restart of the engine or of the program, until the bake is over.
func (l *lane) show(ctx context.Context, j *job, over bool) showing {
	restarts, err := l.d.Runtime.Restarts(ctx, j.id)
	if err != nil {
		restarts = 0
	}
	all, failed := l.d.Traffic.Answers(l.service().Name)
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.d.down != nil {
		return showing{}
	}
	trouble := l.fell
	switch {
	case trouble != "":
	case restarts > 0: // they have not been listed since
		trouble = l.toldLocked("")
	case over:
		trouble = l.vitals.trouble(l.replicas)
	}
	return showing{
		trouble: trouble, restarts: restarts, before: j.Before, after: Share{all, failed},
	}
}

// goBack sends the traffic back to the old release, unless that is not well itself. The rename of the route file is the
// commit point here, too; why is on disk before it.
func (l *lane) goBack(ctx context.Context, j *job, why string) (went bool, err error) {
	bounded, stop := context.WithTimeout(ctx, startDeadline)
	defer stop()
	replaced := l.now(j).Replaces
	old, err := l.d.Journal.Deployment(replaced)
	if err != nil {
		old = Deployment{ID: replaced, Service: l.service().Name, State: Succeeded, Image: l.service().Image}
	}
	well, err := l.wellOf(bounded, old)
	if err != nil || len(well) == 0 {
		l.noteOnce(j, "worse than the old release, but that is not well either")
		return false, nil
	}
	reason := fmt.Sprintf("switched back to %s (deployment %s): %s", old.name(), old.ID, why)
	err = l.update(ctx, j, func(d Deployment) Deployment { d.Reason = reason; return d })
	if err != nil {
		return false, err
	}
	drain, err := l.switchTo(old, well)
	if err != nil {
		l.noteOnce(j, "cannot switch back: %v", err)
		return false, nil
	}
	reached("switched back")
	drained := l.drainApart(ctx, j, j.id, "the new release", drain)
	if err := cmp.Or(l.awaitDrained(drained), context.Cause(ctx)); err != nil {
		return true, err
	}
	return true, &Ending{RolledBack, reason}
}

// wellOf asks the replicas of a release that is not live, and returns those that are well.
func (l *lane) wellOf(ctx context.Context, old Deployment) ([]Replica, error) {
	releases, err := l.d.Runtime.Releases(ctx)
	i := slices.IndexFunc(releases, func(r Running) bool { return r.ID == old.ID })
	if err != nil || i < 0 {
		return nil, err
	}
	probe, err := l.d.Runtime.Prober(ctx, l.releaseOf(old))
	if err != nil {
		return nil, err
	}
	answers := ask(ctx, probe, releases[i].Replicas)
	var well []Replica
	for n, r := range releases[i].Replicas {
		if r.Running && answers[n] == nil {
			well = append(well, r)
		}
	}
	return well, nil
}

// noteOnce adds a line to the deployment's log unless it is the last one already.
func (l *lane) noteOnce(j *job, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	notes := l.now(j).Notes
	if len(notes) == 0 || notes[len(notes)-1].Text != text {
		l.note(j, "%s", text)
	}
}
