package deployer

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// unstamped is the tick of a step that is not in the journal yet.
const unstamped = -1

// stampLocked gives the steps that are new their places in the order of all. Ticks are given and committed under one
// mutex, and the journal remembers the highest: no later step has a lower one, whatever the wall clock does.
func (d *Deployer) stampLocked(deployments []Deployment) []Deployment {
	stamped := slices.Clone(deployments)
	for n, one := range stamped {
		one.Steps = slices.Clone(one.Steps)
		for i := range one.Steps {
			if one.Steps[i].Tick != unstamped {
				continue
			}
			one.Steps[i].Tick = d.nextArrivalLocked()
			if k := (Known{one.Digest, one.Commit, one.Cause}); k != one.knownAt(i-1) {
				one.Steps[i].Known = &k
			}
		}
		stamped[n] = one
	}
	return stamped
}

// Clock is the highest reading of the logical clock that the deployment holds.
func (d Deployment) Clock() int64 {
	if len(d.Steps) == 0 {
		return d.Arrival
	}
	return max(d.Arrival, d.Steps[len(d.Steps)-1].Tick)
}

// knownAt is what was known at a step.
func (d Deployment) knownAt(step int) Known {
	for ; step >= 0; step-- {
		if k := d.Steps[step].Known; k != nil {
			return *k
		}
	}
	return Known{}
}

// tick is a step's place in the order of all. An older fisherman kept only the time.
func (s Step) tick() int64 { return cmp.Or(s.Tick, s.At.UnixNano()) }

// at is the deployment as it was right after one of its steps.
func (d Deployment) at(step int) Deployment {
	d.State = d.Steps[step].State
	d.Steps = d.Steps[: step+1 : step+1]
	if k := d.knownAt(step); k != (Known{}) {
		d.Digest, d.Commit, d.Cause = k.Digest, k.Commit, k.Cause
	}
	if !d.State.Ended() {
		d.Reason, d.FinishedAt = "", time.Time{}
	}
	return d
}

// Event is a transition of a deployment or, between two of them, its progress.
type Event struct {
	ID         string // of a transition: to resume after
	Deployment Deployment
	Progress   *Progress // nil: it is a transition
}

// EventOptions choose events.
type EventOptions struct {
	Service    string // of one service; empty: of all
	Deployment string // of one deployment, from its first transition on; empty: of all, from now on
	After      string // the ID of the last event that was seen, of whatever process; empty: none was
}

// Reading is how one reader goes through the events. What it does not fetch waits in the journal, and costs nobody
// anything. It is not safe for concurrent use.
type Reading struct {
	d       *Deployer
	options EventOptions
	tick    int64 // of the last transition that was read
	report  int64 // the number of the last progress that was
	ended   bool
}

// Events begins a reading. Service and Deployment are checked: ErrNotFound; After that is no ID is an InvalidError. An ID
// that is older than all the journal keeps goes on with the oldest transition that it does keep.
func (d *Deployer) Events(o EventOptions) (*Reading, error) {
	if o.Service != "" && d.lanes()[o.Service] == nil {
		return nil, d.unknown(o.Service)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	r := &Reading{d: d, options: o, tick: d.arrival, report: d.reports}
	if o.After != "" {
		tick, err := strconv.ParseInt(o.After, 36, 64)
		if err != nil || tick < 0 {
			return nil, &InvalidError{fmt.Sprintf("%.64q is not the id of an event; send the last one that was received, or none", o.After)}
		}
		r.tick = min(tick, d.arrival) // one that is still to come cannot have been seen
	}
	if o.Deployment == "" {
		return r, nil
	}
	one, err := d.Journal.Deployment(o.Deployment)
	switch {
	case err != nil:
		return nil, err
	case o.Service != "" && one.Service != o.Service:
		return nil, fmt.Errorf("deployment %q of service %q %w: it is of %s", one.ID, o.Service, ErrNotFound, one.Service)
	case o.After == "":
		r.tick, r.report = 0, 0
	}
	r.ended = one.State.Ended() && !slices.ContainsFunc(one.Steps, func(s Step) bool { return s.tick() > r.tick })
	return r, nil
}

// Ended reports whether the one deployment that is read has ended and all of it has been read.
func (r *Reading) Ended() bool { return r.ended }

// ID is what a reader that has read no more than this resumes after.
func (r *Reading) ID() string { return eventID(r.tick) }

func eventID(tick int64) string { return strconv.FormatInt(tick, 36) }

// page is how many steps are read at once.
const page = 100

// Next returns what is new, in its order, and no more than a page; News says when to ask again. Of progress there is only
// the latest of each deployment, and none until all transitions have been read. more says that there is another page.
func (r *Reading) Next() (events []Event, more bool, err error) {
	newest, reports := r.latest()
	if newest > r.tick {
		if events, more, err = r.transitions(newest); err != nil || more {
			return events, more, err
		}
	}
	for _, p := range reports {
		r.report = p.number
		if !overtaken(p, events) {
			events = append(events, Event{Progress: &p})
		}
	}
	return events, false, nil
}

// latest is the tick that has been given last, and the progress that has not been read.
func (r *Reading) latest() (tick int64, reports []Progress) {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	for _, l := range r.d.lanes() {
		for _, j := range l.active {
			if p := j.report; p != nil && p.number > r.report && r.options.match(j.Deployment) {
				reports = append(reports, *p)
			}
		}
	}
	slices.SortFunc(reports, func(a, b Progress) int { return cmp.Compare(a.number, b.number) })
	return r.d.arrival, reports
}

func (o EventOptions) match(d Deployment) bool {
	return (o.Service == "" || o.Service == d.Service) && (o.Deployment == "" || o.Deployment == d.ID)
}

// overtaken reports whether a deployment has left the state meanwhile that its progress is of.
func overtaken(p Progress, events []Event) bool {
	for _, e := range slices.Backward(events) {
		if e.Progress == nil && e.Deployment.ID == p.Deployment {
			return e.Deployment.State != p.State
		}
	}
	return false
}

func (r *Reading) transitions(newest int64) (events []Event, more bool, err error) {
	var passed []Passed
	if r.options.Deployment != "" {
		passed, err = r.ofOne()
	} else if passed, err = r.d.Journal.Steps(r.tick, page); len(passed) == page {
		more, newest = true, 0
	}
	if err != nil {
		return nil, false, fmt.Errorf("read events: %w", err)
	}
	for _, p := range passed {
		tick := p.Deployment.Steps[p.Step].tick()
		r.tick = max(r.tick, tick)
		if r.options.match(p.Deployment) {
			events = append(events, Event{ID: eventID(tick), Deployment: p.Deployment.at(p.Step)})
			r.ended = r.options.Deployment != "" && p.Deployment.Steps[p.Step].State.Ended()
		}
	}
	r.tick = max(r.tick, newest)
	return events, more, nil
}

// ofOne are the steps of the one deployment that is read.
func (r *Reading) ofOne() (passed []Passed, err error) {
	one, err := r.d.Journal.Deployment(r.options.Deployment)
	for i, s := range one.Steps {
		if s.tick() > r.tick {
			passed = append(passed, Passed{one, i})
		}
	}
	return passed, err
}
