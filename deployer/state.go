package deployer

import (
	"fmt"
	"slices"
	"strings"
)

// State is where a deployment stands. One function writes it: (*Deployer).move.
type State string

// The states of a deployment, in the order in which a good one goes through them, then the ways it can end.
const (
	Waiting   State = "waiting"   // for the image of a push
	Queued    State = "queued"    // accepted, not begun
	Pulling   State = "pulling"   // resolving its digest, fetching its image
	Starting  State = "starting"  // creating its containers beside the old ones
	Verifying State = "verifying" // until they are healthy
	Switching State = "switching" // the route file's rename is the commit point
	Draining  State = "draining"  // requests in flight on the old release; then it is retired
	Baking    State = "baking"    // the old release is still warm

	Succeeded  State = "succeeded"
	Failed     State = "failed"
	Cancelled  State = "cancelled"
	Superseded State = "superseded"
	Unchanged  State = "unchanged"
	RolledBack State = "rolled_back"
)

// transition is one row of the table.
type transition struct {
	from State
	to   []State
}

// transitions is the whole life of a deployment.
func transitions() []transition {
	return []transition{
		{Waiting, []State{Queued, Superseded, Cancelled, Unchanged}},
		{Queued, []State{Pulling, Superseded, Cancelled, Unchanged}},
		{Pulling, []State{Starting, Failed, Cancelled, Superseded, Unchanged}},
		{Starting, []State{Verifying, Failed, Cancelled, Superseded}},
		{Verifying, []State{Switching, Failed, Cancelled, Superseded}},
		{Switching, []State{Draining, Failed, Cancelled}}, // cancelled: its service has left the configuration
		{Draining, []State{Baking, Succeeded}},
		{Baking, []State{Succeeded, RolledBack}},
	}
}

// restarts are the states from which a deployment goes back to the queue when a restart interrupted it.
func restarts() []State { return []State{Pulling, Starting, Verifying, Switching} }

// may reports whether the table allows a step while the program runs.
func may(from, to State) bool {
	for _, t := range transitions() {
		if t.from == from {
			return slices.Contains(t.to, to)
		}
	}
	return false
}

// Ended reports whether nothing follows.
func (s State) Ended() bool {
	switch s {
	case Succeeded, Failed, Cancelled, Superseded, Unchanged, RolledBack:
		return true
	}
	return false
}

// Switched reports whether the deployment is past the point where it can be stopped.
func (s State) Switched() bool { return s == Switching || s == Draining || s == Baking }

// Judges reports whether a deployment that ended so has judged its digest: no look-up and no start runs it again.
func (s State) Judges() bool {
	return s == Succeeded || s == Failed || s == RolledBack || s == Superseded
}

// Diagram is the transition table as people read it; ARCHITECTURE.md holds it and a test compares.
func Diagram() string {
	var b strings.Builder
	for _, t := range transitions() {
		names := make([]string, len(t.to))
		for i, to := range t.to {
			names[i] = string(to)
		}
		fmt.Fprintf(&b, "%-9s → %s\n", t.from, strings.Join(names, " | "))
	}
	back := make([]string, 0, len(restarts()))
	for _, s := range restarts() {
		back = append(back, string(s))
	}
	fmt.Fprintf(&b, "after a restart only: %s → %s\n", strings.Join(back, ", "), Queued)
	return b.String()
}
