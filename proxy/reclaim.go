package proxy

import "context"

// reclaim takes an exchange that no replica took back to the table, where that may know better: it has moved on meanwhile,
// or the address is only remembered. What was there may have ended while no fisherman ran, and an engine may take longer to
// say so than routes wait to be confirmed; then the exchange waits on. Where the table knows nothing better, failed stands.
func (x *exchange) reclaim(ctx context.Context, failed error) error {
	p, old := x.proxy, x.route.release
	doubtful := old.state == remembered && !isClosed(p.confirmed)
	if !doubtful && !isClosed(old.retired) {
		return failed
	}
	x.clock.reset()
	x.release() // nobody has it: a drain need not wait for it
	x.joined = false
	if x.severed.Load() {
		return failed
	}
	if doubtful {
		if f := p.hold(ctx, x, hold{&old.room, old.meter, old.retired, p.confirmed}); f != none {
			return f
		}
	}
	return x.tryAnew(ctx)
}

// tryAnew finds a release and a replica for an exchange as if it had just come.
func (x *exchange) tryAnew(ctx context.Context) error {
	var buf [maxHost]byte
	host, _ := fold(&buf, x.request.Host)
	if f := x.proxy.claim(ctx, x, host); f != none {
		return f
	}
	x.tried = nil
	if x.replica == nil {
		return noBackend
	}
	return nil
}
