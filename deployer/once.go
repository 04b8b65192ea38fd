package deployer

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// prepare runs the service's `before` to its end, before anything of the new release is started. What a crash left of an
// earlier try is removed first.
func (l *lane) prepare(ctx context.Context, j *job) error {
	if err := l.retry(ctx, retireDeadline+l.release(j).Service.Stop, "remove what an earlier `before` or `after` left", j, l.d.sweep); err != nil {
		return err
	}
	return l.runOnce(ctx, j, "before", l.release(j).Service.Before)
}

// conclude runs the service's `after`, once for each deployment unless a restart interrupts it. The release stays live
// whatever comes of it.
func (l *lane) conclude(ctx context.Context, j *job) {
	task := l.release(j).Service.After
	if l.now(j).Concluded || !l.now(j).hasTask(task) {
		return
	}
	err := l.runOnce(ctx, j, "after", task)
	if ctx.Err() != nil {
		return
	}
	warning := ""
	if err != nil {
		warning = clip(fmt.Sprintf("it is live, but %v", err), maxReason)
		l.note(j, "%v; the release stays live", err)
		l.about(j.id).Error().Err(err).Msg("`after` failed; the release stays live")
	}
	err = l.update(ctx, j, func(d Deployment) Deployment {
		d.Concluded, d.Warning = true, warning
		return d
	})
	if err != nil && ctx.Err() == nil {
		l.about(j.id).Error().Err(err).Msg("cannot record that `after` has ended")
	}
}

// hasTask reports whether a task of the service is run for the deployment. A rollback, and a release that was lost and is
// made anew, have had it when they came the first time.
func (d Deployment) hasTask(t Task) bool {
	return len(t.Args) > 0 && d.Cause.Kind != KindRollback && !d.Anew
}

// runOnce runs a task, and takes what it says to the deployment's log.
func (l *lane) runOnce(ctx context.Context, j *job, what string, t Task) error {
	if !l.now(j).hasTask(t) {
		return nil
	}
	begun, said := time.Now(), newTranscript(what, l.reporter(j))
	l.note(j, "running `%s`, for %s at most", what, t.Deadline)
	defer l.d.soil()
	err := l.retry(ctx, t.Deadline, "run `"+what+"`", j, func(ctx context.Context) error {
		return l.d.Runtime.RunOnce(ctx, l.release(j), what, t.Args, said.line)
	})
	said.end()
	if err == nil {
		l.note(j, "`%s` ended well after %s", what, lasted(begun))
	}
	return err
}

// What a deployment's log keeps of a task's output: its first and its last lines.
const (
	taskLines = 60      // of each
	taskBytes = 5 << 10 // of each
	taskLine  = 500     // bytes of one line
)

// transcript is what a task says: each line is told at once, and all but those in the middle of a long output are kept.
type transcript struct {
	what  string
	tell  func(Report)
	lines int // kept at the beginning
	bytes int
	last  []string
	size  int // of last
	lost  int
}

func newTranscript(what string, tell func(Report)) *transcript {
	return &transcript{what: what, tell: tell}
}

func (t *transcript) line(text string) {
	text = t.what + " | " + clip(text, taskLine)
	if t.lines < taskLines && t.bytes+len(text) <= taskBytes && t.last == nil {
		t.lines, t.bytes = t.lines+1, t.bytes+len(text)
		t.tell(Report{Text: text})
		return
	}
	t.tell(Report{Text: text, Passing: true})
	t.last, t.size = append(t.last, text), t.size+len(text)
	for len(t.last) > taskLines || t.size > taskBytes {
		t.size -= len(t.last[0])
		t.last, t.lost = slices.Delete(t.last, 0, 1), t.lost+1
	}
}

// end tells the last lines to be kept.
func (t *transcript) end() {
	if t.lost > 0 {
		t.tell(Report{Text: fmt.Sprintf("(%d lines of `%s` are not kept)", t.lost, t.what)})
	}
	for _, text := range t.last {
		t.tell(Report{Text: text})
	}
}

// soil says that a container of a RunOnce may have been left.
func (d *Deployer) soil() { d.setSwept(false) }

func (d *Deployer) setSwept(swept bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.swept = swept
}

func (d *Deployer) isSwept() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.swept
}

// sweep removes what was left of RunOnce, if anything may have been.
func (d *Deployer) sweep(ctx context.Context) error {
	select {
	case d.sweeping <- struct{}{}:
		defer func() { <-d.sweeping }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if d.isSwept() {
		return nil
	}
	d.setSwept(true) // until something is left meanwhile
	err := d.Runtime.Sweep(ctx)
	if err != nil {
		d.soil()
	}
	return err
}

// sweepUp is sweep for nobody in particular: what fails is tried again with the next look at the containers.
func (d *Deployer) sweepUp(ctx context.Context) {
	if d.isSwept() || len(d.sweeping) > 0 {
		return
	}
	ctx, stop := context.WithTimeout(ctx, retireDeadline)
	defer stop()
	if err := d.sweep(ctx); err != nil && ctx.Err() == nil {
		d.Log.Warn().Err(err).Msg("cannot remove what an earlier `before` or `after` left; trying again")
	}
}
