package proxy

import (
	"context"
	"sync/atomic"
	"time"
)

// clock cancels a request whose answer does not begin within a time from when the backend had all of it. The
// transport's ResponseHeaderTimeout does the same for one part in twenty-five more CPU time on every request.
type clock struct {
	timer    atomic.Pointer[time.Timer]
	answered atomic.Bool
	late     atomic.Bool
}

// start is called when the request has been sent, perhaps after it was answered. Nothing happens while it runs.
func (c *clock) start(limit time.Duration, cancel context.CancelFunc) {
	if c.answered.Load() || c.timer.Load() != nil {
		return
	}
	c.timer.Store(time.AfterFunc(limit, func() {
		if !c.answered.Load() {
			c.late.Store(true)
			cancel()
		}
	}))
}

// reset is called when it turns out that the backend has nothing of the request.
func (c *clock) reset() {
	if timer := c.timer.Swap(nil); timer != nil {
		timer.Stop()
	}
}

// stop is called when the answer has begun, or there will be none.
func (c *clock) stop() {
	c.answered.Store(true)
	if timer := c.timer.Load(); timer != nil {
		timer.Stop()
	}
}
