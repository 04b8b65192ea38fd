package proxy

import (
	"context"
	"errors"
	"time"
)

const (
	// partTime is the end of a drain's time over which partings are spread, so that clients do not all come back at once.
	partTime = time.Second
	// cutWait bounds how long a cut waits for the requests it closed to notice.
	cutWait = 2 * time.Second
)

// drain waits until nothing but event streams is in flight and ends those. WebSockets work on until the last second of
// ctx's time, or where the flight is pressed as long as anything else is in flight, and are then closed, too. At ctx's deadline
// what is left is cut; drain returns how many those were. It returns 0 at once for a flight that goes on. When ctx is cancelled
// before, it leaves everything as it is.
func (f *flight) drain(ctx context.Context, left func(int)) (cut int) {
	last, stop := lastMoment(ctx, partTime)
	defer stop()
	f.wait(last, left)
	if f.goesOn() || isCancelled(ctx) {
		return 0
	}
	f.press(false) // from here on they are waited for
	var leaving partings
	f.part(&leaving, f.window(ctx))
	f.wait(ctx, left)
	if !f.goesOn() && !isCancelled(ctx) {
		f.part(&leaving, 0) // what has become a WebSocket or an event stream since
		cut = f.cut()
	}
	return cut + leaving.wait()
}

// isCancelled tells a drain that nobody waits for any more from one whose time is over.
func isCancelled(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// lastMoment is ctx, ended earlier by d where it has a deadline.
func lastMoment(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-d))
}

// window is the time over which partings are spread: none when there are only event streams, which nothing waits for,
// or when ctx's time is over.
func (f *flight) window(ctx context.Context) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	deadline, ok := ctx.Deadline()
	if !ok || ctx.Err() != nil || f.restLocked() {
		return 0
	}
	return min(time.Until(deadline), partTime)
}

// sever ends x from outside, if it is still in flight.
func (f *flight) sever(x *exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.members[x]; ok {
		x.sever()
	}
}

// cut ends every request in flight that is not ending politely, waits for them to leave, and returns how many there were.
func (f *flight) cut() int {
	cut := f.severAll()
	ctx, cancel := context.WithTimeout(context.Background(), cutWait)
	defer cancel()
	for _, x := range cut {
		select {
		case <-x.gone:
		case <-ctx.Done():
		}
	}
	return len(cut)
}

func (f *flight) severAll() (cut []*exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.holder != nil {
		return nil
	}
	for x := range f.members {
		if x.gone == nil {
			x.gone = make(chan struct{})
			x.sever()
			cut = append(cut, x)
		}
	}
	return cut
}
