package deployer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
)

// strikes is how many bad answers in a row take a replica out of the rotation.
const strikes = 3

// pauseLost is the time between two rounds of probes while the engine does not answer.
const pauseLost = 500 * time.Millisecond

// strikesLost is how many answers like this one do so while the engine does not answer; 0 is that it does not count. An
// engine that goes down may end its containers and give their addresses to others when it comes back, so an address where
// nobody is any more must not be asked on. An app that is slow or unwell goes on: nobody could replace it.
func strikesLost(err error) int {
	switch {
	case errors.Is(err, syscall.EHOSTUNREACH):
		return 1
	case errors.Is(err, syscall.ECONNREFUSED):
		return 2
	}
	return 0
}

// vital is what is known of one container of the live release.
type vital struct {
	address  string
	well     bool  // in the rotation
	answered bool  // well, at least once
	suspect  bool  // the engine had news of its service: it is asked at a quick pace until it answers well
	streak   int   // answers in a row that speak against well
	trouble  error // its last bad answer
}

// observe takes an answer, and reports whether the replica has left the rotation or joined it.
func (v *vital) observe(err error, successes, strikes int) (changed bool) {
	needed := strikes
	if err == nil {
		needed, v.answered, v.suspect = max(1, successes), true, false
	} else {
		v.trouble = err
	}
	if (err == nil) == v.well {
		v.streak = 0
		return false
	}
	v.streak++
	if v.streak < needed {
		return false
	}
	v.well, v.streak = err == nil, 0
	return true
}

// vitals are the containers of the live release that run, by id.
type vitals map[string]*vital

// trusting takes replicas for well, as those are that a deployment has just verified or a start of the program finds.
func trusting(replicas []Replica) vitals {
	vs := vitals{}
	for _, r := range replicas {
		if r.Running {
			vs[r.Container] = &vital{address: r.Address, well: r.Address != ""}
		}
	}
	return vs
}

// meet takes a listing: what does not run is forgotten, and what runs anew has to prove itself. fresh reports whether there
// is any of that, fell says what became of one that ran.
func (vs vitals) meet(replicas []Replica) (fresh bool, fell string) {
	for id, v := range vs {
		i := slices.IndexFunc(replicas, func(r Replica) bool { return r.Container == id })
		if i >= 0 && replicas[i].Running && replicas[i].Address == v.address {
			continue
		}
		delete(vs, id)
		if i < 0 {
			fell = fmt.Sprintf("container %.12s was removed", id)
		} else {
			fell = vs.trouble(replicas[i : i+1])
		}
	}
	for _, r := range replicas {
		if r.Running && vs[r.Container] == nil {
			vs[r.Container], fresh = &vital{address: r.Address}, true
		}
	}
	return fresh, fell
}

// judged is the replicas with what is known of their health.
func (vs vitals) judged(replicas []Replica) []Replica {
	all := make([]Replica, len(replicas))
	for i, r := range replicas {
		v := vs[r.Container]
		r.Healthy = r.Running && v != nil && v.well
		all[i] = r
	}
	return all
}

// isUnknown reports whether a replica has not said yet how it is. One that did not run when it was listed may do so by now.
func (vs vitals) isUnknown(r Replica) bool {
	v := vs[r.Container]
	return !r.Running || v == nil || !v.well && v.trouble == nil
}

// trouble says for a person what is wrong with the replicas that are not well; empty when all are.
func (vs vitals) trouble(replicas []Replica) string {
	var all []string
	for _, r := range replicas {
		v := vs[r.Container]
		switch {
		case !r.Running && r.Ended != "":
			all = append(all, fmt.Sprintf("container %.12s %s", r.Container, r.Ended))
		case !r.Running:
			all = append(all, fmt.Sprintf("container %.12s does not run", r.Container))
		case v != nil && !v.well && v.trouble != nil:
			all = append(all, fmt.Sprintf("container %.12s: %v", r.Container, v.trouble))
		case v == nil || !v.well:
			all = append(all, fmt.Sprintf("container %.12s was restarted and has not answered yet", r.Container))
		}
	}
	return strings.Join(all, "; ")
}

// pause is the time to the next round of probes: every while all is well, from a tenth of a second up while one is in doubt
// or out of the rotation, and little while one is about to leave or join it.
func (vs vitals) pause(last, every time.Duration) time.Duration {
	pause := every
	for _, v := range vs {
		switch {
		case v.streak > 0 && !v.well:
			pause = min(pause, 100*time.Millisecond)
		case v.suspect || !v.well:
			pause = min(pause, max(last*3/2, 100*time.Millisecond))
		case v.streak > 0:
			pause = min(pause, time.Second)
		}
	}
	return pause
}
