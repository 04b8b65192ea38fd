package deployer

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A deployment's log is kept as long as the deployment, so what goes into it is bounded: an app may say anything.
const (
	maxNotes     = 200
	maxNote      = 2 << 10  // bytes of one
	maxNoteBytes = 16 << 10 // of all
	maxReason    = 6 << 10
)

// noted is the deployment with one more line in its log. The oldest lines go when there are too many.
func (d Deployment) noted(at time.Time, format string, args ...any) Deployment {
	d.Notes = append(slices.Clone(d.Notes), Note{at.UTC(), clip(fmt.Sprintf(format, args...), maxNote)})
	size := 0
	for _, n := range d.Notes {
		size += len(n.Text)
	}
	for len(d.Notes) > maxNotes || size > maxNoteBytes {
		size -= len(d.Notes[0].Text)
		d.Notes, d.Dropped = d.Notes[1:], d.Dropped+1
	}
	return d
}

// clip leaves out the middle of a text that is too long: what was tried is at its beginning, what came of it at its end.
func clip(text string, most int) string {
	const gap = " … "
	if len(text) <= most {
		return text
	}
	half := (most - len(gap)) / 2
	return strings.ToValidUTF8(text[:half], "") + gap + strings.ToValidUTF8(text[len(text)-half:], "")
}

// LogMark is how far a reader has come in a deployment's log. Its zero value is the beginning.
type LogMark struct {
	begun        bool
	steps, notes int
}

// Log is the deployment's own log, a line a step or note, with times in UTC.
func (d Deployment) Log() string {
	text, _ := d.LogAfter(LogMark{})
	return text
}

// LogAfter is what the log has after a mark, and the mark after that.
func (d Deployment) LogAfter(m LogMark) (string, LogMark) {
	type line struct {
		at   time.Time
		text string
	}
	var lines []line
	if !m.begun {
		lines = append(lines, line{d.CreatedAt, fmt.Sprintf("%s of %s, cause: %s", d.name(), d.Service, d.Cause)})
	}
	for _, s := range d.Steps[min(m.steps, len(d.Steps)):] {
		lines = append(lines, line{s.At, string(s.State)})
	}
	if gone := d.Dropped - m.notes; gone > 0 && len(d.Notes) > 0 {
		lines = append(lines, line{d.Notes[0].At, fmt.Sprintf("  (%d lines are not kept)", gone)})
	}
	for _, n := range d.Notes[min(max(m.notes-d.Dropped, 0), len(d.Notes)):] {
		lines = append(lines, line{n.At, "  " + indented(n.Text)})
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%s %s\n", l.at.Format("2006-01-02T15:04:05.000Z"), l.text)
	}
	if d.Reason != "" && d.State.Ended() && (!m.begun || len(d.Steps) > m.steps) {
		fmt.Fprintf(&b, "%s\n", d.Reason)
	}
	return b.String(), LogMark{true, len(d.Steps), d.Dropped + len(d.Notes)}
}

// indented keeps the lines of a text apart from those of the log.
func indented(text string) string { return strings.ReplaceAll(text, "\n", "\n    ") }
