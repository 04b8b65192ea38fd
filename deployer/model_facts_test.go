package deployer_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fisherman/deployer"
)

// happening is the kind of a fact.
type happening string

const (
	begun     happening = "begin"     // a process
	stopped   happening = "stop"      // a process, in order
	killed    happening = "kill"      // a process
	step      happening = "step"      // of the sequence
	written   happening = "journal"   // a deployment
	amended   happening = "amended"   // a deployment that has ended: its push came late
	pointed   happening = "point"     // traffic
	rerouted  happening = "reroute"   // routes went from one service to another
	renamed   happening = "names"     // where those of services lead from now on
	cut       happening = "cut"       // requests in flight
	started   happening = "start"     // a release, when the call returned
	verified  happening = "verified"  // a release
	ranOnce   happening = "ran"       // a task of a release, when it ended
	halted    happening = "halt"      // a release, when the call came
	retired   happening = "retire"    // a release, when the call came
	told      happening = "notice"    // to people
	fault     happening = "fault"     // begins
	mended    happening = "mended"    // ends
	pushKnown happening = "pushed"    // a push was accepted
	delivered happening = "delivered" // a webhook
	asking    happening = "cancel"    // somebody cancels
	asked     happening = "cancelled" // and is told that it will be
	reshaped  happening = "configure" // the names of the services from now on
)

// fact is one thing that happened, and what was so at that moment.
type fact struct {
	at         time.Duration // since the beginning
	process    int
	what       happening
	text       string
	service    string
	release    string
	deployment deployer.Deployment // written
	routes     map[string][]string // pointed
	before     string              // pointed: the release until then
	took       time.Duration       // cut: since the drain began
	inFlight   bool                // halted, retired: it had requests
	up         []string            // started, halted, retired: the releases of the service that run
	live       string              // what the service's traffic points to
	notice     deployer.Notice
	trigger    deployer.Trigger
	dead       bool // the process had been killed
	err        error
}

func (w *world) record(f fact) {
	live := ""
	if f.what == pointed {
		live = f.release
	} else if f.service != "" && f.what != cut {
		live = w.road.Live()[f.service]
	}
	if f.what == started {
		f.up = w.running(f.service)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f.at, f.process, f.live = time.Since(w.begun), w.processes, live
	f.dead = w.process != nil && w.process.dead()
	w.facts = append(w.facts, f)
	if f.what == pointed {
		w.last[f.service] = f.release
	}
}

// recordEnd records what a release was doing when it was told to stop.
func (w *world) recordEnd(what happening, id string) {
	r := w.release(id)
	w.mu.Lock()
	named := leadsTo(w.names[r.Service], r)
	w.mu.Unlock()
	if named != "" && !w.process.dead() {
		w.wrong("at %.3fs: %s is to stop, and the name %s leads to its %s", time.Since(w.begun).Seconds(), id, r.Service, named)
	}
	w.record(fact{what: what, service: r.Service, release: id, inFlight: r.Up(1) && w.road.busy(r.Service, id), up: w.running(r.Service)})
	w.mar(id)
}

// notHalted are the releases that have not been told to stop since they were started: an engine starts only those again.
func (w *world) notHalted(ids []string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(ids, func(id string) bool {
		for _, f := range slices.Backward(w.facts) {
			if f.release == id && (f.what == halted || f.what == retired || f.what == started) {
				return f.what != started
			}
		}
		return false
	})
}

// trace is what happened, for a person.
func (w *world) trace() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for _, f := range w.facts {
		fmt.Fprintf(&b, "%12.3fs #%d %-9s %s\n", f.at.Seconds(), f.process, f.what, f)
	}
	return b.String()
}

func (f fact) String() string {
	text := strings.TrimSpace(strings.Join([]string{f.service, f.release, f.text}, " "))
	switch f.what {
	case written, amended:
		d := f.deployment
		text += fmt.Sprintf(" %s (%s, commit %.7s, %.15s) %s", d.State, d.Cause.Kind, d.Commit, d.Digest, d.Reason)
		if d.Told != nil {
			text += fmt.Sprintf(" told to end: %v", d.Told)
		}
	case pointed:
		text += fmt.Sprintf(" %v", f.routes)
	case started, halted, retired:
		text += fmt.Sprintf(" up %v, live %s, in flight %v", f.up, f.live, f.inFlight)
	case told:
		text += fmt.Sprintf(" down %v: %s", f.notice.Down, f.notice.Reason)
	case cut:
		text += fmt.Sprintf(" after %s", f.took)
	}
	if f.err != nil {
		text += fmt.Sprintf(" error: %v", f.err)
	}
	if f.dead {
		text += " (the process is dead)"
	}
	return text
}
