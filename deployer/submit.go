package deployer

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Submit takes a verified webhook. Everything it leads to is on disk when it returns; nothing is deployed inside it.
// An error means that the journal could not be written and nothing was accepted.
func (d *Deployer) Submit(t Trigger) (Receipt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, err := d.seenLocked(t); err != nil || known != nil {
		return Receipt{Deployments: known, Duplicate: known != nil}, err
	}
	p := proposal{at: time.Now(), orders: map[string]Order{}}
	for _, l := range d.lanesOf(t.Repository) {
		switch t.Kind {
		case KindPush:
			d.pushLocked(&p, l, t)
		case KindPackage:
			d.packageLocked(&p, l, t)
		}
	}
	if len(p.results) == 0 && p.ignored == nil {
		p.ignore("no service follows repository %s", t.Repository)
	}
	var delivery *Delivery
	if len(p.results) > 0 {
		delivery = &Delivery{Repository: t.Repository, ID: t.Delivery, Deployments: p.ids(), At: p.at}
	}
	if err := d.commitProposalLocked(p, delivery); err != nil {
		return Receipt{}, err
	}
	return Receipt{Deployments: p.results, Ignored: strings.Join(p.ignored, "; ")}, nil
}

// proposal gathers what one trigger leads to, over all its services, so that it is committed whole.
type proposal struct {
	at      time.Time
	changed []Deployment
	results []Deployment // what the sender is told
	orders  map[string]Order
	lookups []Lookup
	stops   []*job // running, and told to end
	ignored []string
}

func (p *proposal) ignore(format string, args ...any) {
	if reason := fmt.Sprintf(format, args...); !slices.Contains(p.ignored, reason) {
		p.ignored = append(p.ignored, reason)
	}
}

func (p *proposal) ids() []string {
	ids := make([]string, len(p.results))
	for i, r := range p.results {
		ids[i] = r.ID
	}
	return ids
}

// seenLocked returns what a delivery led to when it came before.
func (d *Deployer) seenLocked(t Trigger) ([]Deployment, error) {
	ids, known, err := d.Journal.Delivery(t.Repository, t.Delivery)
	if err != nil || !known {
		return nil, err
	}
	seen := make([]Deployment, 0, len(ids))
	for _, id := range ids {
		if before, err := d.Journal.Deployment(id); err == nil {
			seen = append(seen, before)
		}
	}
	return seen, nil
}

// lanesOf are the services of a repository, by name.
func (d *Deployer) lanesOf(repository string) []*lane {
	var lanes []*lane
	for _, l := range d.lanes() {
		if l.service().Repository == repository {
			lanes = append(lanes, l)
		}
	}
	slices.SortFunc(lanes, func(a, b *lane) int { return strings.Compare(a.service().Name, b.service().Name) })
	return lanes
}

// pushLocked lets a deployment wait for the image of a push to the followed branch.
func (d *Deployer) pushLocked(p *proposal, l *lane, t Trigger) {
	if t.Branch != l.service().Follow {
		p.ignore("%s follows branch %s, and this push is to %s", l.service().Name, l.service().Follow, t.Branch)
		if t.Branch == t.DefaultBranch {
			l.about("").Warn().Str("follow", l.service().Follow).Str("pushed", t.Branch).
				Msg("a push to the repository's default branch is not deployed, because the service follows another one")
		}
		return
	}
	order, late := l.order.Push(Link{Before: t.Before, After: t.After, Forced: t.Forced})
	p.orders[l.service().Name] = order
	if known := l.ofCommitLocked(t.After); known != nil && (late || known.underWay() || l.live != nil && known.ID == l.live.ID && !known.pushed()) {
		p.tell(known.attributed(t))
		return
	}
	w := d.newLocked(l, t.cause(), Waiting, p.at).attributed(t)
	w.Commit = t.After
	s := l.standingLocked("")
	s.order = order
	if newer := s.newer(w); newer != nil {
		w = w.moved(Superseded, outrun(w, *newer), p.at)
	}
	p.tell(w)
}

// tell records a new value of a deployment and names it in the answer.
func (p *proposal) tell(d Deployment) {
	p.changed = append(p.changed, d)
	p.results = append(p.results, d)
}

