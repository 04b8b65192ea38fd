package proxy

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// lookPause is the time between two looks whether the client of a held upload is still there.
const lookPause = 200 * time.Millisecond

// Pause lets nothing new through to the service: requests wait, their bodies unread, until the next Point, of whatever
// release, or a Reroute that removes it. At most Options.MaxHeld do, each for Timeouts.Pause at most; beyond that they are
// answered 503. Nothing is written to the route file: the release stays the live one there, and after a restart nothing is
// paused. drain is as for Point, of what was in flight, but it asks WebSockets to leave (1001) as soon as nothing else is:
// requests are held meanwhile. Pausing an unknown service, or a paused one again, changes nothing.
func (p *Proxy) Pause(service string) (drain func(ctx context.Context, left func(int)) (cut int)) {
	p.change.Lock()
	defer p.change.Unlock()
	before := p.table.Load()
	r := before.releases[service]
	switch {
	case r == nil:
		return func(context.Context, func(int)) int { return 0 }
	case r.state == paused:
		return r.drain
	}
	held := r.pause()
	p.replace(before, before.with(held))
	r.press(true)
	return r.retire(held)
}

// Settle says that every route is what it should be: nothing is held back any longer for not having been pointed to by
// this process. Without it, that is over Timeouts.Hold after Run has begun, but for what a route file that was set aside
// may have named, and for requests that nobody took where the file sent them. It may be called again.
func (p *Proxy) Settle() {
	p.settle.Do(func() { close(p.settled) })
	p.confirm.Do(func() { close(p.confirmed) })
	p.complete.Do(func() { close(p.completed) })
}

// believe ends the wait for Settle.
func (p *Proxy) believe() {
	p.settle.Do(func() { close(p.settled) })
	if p.aside == "" {
		p.complete.Do(func() { close(p.completed) })
	}
}

func (p *Proxy) isSettled() bool { return isClosed(p.settled) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// detain keeps a request that the table has no way for until that may have changed. What the route file did not have
// may still be running: until the table is complete, nothing is unknown.
func (p *Proxy) detain(ctx context.Context, x *exchange, t *table, f fault) fault {
	settled := p.isSettled()
	switch {
	case x.route == nil && (isClosed(p.completed) || f == ambiguousPath):
		return f
	case x.route == nil:
		return p.hold(ctx, x, hold{&p.room, p.unrouted, t.replaced, p.completed})
	}
	switch r := x.route.release; {
	case r.state == paused:
		return p.hold(ctx, x, hold{&r.room, r.meter, r.retired, nil})
	case r.state != confirmed && !settled:
		return p.hold(ctx, x, hold{&r.room, r.meter, r.retired, p.settled})
	case r.state == outdated:
		return noBackend
	default: // settled by now
		return none
	}
}

// overtaken waits for the replacement of a release, which has begun.
func (p *Proxy) overtaken(ctx context.Context, r *release) fault {
	select {
	case <-r.retired:
		return none
	case <-p.stopping:
		return noBackend
	case <-ctx.Done():
		return clientGone
	}
}

// hold is what a request waits for, and where.
type hold struct {
	room     *room
	meter    *meter
	replaced <-chan struct{}
	settled  <-chan struct{}
}

// hold returns none when the table is worth another look.
func (p *Proxy) hold(ctx context.Context, x *exchange, h hold) fault {
	if !h.room.enter(p.options.MaxHeld, h.meter.held) {
		return heldTooMany
	}
	defer h.room.leave(h.meter.held)
	limit := time.NewTimer(p.options.Timeouts.Pause - time.Since(x.begun))
	defer limit.Stop()
	look, stop := x.lookAround()
	defer stop()
	for {
		select {
		case <-h.replaced:
			return none
		case <-h.settled:
			return none
		case <-limit.C:
			return heldTooLong
		case <-p.stopping:
			return noBackend
		case <-ctx.Done():
			return clientGone
		case <-look:
			if departed(x.request) {
				return clientGone
			}
		}
	}
}

// lookAround ticks when it is time to look whether the client is still there, for requests with a body: that is not
// read while they are held, so net/http does not see the end of the connection behind it.
func (x *exchange) lookAround() (<-chan time.Time, func()) {
	if x.request.ContentLength == 0 {
		return nil, func() {}
	}
	ticker := time.NewTicker(lookPause)
	return ticker.C, ticker.Stop
}

// room is where requests wait.
type room struct{ taken atomic.Int64 }

// enter takes a place, and reports false when there is none.
func (r *room) enter(places int, gauge prometheus.Gauge) bool {
	if r.taken.Add(1) > int64(places) {
		r.taken.Add(-1)
		return false
	}
	gauge.Inc()
	return true
}

func (r *room) leave(gauge prometheus.Gauge) {
	gauge.Dec()
	r.taken.Add(-1)
}
