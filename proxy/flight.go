package proxy

import (
	"context"
	"sync"
	"time"
)

// flight is the set of requests that are counted on a release, whatever its addresses: releases of one name that follow
// each other share it. Only the one that holds the flight lets requests join, so that each is either in here or sees
// that it has to look at the table again; a flight that nobody holds can only get smaller.
type flight struct {
	answers answers

	mu      sync.Mutex
	holder  *release
	members map[*exchange]struct{}
	busy    int           // members that are not event streams
	sockets int           // of these, WebSockets
	pressed bool          // others wait for its end: WebSockets are not waited for, but asked to leave
	changed chan struct{} // closed with the next change; nil while nobody waits for one
}

func newFlight() *flight { return &flight{members: map[*exchange]struct{}{}} }

// join counts x in on behalf of r, and reports false when r does not hold the flight any more.
func (f *flight) join(x *exchange, r *release) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.holder != r {
		return false
	}
	f.members[x] = struct{}{}
	f.busy++
	return true
}

// leave counts x out. After it returns x is never cut.
func (f *flight) leave(x *exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.members, x)
	if !isStream(x.ending) {
		f.busy--
	}
	if isSocket(x.ending) {
		f.sockets--
	}
	if x.gone != nil {
		close(x.gone)
	}
	f.tellLocked()
}

// become notes that x has turned into something that can be ended politely.
func (f *flight) become(x *exchange, e ending) {
	f.mu.Lock()
	defer f.mu.Unlock()
	x.ending = e
	if isStream(e) {
		f.busy--
	}
	if isSocket(e) {
		f.sockets++
	}
	f.tellLocked()
}

// press makes the next drain ask WebSockets to leave as soon as nothing else is waited for.
func (f *flight) press(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pressed = on
	f.tellLocked()
}

// hand makes r the one whose requests may join; nil is nobody.
func (f *flight) hand(r *release) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holder = r
	f.pressed = f.pressed && r == nil // it goes on
	f.tellLocked()
}

func (f *flight) tellLocked() {
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// restLocked says that there is nothing to wait for: only event streams are in flight, pressed also WebSockets, or the flight
// goes on.
func (f *flight) restLocked() bool {
	return f.busy == 0 || f.holder != nil || f.pressed && f.busy == f.sockets
}

// countEvery is the least time between two times that a drain says how many it waits for.
const countEvery = 200 * time.Millisecond

// wait returns once there is nothing to wait for, or ctx has ended. left is told, unless nil, how many are waited for.
func (f *flight) wait(ctx context.Context, left func(int)) {
	ticker := time.NewTicker(countEvery)
	defer ticker.Stop()
	for told, due := 0, left != nil; ; {
		busy, changed := f.news()
		if changed == nil {
			return
		}
		if due && busy != told {
			left(busy)
			told, due = busy, false
		}
		select {
		case <-changed:
		case <-ticker.C:
			due = left != nil
		case <-ctx.Done():
			return
		}
	}
}

// news is how many are waited for, and a channel that closes when that has changed; nil when there is nothing to wait for.
func (f *flight) news() (busy int, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.restLocked() {
		return 0, nil
	}
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	return f.busy, f.changed
}

// goesOn reports whether requests may join.
func (f *flight) goesOn() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.holder != nil
}

// isOver reports whether nothing is in flight and nothing can join.
func (f *flight) isOver() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.holder == nil && len(f.members) == 0
}
