package deployer

import (
	"fmt"
	"regexp"
	"time"
)

var (
	digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	tagForm    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`) // OCI distribution spec, "tag"
)

// Deploy deploys a tag or digest of the service's image, or with an empty reference the service's own tag. A person's
// word is exempt from order and may run judged digests.
func (d *Deployer) Deploy(service, reference, sender string) (Deployment, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lanes()[service]
	if l == nil {
		return Deployment{}, d.unknown(service)
	}
	c := d.newLocked(l, Cause{Kind: KindManual, Sender: sender}, Queued, time.Now())
	switch {
	case digestForm.MatchString(reference):
		c.Reference, c.Digest = "", reference
	case tagForm.MatchString(reference):
		c.Reference = reference
	case reference != "":
		return Deployment{}, &InvalidError{fmt.Sprintf("%q is neither a tag nor a digest (sha256: and 64 hex digits) of %s", reference, l.service().Image)}
	}
	return d.askLocked(l, c)
}

// Rollback deploys the release of an earlier deployment that succeeded: the one named, else the newest one before the
// live release.
func (d *Deployer) Rollback(service, to, sender string) (Deployment, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lanes()[service]
	if l == nil {
		return Deployment{}, d.unknown(service)
	}
	target, err := d.rollbackTargetLocked(l, to)
	if err != nil {
		return Deployment{}, err
	}
	c := d.newLocked(l, Cause{Kind: KindRollback, Sender: sender}, Queued, time.Now())
	c.From, c.Digest, c.Commit, c.Reference = target.origin(), target.Digest, target.Commit, target.Reference
	c.Message, c.Author = target.Message, target.Author
	return d.askLocked(l, c)
}

func (d *Deployer) rollbackTargetLocked(l *lane, to string) (Deployment, error) {
	if to != "" {
		target, err := d.Journal.Deployment(to)
		switch {
		case err != nil:
			return Deployment{}, err
		case target.Service != l.service().Name:
			return Deployment{}, &InvalidError{fmt.Sprintf("deployment %s is of service %s, not of %s", to, target.Service, l.service().Name)}
		case target.State != Succeeded || target.Image != l.service().Image:
			return Deployment{}, &InvalidError{fmt.Sprintf("deployment %s of %s is %s; only one that succeeded can be gone back to", to, target.Image, target.State)}
		}
		return target, nil
	}
	past, err := d.Journal.Succeeded(l.service().Name, releasesKnown)
	if err != nil {
		return Deployment{}, err
	}
	if target := previous(past, l.live, l.service().Image); target != nil {
		return *target, nil
	}
	return Deployment{}, &InvalidError{fmt.Sprintf("%s has no earlier release that succeeded; another one is gone back to by the id of its deployment", l.service().Name)}
}

// previous finds, in deployments newest first, the newest release that succeeded before the live one. Going back twice
// goes back two releases: a rollback stands where the release stands that it went back to.
func previous(past []Deployment, live *Deployment, image string) *Deployment {
	at := ""
	if live != nil {
		at = live.origin()
	}
	for i, p := range past {
		older := live == nil || p.ID < at && p.Digest != live.Digest
		if older && p.State == Succeeded && p.Digest != "" && p.Image == image {
			return &past[i]
		}
	}
	return nil
}

// askLocked accepts what a person asked for. One with a digest is decided now, one with a tag once it is resolved.
func (d *Deployer) askLocked(l *lane, c Deployment) (Deployment, error) {
	p := proposal{at: time.Now()}
	if c.Digest == "" {
		p.tell(c)
	} else {
		d.proposeLocked(&p, l, c)
	}
	if err := d.commitProposalLocked(p, nil); err != nil {
		return Deployment{}, err
	}
	return p.results[0], nil
}

const cancelledOnRequest = "cancelled on request; nothing changed"

// Cancel ends a deployment that has not switched. ErrNotFound, ErrPastSwitch or ErrEnded otherwise.
func (d *Deployer) Cancel(id string) (Deployment, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, err := d.Journal.Deployment(id)
	if err != nil {
		return Deployment{}, err
	}
	l := d.lanes()[known.Service]
	if l == nil || l.job(id) == nil {
		return known, fmt.Errorf("deployment %s %w: %s", id, ErrEnded, known.State)
	}
	j := l.job(id)
	if j.State.Switched() {
		return known, fmt.Errorf("deployment %s is %s, %w; roll back instead", id, j.State, ErrPastSwitch)
	}
	if j.ends {
		return known, fmt.Errorf("deployment %s has failed and is being stopped: it %w", id, ErrEnded)
	}
	p := proposal{at: time.Now()}
	p.stop(j, Ending{Cancelled, cancelledOnRequest})
	if err := d.commitProposalLocked(p, nil); err != nil {
		return Deployment{}, err
	}
	return d.Journal.Deployment(id)
}
