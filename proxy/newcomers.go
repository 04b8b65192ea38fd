package proxy

import (
	"sync/atomic"
	"time"
)

// A connection that has been accepted is waited for at a stop until its first request is there: so many times Timeouts.Linger, from
// when it was accepted. A handshake over half the world takes a second; what is not there by then was opened for later.
const (
	newcomer    = 5
	newcomerTLS = 15
)

// newcomers are connections that were accepted lately and have asked for nothing yet.
type newcomers struct{ count atomic.Int64 }

// enter counts one in, for a time at most. It is out when the timer is over, or by leave.
func (n *newcomers) enter(within time.Duration) *time.Timer {
	n.count.Add(1)
	return time.AfterFunc(within, func() { n.count.Add(-1) })
}

// leave counts one out. It may be called again.
func (n *newcomers) leave(still *time.Timer) {
	if still.Stop() {
		n.count.Add(-1)
	}
}

// wait returns when there are none left, once nobody can enter.
func (n *newcomers) wait() {
	const look = 5 * time.Millisecond
	for n.count.Load() > 0 {
		time.Sleep(look)
	}
}
