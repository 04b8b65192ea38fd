package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fisherman/deployer"
	"fisherman/server"
)

// succeededServed: a release whose deployment succeeded has answered a request that was sent after the switch began.
func succeededServed(f facts) (bad []string) {
	for _, d := range f.history {
		version := versionOf(f, d)
		if d.State != deployer.Succeeded || version == "" {
			continue
		}
		answered, ever := f.spans[d.Service][version]
		if switched := entered(d, deployer.Switching); !ever || answered.last.Before(switched) {
			bad = append(bad, fmt.Sprintf("served: deployment %s of version %s of %s succeeded, and never answered anybody", d.ID, version, d.Service))
		}
	}
	return bad
}

// replacedIsSilent: what is sent after a switch is not answered by what was replaced.
func replacedIsSilent(f facts) (bad []string) {
	for _, d := range f.history {
		if d.State != deployer.Succeeded {
			continue
		}
		replaced, at := versionOf(f, predecessor(f, d)), entered(d, deployer.Draining)
		answered, ever := f.spans[d.Service][replaced]
		if replaced != "" && replaced != versionOf(f, d) && ever && answered.last.After(at) {
			bad = append(bad, fmt.Sprintf("replaced: version %s of %s answered what was sent %s after deployment %s had replaced it", replaced, d.Service, answered.last.Sub(at), d.ID))
		}
	}
	return bad
}

// predecessor is the deployment that succeeded last before this one.
func predecessor(f facts, of server.Deployment) (last server.Deployment) {
	at := entered(of, deployer.Draining)
	for _, d := range f.history {
		done := entered(d, deployer.Draining)
		if d.Service == of.Service && d.State == deployer.Succeeded && done.Before(at) && (last.ID == "" || done.After(entered(last, deployer.Draining))) {
			last = d
		}
	}
	return last
}

// versionOf is the version that a deployment was of.
func versionOf(f facts, d server.Deployment) string {
	for _, r := range f.releases {
		if r.service == d.Service && r.digest == d.Digest {
			return r.version
		}
	}
	return ""
}

// entered is when a deployment last entered a state; before all time if never.
func entered(d server.Deployment, state deployer.State) (at time.Time) {
	for _, step := range d.Steps {
		if step.State == state {
			at = step.At
		}
	}
	return at
}

// foreignUntouched: what is not fisherman's is as it was.
func foreignUntouched(f facts) (bad []string) {
	for _, line := range f.before {
		if !slices.Contains(f.after, line) {
			bad = append(bad, fmt.Sprintf("foreign: was %s, is %s", line, strings.Join(f.after, "; ")))
		}
	}
	return bad
}

// onlyExcusedFailures: a fault accounts for each request that failed. Those that failed in the same way are told together.
func onlyExcusedFailures(f facts) (bad []string) {
	alike := map[string][]failure{}
	for _, failed := range f.failures {
		if !outwaited(failed) && !outstayed(failed, f.history) && !slices.ContainsFunc(f.windows, func(w window) bool { return w.covers(failed) }) {
			way := failed.service + ": " + failed.why
			alike[way] = append(alike[way], failed)
		}
	}
	for way, all := range alike {
		first, last := all[0], all[len(all)-1]
		bad = append(bad, fmt.Sprintf("failed: %d requests to %s; the first begun %s and ended after %s, the last begun %s", len(all), way,
			first.begun.Format(precise), first.ended.Sub(first.begun).Round(time.Millisecond), last.begun.Format(precise)))
	}
	return bad
}
