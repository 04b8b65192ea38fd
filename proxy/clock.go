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

// start is called when the request has been sent, perhaps after it was answered.
func (c *clock) start(limit time.Duration, cancel context.CancelFunc) {
	if c.answered.Load() {
		return
	}
	c.timer.Store(time.AfterFunc(limit, func() {
		if !c.answered.Load() {
			c.late.Store(true)
			cancel()
		}
	}))
}

// stop is called when the answer has begun, or there will be none.
func (c *clock) stop() {
	c.answered.Store(true)
	if timer := c.timer.Load(); timer != nil {
		timer.Stop()
	}
}
