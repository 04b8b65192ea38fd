package deployer_test

import (
	"fmt"
	"strings"

	"fisherman/deployer"
)

// invariant says what of a history should not have happened.
type invariant func(history []fact, services []deployer.Service) []string

func invariants() map[string]invariant {
	return map[string]invariant{
		"states follow the table":                      alongTheTable,
		"endings are true":                             endedTruthfully,
		"reasons are true":                             reasonsAreTrue,
		"newer is not replaced by older":               inOrder,
		"what is judged does not come back by itself":  judgedStaysAway,
		"only what was verified gets traffic":          onlyVerified,
		"drained before it is stopped":                 drainedFirst,
		"recreate runs one release at a time":          oneAtATime,
		"a cancelled deployment ends soon":             cancelledSoon,
		"news of a service is told once":               toldOnce,
		"nothing starts before its `before` has ended": preparedFirst,
		"`after` follows the switch, once":             concludedOnce,
	}
}

// lives are the values of each deployment, in order.
func lives(history []fact) map[string][]fact {
	all := map[string][]fact{}
	for _, f := range history {
		if f.what == written {
			all[f.release] = append(all[f.release], f)
		}
	}
	return all
}

// table reads the transitions that the documents show.
func table() (steps map[[2]string]bool, restarts map[string]bool) {
	steps, restarts = map[[2]string]bool{}, map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(deployer.Diagram()), "\n") {
		from, to, _ := strings.Cut(line, "→")
		if names, is := strings.CutPrefix(from, "after a restart only:"); is {
			for _, name := range strings.Split(names, ",") {
				restarts[strings.TrimSpace(name)] = true
			}
			continue
		}
		for _, name := range strings.Split(to, "|") {
			steps[[2]string{strings.TrimSpace(from), strings.TrimSpace(name)}] = true
		}
	}
	return steps, restarts
}

func alongTheTable(history []fact, _ []deployer.Service) (wrongs []string) {
	steps, restarts := table()
	for id, values := range lives(history) {
		if first := values[0].deployment; first.Steps[0].State != deployer.Waiting && first.Steps[0].State != deployer.Queued {
			wrongs = append(wrongs, fmt.Sprintf("%s began as %s", id, first.State))
		}
		entered := values[0]
		for _, f := range values[1:] {
			passed := f.deployment.Steps
			for i := len(entered.deployment.Steps); i < len(passed); i++ {
				from, to := passed[i-1].State, passed[i].State
				again := to == deployer.Queued && restarts[string(from)] && f.process > entered.process
				if !again && !steps[[2]string{string(from), string(to)}] {
					wrongs = append(wrongs, fmt.Sprintf("%s went from %s to %s", id, from, to))
				}
				entered = f
			}
			if last := passed[len(passed)-1].State; last != f.deployment.State {
				wrongs = append(wrongs, fmt.Sprintf("%s is %s, and its last step was %s", id, f.deployment.State, last))
			}
		}
	}
	return wrongs
}

// departed are the deployments that were on their way at a time when their service was not in the configuration. Whoever had to
// end them then may not have been able to before it came back.
func departed(history []fact) map[string]bool {
	left, active, names := map[string]bool{}, map[string]string{}, ""
	for _, f := range history {
		switch {
		case f.what == reshaped:
			names = f.text
		case f.what == written && f.deployment.State.Ended():
			delete(active, f.release)
		case f.what == written:
			active[f.release] = f.service
		}
		for id, service := range active {
			left[id] = left[id] || names != "" && !strings.Contains(names, " "+service+" ")
		}
	}
	return left
}

// endedTruthfully: what succeeded was live, what failed or was called off never was, what was taken back had been.
func endedTruthfully(history []fact, _ []deployer.Service) (wrongs []string) {
	wasLive, left := map[string]bool{}, departed(history)
	for _, f := range history {
		if f.what == pointed {
			wasLive[f.release] = true
		}
		if f.what != written || !f.deployment.State.Ended() {
			continue
		}
		d, is := f.deployment, f.live == f.release
		var should bool
		switch d.State {
		case deployer.Succeeded:
			should = (is || wasLive[d.ID] && left[d.ID]) && d.Digest != "" && d.Reason == ""
		case deployer.RolledBack:
			should = wasLive[d.ID] && !is && d.Reason != ""
		default:
			should = !wasLive[d.ID] && d.Reason != ""
		}
		if !should || d.FinishedAt.IsZero() {
			wrongs = append(wrongs, fmt.Sprintf("%s ended as %s (%q); it has been live: %v, it is: %v", d.ID, d.State, d.Reason, wasLive[d.ID], is))
		}
	}
	return wrongs
}
