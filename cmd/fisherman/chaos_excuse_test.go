package main

import (
	"net/http"
	"time"

	"fisherman/deployer"
	"fisherman/server"
)

// excuse says which failed requests a fault accounts for. Nothing else may fail.
type excuse int

const (
	// killed: fisherman got SIGKILL. What was in flight through it broke off, and until it listens again connections are
	// refused. So: no whole answer, and in flight at any moment of the window. An answer of its own is no excuse: after
	// a start requests are held, not refused.
	killed excuse = iota
	// told: fisherman got SIGTERM. Everything that was in flight is finished; new connections are refused until it
	// listens again, and those that wait in the closed listener's queue are reset. So: not a byte of an answer, and begun
	// within the window, or no more than queueing before it. What waits for the release of a `recreate` service cannot be
	// finished: it is told so, by a 503 while fisherman stops.
	told
	// struck: one of several containers of a service was killed. What was in flight on it breaks off, and that is all: the
	// proxy sends nothing more to it that another container could not take. So: in flight at any moment of the window,
	// which is the time that Docker took to kill it.
	struck
	// down: every container of a service is gone, or its only release is sick, until it is well again.
	down
)

func (e excuse) String() string { return [...]string{"killed", "told", "struck", "down"}[e] }

// precise is how moments are shown.
const precise = "15:04:05.000"

// heldMost is how long the proxy holds a request, as README says.
const heldMost = 30 * time.Second

// drainMost is what chaosConfig says of drain.
const drainMost = 3 * time.Second

// How exactly a window is known.
const (
	// queueing is how long an open connection may wait in the listener's queue before fisherman accepts it.
	queueing = 250 * time.Millisecond
	// notice is how much later than the kernel the tests may learn of a death on a busy machine.
	notice = 250 * time.Millisecond
)

// window is the time in which a fault accounts for failures.
type window struct {
	excuse   excuse
	service  string // whose requests; empty: everybody's
	from, to time.Time
}

// failure is a request that did not get the answer it should have had.
type failure struct {
	service      string
	begun, ended time.Time
	status       int  // 0: it got no whole answer
	partial      bool // an answer began
	stranger     bool // another service's app answered
	why          string
}

// covers reports whether the window accounts for the failure.
func (w window) covers(f failure) bool {
	if f.stranger || w.service != "" && w.service != f.service {
		return false
	}
	within := !f.begun.After(w.to) && !f.ended.Before(w.from)
	switch w.excuse {
	case killed:
		return f.status == 0 && !f.begun.After(w.to) && !f.ended.Before(w.from.Add(-notice))
	case told:
		if f.status == http.StatusServiceUnavailable {
			return f.service == single && within
		}
		return f.status == 0 && !f.partial && !f.begun.After(w.to) && !f.begun.Before(w.from.Add(-queueing))
	case struck, down:
		return within
	}
	return false
}

// outwaited reports whether a request was held for a `recreate` service for as long as any is: an engine on a machine this
// busy needed longer to put one container in another's place. That this ends at all, and in time, others see to.
func outwaited(f failure) bool {
	return f.service == single && f.status == http.StatusServiceUnavailable && f.ended.Sub(f.begun) >= heldMost
}

// outstayed reports whether a request broke off that was in flight for all of the time that a release may take to drain, as
// README says, while it was replaced: on a machine this busy even a small upload may take that long.
func outstayed(f failure, history map[string]server.Deployment) bool {
	for _, d := range history {
		from := entered(d, deployer.Draining)
		if f.service == single { // its requests are drained before the next release is started
			from = entered(d, deployer.Starting)
		}
		if d.Service == f.service && f.status == 0 && !f.stranger && !from.IsZero() && !f.begun.After(from) && f.ended.Sub(from) >= drainMost-notice {
			return true
		}
	}
	return false
}
