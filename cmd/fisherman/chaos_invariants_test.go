package main

import (
	"fmt"
	"slices"
	"strings"

	"fisherman/deployer"
	"fisherman/server"
)

// facts are what is observed after a round.
type facts struct {
	releases   []shipment
	history    map[string]server.Deployment // by id
	services   map[string]served
	containers []observed
	spans      map[string]map[string]span // when a version of a service answered
	before     []string                   // what is not fisherman's, as it was before the round
	after      []string
	failures   []failure
	windows    []window
}

// served is what serves as a service.
type served struct {
	replicas int    // that there have to be
	live     string // the deployment that the route file names
	digest   string // of the live deployment, as the API says
	state    string // as the API says
	version  string // that answers through the proxy; else what came instead
}

// observed is a container with our network's label.
type observed struct {
	id, service, deployment string
	running                 bool
}

// invariant finds what must not be. It is a pure function of what was observed.
type invariant func(facts) []string

// settling are the invariants that hold once everything has come to rest. They are waited for.
func settling() []invariant {
	return []invariant{endedTruthfully, lastGoodServes, oneLiveRelease, noOrphans}
}

// lasting are the invariants that hold at any moment.
func lasting() []invariant {
	return []invariant{succeededServed, replacedIsSilent, foreignUntouched, onlyExcusedFailures}
}

func violations(of []invariant, f facts) []string {
	var found []string
	for _, check := range of {
		found = append(found, check(f)...)
	}
	slices.Sort(found)
	return found
}

// endedTruthfully: every deployment that an accepted delivery led to is known and has ended, as its release deserves,
// and says why.
func endedTruthfully(f facts) (bad []string) {
	for _, r := range f.releases {
		if r.forgotten {
			continue
		}
		if len(r.deployments) == 0 {
			bad = append(bad, fmt.Sprintf("truth: version %s of %s was accepted and led to no deployment", r.version, r.service))
		}
		for _, id := range r.deployments {
			if d, known := f.history[id]; !known {
				bad = append(bad, fmt.Sprintf("truth: deployment %s of version %s of %s was accepted and is lost", id, r.version, r.service))
			} else if why := untrue(r, d); why != "" {
				bad = append(bad, fmt.Sprintf("truth: deployment %s of version %s of %s (%s) is %s, because %q: %s", id, r.version, r.service, r.flaw, d.State, d.Reason, why))
			}
		}
	}
	return bad
}

func untrue(r shipment, d server.Deployment) string {
	if !d.State.Ended() || d.FinishedAt == nil {
		return "it has not ended"
	}
	if last := d.Steps[len(d.Steps)-1].State; last != d.State {
		return fmt.Sprintf("its last step is %s", last)
	}
	if (d.State == deployer.Succeeded) != (d.Reason == "") {
		return "only a success needs no reason"
	}
	if r.forgiven != "" && strings.Contains(d.Reason, r.forgiven) {
		return ""
	}
	words, allowed := r.flaw.ends()[d.State]
	if !allowed || !strings.Contains(d.Reason, words) {
		return fmt.Sprintf("want one of %q", r.flaw.ends())
	}
	return ""
}

// lastGoodServes: in the end it is the newest good release that the route file names, that the API shows and that
// answers.
func lastGoodServes(f facts) (bad []string) {
	for name, s := range f.services {
		want, known := newestGood(f, name)
		if !known {
			continue
		}
		if s.version != want.version || s.digest != want.digest || s.state != "running" {
			bad = append(bad, fmt.Sprintf("last: %s is %s with %.19s and answers %q, want version %s, %.19s", name, s.state, s.digest, s.version, want.version, want.digest))
		}
		if d, known := f.history[s.live]; known && d.Digest != want.digest {
			bad = append(bad, fmt.Sprintf("last: the route file sends %s to deployment %s with %.19s, want %.19s", name, s.live, d.Digest, want.digest))
		}
	}
	return bad
}

// newestGood is the newest sound release of a service, unless a fault is known to have failed it. Where the history was
// taken away in the middle of it, either it or its predecessor serves, and the next one will tell.
func newestGood(f facts, service string) (shipment, bool) {
	for _, r := range slices.Backward(f.releases) {
		if r.service != service || r.flaw != sound {
			continue
		}
		failed := slices.ContainsFunc(r.deployments, func(id string) bool { return f.history[id].State == deployer.Failed })
		if !failed || r.forgiven == "" {
			return r, !r.forgotten
		}
	}
	return shipment{}, false
}

// oneLiveRelease: what runs of a service is of its live release, as often as it should.
func oneLiveRelease(f facts) (bad []string) {
	for name, s := range f.services {
		running := 0
		for _, c := range f.containers {
			if c.service != name || !c.running {
				continue
			}
			if running++; c.deployment != s.live {
				bad = append(bad, fmt.Sprintf("one live: container %.12s of %s runs for deployment %s, while %s is live", c.id, name, c.deployment, s.live))
			}
		}
		if running != s.replicas {
			bad = append(bad, fmt.Sprintf("one live: %d containers of %s run, want %d", running, name, s.replicas))
		}
	}
	return bad
}

// noOrphans: a container that is not live is one that failed, is kept for a look at it, and goes with the next success.
func noOrphans(f facts) (bad []string) {
	for _, c := range f.containers {
		s, known := f.services[c.service]
		if known && c.deployment == s.live {
			continue
		}
		kept, recorded := f.history[c.deployment]
		succeeded := func(d server.Deployment) bool {
			return d.Service == c.service && d.State == deployer.Succeeded && kept.FinishedAt != nil && d.FinishedAt.After(*kept.FinishedAt)
		}
		if c.running || !recorded || kept.State == deployer.Succeeded || has(f.history, succeeded) {
			bad = append(bad, fmt.Sprintf("orphan: container %.12s of %s, deployment %s (%s), running %t", c.id, c.service, c.deployment, kept.State, c.running))
		}
	}
	return bad
}

func has(history map[string]server.Deployment, yes func(server.Deployment) bool) bool {
	for _, d := range history {
		if yes(d) {
			return true
		}
	}
	return false
}
