package deployertest

import (
	"context"
	"strings"
	"time"
)

// Script says how the runtime fares with a digest.
type Script struct {
	Revision           string // the image's label
	Preflight          Step
	Pull, Start, Await Step
	Make               Step
	Halt, Retire       Step
	Once               Step     // of a RunOnce; Output is what it says
	Output             []string // of each container; default "hello"
	Says               []string // what is told while it is awaited
}

// Step is one call's fate: it takes Delay, then until Hold is closed (nil: no wait), and then fails with Err, if any.
// A context that ends ends it at once.
type Step struct {
	Delay time.Duration
	Hold  <-chan struct{}
	Err   error
}

// call records a call and finds its script.
func (f *Fake) call(verb, service, digest string) (Script, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, strings.TrimSpace(verb+" "+service+" "+digest))
	return f.scripts[digest], f.away
}

// known says whose release it is; an unknown one is called by its id.
func (f *Fake) known(id string) (service, digest string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r, ok := f.releases[id]; ok {
		return r.Service, r.Digest
	}
	return id, ""
}

// take lets the step happen. Where it takes no time there is no timer: goroutines of one testing/synctest bubble that receive from
// timers which are over already, at the same moment, can crash Go 1.26's race detector.
func (s Step) take(ctx context.Context) error {
	if s.Delay > 0 {
		timer := time.NewTimer(s.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if s.Hold != nil {
		select {
		case <-s.Hold:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return s.Err
}

// said is the output of one container.
func (s Script) said() []string {
	if s.Output == nil {
		return []string{"hello"}
	}
	return s.Output
}
