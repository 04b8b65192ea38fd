package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"fisherman/deployer"
	"fisherman/server"
)

// drawEvery is the time between two drawings, by which a resized terminal is followed, too.
const drawEvery = 100 * time.Millisecond

// live keeps redrawing one line, that of the state a deployment is in. Those of states it has left stay above and are
// never touched again, so that nothing is lost however a terminal is resized.
type live struct {
	terminal *terminal
	leave    chan struct{} // closed to end the redrawing
	left     chan struct{} // closed when it has ended

	mu     sync.Mutex // guards what follows
	state  deployer.State
	begun  time.Time // by this machine's clock: the server's may differ
	detail string
	drawn  int // columns that the line took when it was last drawn, at least
}

func newLive(t *terminal, title string) *live {
	l := &live{terminal: t, leave: make(chan struct{}), left: make(chan struct{})}
	l.putLocked([]piece{{bold, title}})
	l.endLineLocked()
	go l.run()
	return l
}

func (l *live) run() {
	defer close(l.left)
	tick := time.NewTicker(drawEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.draw()
		case <-l.leave:
			return
		}
	}
}

func (l *live) close() {
	close(l.leave)
	<-l.left
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.drawn > 0 {
		l.endLineLocked()
	}
}

func (l *live) entered(d server.Deployment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(d.Steps); n > 1 {
		before, mark := d.Steps[n-2], markOf(d)
		if mark.colour == green { // what was shown last is over
			l.detail = ""
		}
		l.putLocked(lineOf(mark, before.State, d.Steps[n-1].At.Sub(before.At), l.detail))
		l.endLineLocked()
	}
	l.state, l.begun, l.detail = d.State, time.Now(), ""
	if d.State.Ended() {
		l.putLocked(ending(d))
		l.endLineLocked()
		l.state = ""
		return
	}
	l.drawLocked()
}

func (l *live) progress(p server.Progress) { l.tell(detail(p)) }

func (l *live) say(text string) { l.tell(text) }

func (l *live) tell(detail string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.detail = detail
	l.drawLocked()
}

func (l *live) draw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drawLocked()
}

func (l *live) drawLocked() {
	if l.state != "" {
		l.putLocked(lineOf(piece{"", "•"}, l.state, time.Since(l.begun), l.detail))
	}
}

// lineOf is the line of one state.
func lineOf(mark piece, state deployer.State, took time.Duration, detail string) []piece {
	return []piece{
		mark, {"", fmt.Sprintf(" %-9s ", oneLine(string(state)))}, {faint, fmt.Sprintf("%7s", seconds(took))}, {"", "  " + detail},
	}
}

// markOf says how the state went that a deployment has left.
func markOf(d server.Deployment) piece {
	switch {
	case isInterrupted(d):
		return piece{yellow, "•"}
	case !d.State.Ended() || endedWell(d):
		return piece{green, "✓"}
	case d.State == deployer.Failed || d.State == deployer.RolledBack:
		return piece{red, "✗"}
	}
	return piece{yellow, "•"}
}

// isInterrupted reports whether a restart of the server has put the deployment back to its beginning.
func isInterrupted(d server.Deployment) bool {
	n := len(d.Steps)
	return n > 1 && d.State == deployer.Queued && d.Steps[n-2].State != deployer.Waiting
}

// ending is the last line.
func ending(d server.Deployment) []piece {
	mark := markOf(d)
	line := []piece{mark, {mark.colour, " " + oneLine(string(d.State))}}
	if d.FinishedAt != nil {
		line = append(line, piece{faint, " after " + seconds(d.FinishedAt.Sub(d.CreatedAt))})
	}
	if why := remark(d); why != "" {
		line = append(line, piece{"", "  " + why})
	}
	return line
}

// putLocked draws a line in place of the one drawn last, cut to what fits beside the cursor. A terminal that has become
// narrower has broken that one into several; rather than a line above, what is left of it stays.
func (l *live) putLocked(line []piece) {
	columns, _ := l.terminal.size()
	var b strings.Builder
	if up := max(0, l.drawn-1) / columns; up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", up)
	}
	b.WriteByte('\r')
	text, _ := l.terminal.render(line, max(1, columns-1))
	l.drawn = leastColumnsOf(style.ReplaceAllString(text, ""))
	b.WriteString(text + "\x1b[J")
	_, _ = l.terminal.WriteString(b.String()) // a terminal that is gone shows nothing; the deployment goes on
}

func (l *live) endLineLocked() {
	l.drawn = 0
	_, _ = l.terminal.WriteString("\n")
}
