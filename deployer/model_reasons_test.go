package deployer_test

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"fisherman/deployer"
)

// reasonsAreTrue: a deployment that gave way names another one of its service; one that changed nothing names what is
// live or on its way with the same digest; a cancelled one was cancelled, or waited for half an hour; one that was
// switched back had been hit by something.
func reasonsAreTrue(history []fact, _ []deployer.Service) (wrongs []string) {
	now, hit := map[string]deployer.Deployment{}, map[string]bool{}
	left, last := departed(history), map[string]string{} // what each service's traffic went to last
	for _, f := range history {
		f.live = cmp.Or(f.live, last[f.service]) // the routes of one that came back may have yet to be written
		switch f.what {
		case pointed:
			last[f.service] = f.release
		case asking, fault:
			hit[f.release] = true
		case written:
			now[f.release] = f.deployment
			gone := left[f.release] && f.deployment.Reason == "the service is no longer in the configuration"
			if f.deployment.State.Ended() && !gone && !reasonHolds(f, now, hit) {
				wrongs = append(wrongs, fmt.Sprintf("%s is %s because of %q; live is %s", f.release, f.deployment.State, f.deployment.Reason, f.live))
			}
		}
	}
	return wrongs
}

func reasonHolds(f fact, now map[string]deployer.Deployment, hit map[string]bool) bool {
	d := f.deployment
	switch d.State {
	case deployer.Unchanged:
		other := now[lastWord(d.Reason)]
		isLive := strings.Contains(d.Reason, "is live already") && other.ID == f.live
		onItsWay := strings.Contains(d.Reason, "is on its way already") && !other.State.Ended()
		return other.Digest == d.Digest && other.Service == d.Service && (isLive || onItsWay)
	case deployer.Superseded:
		return givesWay(f, now)
	case deployer.Cancelled:
		there := now[f.live].Commit == d.Commit && now[f.live].FinishedAt.After(d.CreatedAt) // while it waited
		late := strings.HasPrefix(d.Reason, "no image for "+d.Commit) && d.FinishedAt.Sub(d.CreatedAt) >= 30*time.Minute && !there
		return late || strings.HasPrefix(d.Reason, "cancelled on request") && hit[d.ID]
	case deployer.RolledBack:
		return strings.Contains(d.Reason, "switched back to") && (hit[d.ID] || hit[""])
	}
	return true
}

// lastWord is the deployment that a reason ends with.
func lastWord(reason string) string {
	return strings.TrimSuffix(reason[strings.LastIndexByte(reason, ' ')+1:], ")")
}

// givesWay reports whether the one that a reason names is there: on its way, live, or at its end in the same moment.
func givesWay(f fact, now map[string]deployer.Deployment) bool {
	if other, known := now[lastWord(f.deployment.Reason)]; known {
		return other.Service == f.service && other.ID != f.release
	}
	for _, other := range now {
		there := other.ID == f.live || !other.State.Ended()
		if there && other.ID != f.release && other.Service == f.service && strings.Contains(f.deployment.Reason, "older than "+nameOf(other)) {
			return true
		}
	}
	return strings.Contains(f.deployment.Reason, "(deployment ") // the newer one is written in the same change
}

// nameOf is what reasons call a deployment.
func nameOf(d deployer.Deployment) string {
	switch {
	case d.Commit != "":
		return "commit " + d.Commit[:7]
	case d.Digest != "":
		return fmt.Sprintf("digest %.19s", d.Digest)
	}
	return "deployment " + d.ID
}
