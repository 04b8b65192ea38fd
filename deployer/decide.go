package deployer

import (
	"fmt"
	"slices"
)

// patience is how many deployments in a row may be stopped for newer ones; the next one runs to its end, so that a
// branch pushed to all day is deployed all the same.
const patience = 2

// standing is what a candidate meets: all that its service's decisions depend on.
type standing struct {
	live   *Deployment  // nil when nothing is live
	spec   bool         // today's configuration is the one that made the live release
	active []Deployment // not ended, in the order of acceptance, without the candidate
	order  Order
}

// verdict is what becomes of a candidate and of those it meets.
type verdict struct {
	join      string   // its digest is on its way already: this deployment's id
	takeOver  string   // the waiting deployment whose id it takes
	end       State    // Unchanged or Superseded: it ends here; empty: it is accepted
	reason    string   // why it ends
	supersede []string // older ones, waiting or queued, that end
	stop      []string // older ones, running but not yet switching, that are stopped
	stops     int      // how many have been stopped in a row, itself not counted
}

// decide applies the table "The candidate meets" to a deployment whose digest is known.
func decide(c Deployment, s standing) verdict {
	v := verdict{takeOver: s.waitingFor(c)}
	if id := s.onItsWay(c); id != "" {
		return verdict{join: id}
	}
	isLive := s.live != nil && s.live.Digest == c.Digest && s.spec
	if newer := s.newer(c); newer != nil && !isLive {
		v.end, v.reason = Superseded, fmt.Sprintf("%s is older than %s, which %s", c.name(), newer.name(), newer.standing())
		return v
	}
	blocked := s.makeRoom(c, &v)
	if isLive && !blocked {
		v.end, v.reason = Unchanged, fmt.Sprintf("%.19s is live already, as deployment %s", c.Digest, s.live.ID)
	}
	return v
}

// onItsWay finds the one that brings the candidate's digest already. A person means the last word: one that others have
// been accepted after does not have it.
func (s standing) onItsWay(c Deployment) string {
	for _, d := range slices.Backward(s.active) {
		switch {
		case !d.underWay():
		case d.Digest == c.Digest && d.fits(c):
			return d.ID
		case c.Cause.deliberate():
			return ""
		}
	}
	return ""
}

// makeRoom lists the older ones that end for the candidate; blocked reports that one of them runs to its end first.
func (s standing) makeRoom(c Deployment, v *verdict) (blocked bool) {
	for _, d := range s.active {
		switch {
		case d.ID == v.takeOver || !s.after(c, d):
		case d.State == Waiting || d.State == Queued:
			v.supersede = append(v.supersede, d.ID)
			v.stops = max(v.stops, d.Stops)
		case !d.State.Switched() && d.Stops < patience:
			v.stop = append(v.stop, d.ID)
			v.stops = max(v.stops, d.Stops+1)
		default:
			blocked = true
		}
	}
	return blocked
}

// waitingFor finds the waiting deployment the candidate takes over: that of its commit or, where the event names
// none, the newest.
func (s standing) waitingFor(c Deployment) string {
	if c.Cause.Kind != KindPush && c.Cause.Kind != KindPackage {
		return ""
	}
	for _, d := range slices.Backward(s.active) {
		if d.State == Waiting && (d.Commit == c.Commit || c.Commit == "") {
			return d.ID
		}
	}
	return ""
}

// newer finds what is live or on its way with a digest, and newer than the candidate.
func (s standing) newer(c Deployment) *Deployment {
	for i, d := range s.active {
		if d.underWay() && d.Digest != "" && s.after(d, c) {
			return &s.active[i]
		}
	}
	if s.live != nil && s.after(*s.live, c) {
		return s.live
	}
	return nil
}

// after reports whether a comes after b: a person's word comes after all that was there before it, then the order of
// pushes counts, then arrival.
func (s standing) after(a, b Deployment) bool {
	later := a.Arrival > b.Arrival
	if later && a.Cause.deliberate() || !later && b.Cause.deliberate() {
		return later
	}
	if sign, known := s.order.Compare(a.Commit, b.Commit); known && sign != 0 {
		return sign > 0
	}
	return later
}

// standing says where a deployment is, for a reason.
func (d Deployment) standing() string {
	if d.State.Ended() {
		return "is live"
	}
	return "is on its way"
}

// fits reports whether what the deployment makes run is what the candidate wants to run. What has not begun to make it takes
// the configuration of that moment.
func (d Deployment) fits(c Deployment) bool { return d.Spec == "" || c.Spec == "" || d.Spec == c.Spec }
