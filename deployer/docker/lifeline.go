package docker

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// silence is how long a pull may say nothing before it counts as stuck. Docker itself retries a layer for over a minute.
	silence = 3 * time.Minute
	// unwanted is how long a pull goes on that nobody wants any more, and landing how much longer once it has downloaded
	// everything. Cut off between making the image and naming it, Docker 20.10 keeps the image without a name, where nobody
	// can tell whose it is; what is complete is tagged as usual, and cleaned as usual.
	unwanted = time.Second
	landing  = 2 * time.Second
)

// lifeline cuts off a pull that is stuck or not wanted any more.
type lifeline struct {
	cut    context.CancelCauseFunc
	listen func() bool // ends the wait for the end of whoever wants the image

	mu      sync.Mutex // guards the rest
	alarm   *time.Timer
	why     error // nobody wants it any more
	landing bool
	pending map[string]bool // the layers that are not downloaded yet; nil before the first line
}

// newLifeline begins to watch over a pull that is wanted until ctx ends. It must be let go.
func newLifeline(ctx context.Context, cut context.CancelCauseFunc) *lifeline {
	l := &lifeline{cut: cut}
	l.alarm = time.AfterFunc(silence, l.expire)
	l.listen = context.AfterFunc(ctx, func() { l.forsake(ctx.Err()) })
	return l
}

// forsake says why nobody wants the pull any more.
func (l *lifeline) forsake(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.why = why
	l.alarm.Reset(unwanted)
}

func (l *lifeline) letGo() {
	l.listen()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alarm.Stop()
}

// heard takes a line of the pull's stream: it lives.
func (l *lifeline) heard(said line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending == nil {
		l.pending = map[string]bool{}
	}
	switch said.Status {
	case "Pulling fs layer":
		l.pending[said.ID] = true
	case "Download complete", "Extracting", "Pull complete":
		delete(l.pending, said.ID)
	}
	if l.why == nil {
		l.alarm.Reset(silence)
	}
}

func (l *lifeline) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.why == nil:
		l.cut(errors.New("no progress for " + silence.String()))
	case !l.landing && l.pending != nil && len(l.pending) == 0:
		l.landing = true
		l.alarm.Reset(landing)
	default:
		l.cut(l.why)
	}
}
