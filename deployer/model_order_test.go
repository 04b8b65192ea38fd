package deployer_test

import (
	"cmp"
	"fmt"
	"strconv"

	"fisherman/deployer"
)

// inOrder: an automatic deployment does not replace what a person put there after it was asked for, nor a commit that was
// pushed later. What had been delivered when it started counts, where no push is missing.
func inOrder(history []fact, _ []deployer.Service) (wrongs []string) {
	now, knew, pushes := map[string]deployer.Deployment{}, map[string]map[string]int{}, map[string]map[int]string{}
	for _, f := range history {
		switch f.what {
		case pushKnown:
			t := f.trigger
			if pushes[t.Repository] == nil {
				pushes[t.Repository] = map[int]string{}
			}
			number, _ := strconv.Atoi(t.Message)
			pushes[t.Repository][number] = t.After
		case written:
			now[f.release] = f.deployment
			if f.deployment.State == deployer.Starting {
				knew[f.release] = positions(pushes[f.deployment.Repository])
			}
		case pointed:
			next, before := now[f.release], now[f.before]
			if f.before == "" || f.before == f.release || next.State != deployer.Switching || deliberate(next) || next.From != "" {
				continue
			}
			a, knownA := knew[f.release][next.Commit]
			b, knownB := knew[f.release][before.Commit]
			older := deliberate(before) && next.Arrival < before.Arrival || !deliberate(before) && knownA && knownB && a < b
			if older {
				wrongs = append(wrongs, fmt.Sprintf("%s (commit %.7s) replaced %s (commit %.7s)", next.ID, next.Commit, before.ID, before.Commit))
			}
		}
	}
	return wrongs
}

func deliberate(d deployer.Deployment) bool {
	return d.Cause.Kind == deployer.KindManual || d.Cause.Kind == deployer.KindRollback
}

// positions is when each commit became the branch's head for the last time; nothing is known when a push is missing.
func positions(pushes map[int]string) map[string]int {
	at := map[string]int{}
	for number := 1; number <= len(pushes); number++ {
		after, there := pushes[number]
		if !there {
			return nil
		}
		at[after] = number
	}
	return at
}

// judgedStaysAway: what a look-up or a start deploys has not been judged, unless it is what was live and is lost.
func judgedStaysAway(history []fact, services []deployer.Service) (wrongs []string) {
	now, judged, tags := map[string]deployer.Deployment{}, map[[2]string]bool{}, map[string]string{}
	last := map[string]string{} // what each service's traffic went to
	for _, f := range history {
		switch f.what {
		case delivered:
			tags[f.trigger.Delivery] = f.trigger.Tag
		case pointed:
			last[f.service] = f.release
		}
		if f.what != written {
			continue
		}
		d, key := f.deployment, [2]string{f.service, f.deployment.Digest}
		if fresh := d.Digest != "" && now[d.ID].Digest == ""; fresh && byItself(d, tags) && judged[key] {
			lost := d.From != "" && now[cmp.Or(f.live, last[f.service])].Digest == d.Digest
			if !lost {
				wrongs = append(wrongs, fmt.Sprintf("%s (%s) brings %.19s back", d.ID, d.Cause, d.Digest))
			}
		}
		now[d.ID] = d
		if d.State.Judges() {
			judged[key] = true
		}
	}
	return wrongs
}

// byItself reports whether a digest came from a look-up or a start, and not from a person or a delivery that names it.
func byItself(d deployer.Deployment, tags map[string]string) bool {
	return d.Cause.Kind == deployer.KindReconcile || d.Cause.Kind == deployer.KindPush ||
		d.Cause.Kind == deployer.KindPackage && tags[d.Cause.Delivery] != "latest"
}
