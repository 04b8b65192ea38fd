package proxy

import (
	"context"
	"sync"
	"time"
)

// cutWait bounds how long a cut waits for the requests it closed to notice.
const cutWait = 2 * time.Second

// flight is the set of requests that are counted on a release. Once it is closed nobody joins any more, so that it can
// only get smaller: a request is either in here, or sees that it has to look at the table again.
type flight struct {
	mu      sync.Mutex
	members map[*exchange]struct{}
	closed  bool
	landed  chan struct{} // closed when the flight is closed and empty
}

func newFlight() *flight {
	return &flight{members: map[*exchange]struct{}{}, landed: make(chan struct{})}
}

// join counts x in, and reports false when it is too late for that.
func (f *flight) join(x *exchange) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.members[x] = struct{}{}
	return true
}

// leave counts x out. After it returns x is never cut.
func (f *flight) leave(x *exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.members, x)
	f.landLocked()
}

// close lets nobody in from now on. It may be called once.
func (f *flight) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.landLocked()
}

func (f *flight) landLocked() {
	if f.closed && len(f.members) == 0 {
		close(f.landed)
	}
}

// drain waits until a closed flight is empty. When ctx ends first it cuts what is left and returns how many that were.
func (f *flight) drain(ctx context.Context) int {
	select {
	case <-f.landed:
		return 0
	default:
	}
	select {
	case <-f.landed:
		return 0
	case <-ctx.Done():
		return f.cut()
	}
}

// cut ends every request in flight, waits for them to leave, and returns how many there were.
func (f *flight) cut() int {
	f.mu.Lock()
	n := len(f.members)
	for x := range f.members {
		x.sever()
	}
	f.mu.Unlock()
	gone, cancel := context.WithTimeout(context.Background(), cutWait)
	defer cancel()
	select {
	case <-f.landed:
	case <-gone.Done():
	}
	return n
}