// packageLocked takes an announced image: by its digest when the tag is the service's, else by a look-up of that tag.
func (d *Deployer) packageLocked(p *proposal, l *lane, t Trigger) {
	switch s := l.service(); {
	case t.Image != s.Image:
		p.ignore("%s runs %s, and this package is %s", s.Name, s.Image, t.Image)
	case t.Tag == "":
		p.ignore("an untagged manifest of %s", t.Image)
	case t.Tag != s.Tag:
		p.ignore("%s follows tag %s, and this is %s; looking up whether %s is the same image", s.Name, s.Tag, t.Tag, s.Tag)
		p.lookups = append(p.lookups, Lookup{Service: s.Name, Since: p.at, Trigger: t})
	default:
		p.orders[s.Name] = l.order.See(t.Commit)
		c := d.newLocked(l, t.cause(), Queued, p.at)
		c.Digest, c.Commit = t.Digest, t.Commit
		d.proposeLocked(p, l, c)
	}
}

// proposeLocked applies the decision on a candidate with a digest, not yet on the lane.
func (d *Deployer) proposeLocked(p *proposal, l *lane, c Deployment) {
	s := l.standingLocked("")
	if order, ok := p.orders[l.service().Name]; ok {
		s.order = order
	}
	v := decide(c, s)
	if v.join != "" {
		p.results = append(p.results, l.job(v.join).Deployment)
		return
	}
	if w := l.job(v.takeOver); w != nil {
		c = w.tookOver(c)
	}
	c.Stops = v.stops
	switch {
	case v.end != "":
		c = c.moved(v.end, v.reason, p.at)
	case c.State == Waiting:
		c = c.moved(Queued, "", p.at)
	}
	p.clear(l, c, v)
	p.tell(c)
}

// clear ends the older ones that have not begun, and stops those that run.
func (p *proposal) clear(l *lane, c Deployment, v verdict) {
	for _, id := range slices.Concat(v.supersede, v.stop) {
		j := l.job(id)
		p.stop(j, Ending{Superseded, outrun(j.Deployment, c)})
	}
}

// bring ends the pushes that wait for the very commit that is on its way.
func (p *proposal) bring(l *lane, c Deployment) {
	for _, j := range l.active {
		known := slices.ContainsFunc(p.changed, func(d Deployment) bool { return d.ID == j.ID })
		if j.State == Waiting && j.Commit == c.Commit && c.Commit != "" && !known {
			p.stop(j, Ending{Superseded, outrun(j.Deployment, c)})
		}
	}
}

// outrun is the reason of one that a newer one overtook; it names both.
func outrun(old, newer Deployment) string {
	return fmt.Sprintf("%s gave way to %s (deployment %s)", old.name(), newer.name(), newer.ID)
}

// tookOver is a waiting deployment that has got the candidate's digest: same id, and what the push said of the commit.
func (d Deployment) tookOver(c Deployment) Deployment {
	d.Digest, d.Arrival, d.Cause = c.Digest, c.Arrival, c.Cause
	if c.Commit != "" {
		d.Commit = c.Commit
	}
	return d
}

// attributed adds what a push says of its commit.
func (d Deployment) attributed(t Trigger) Deployment {
	d.Message, d.Author = clip(t.Message, maxNote), clip(t.Author, maxNote)
	return d
}

func (t Trigger) cause() Cause { return Cause{Kind: t.Kind, Delivery: t.Delivery, Sender: t.Sender} }

// newLocked is a deployment at its beginning.
func (d *Deployer) newLocked(l *lane, c Cause, state State, at time.Time) Deployment {
	arrival := d.nextArrivalLocked()
	return Deployment{
		ID: d.NewID(time.Unix(0, arrival)), Service: l.service().Name, Image: l.service().Image, Reference: l.service().Tag,
		Repository: l.service().Repository, Cause: c, CreatedAt: at.UTC(), Arrival: arrival,
	}.entered(state, "", at)
}

// job finds an active deployment.
func (l *lane) job(id string) *job {
	if i := slices.IndexFunc(l.active, func(j *job) bool { return j.ID == id }); i >= 0 {
		return l.active[i]
	}
	return nil
}

// pushed reports whether the deployment began with a push.
func (d Deployment) pushed() bool { return len(d.Steps) > 0 && d.Steps[0].State == Waiting }

// ofCommitLocked finds the deployment of a commit among those that are active, live or recent.
func (l *lane) ofCommitLocked(commit string) *Deployment {
	for _, j := range l.active {
		if j.Commit == commit {
			return &j.Deployment
		}
	}
	if l.live != nil && l.live.Commit == commit {
		return l.live
	}
	recent, err := l.d.Journal.Deployments(l.service().Name, 20)
	if err != nil {
		return nil // then the push waits like any other
	}
	if i := slices.IndexFunc(recent, func(d Deployment) bool { return d.Commit == commit && !d.pushed() }); i >= 0 {
		return &recent[i]
	}
	return nil
}
