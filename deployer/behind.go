package deployer

import "slices"

// Behind lists by service what could not bring it to the configuration in force, where nothing but a person or another image will
// try again: what could not be deployed with a configuration is tried once. What is on its way is not among them.
func (d *Deployer) Behind() (all []Deployment, err error) {
	for _, s := range d.Configured() {
		if l := d.lanes()[s.Name]; l != nil && !l.isAsConfigured() {
			recent, err := d.Journal.Deployments(s.Name, 50)
			if err != nil {
				return nil, err
			}
			all = append(all, l.behind(recent)...)
		}
	}
	return all, nil
}

// isAsConfigured reports whether what is live is just what the configuration says, as nearly always: the journal need not be asked then.
func (l *lane) isAsConfigured() bool {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	s, live := l.service(), l.live
	return live != nil && live.Image == s.Image && live.Reference == s.Tag && s.made(live.Spec)
}

// behind is that deployment of a service, of those that are recent; none where it is what the configuration says.
func (l *lane) behind(recent []Deployment) []Deployment {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if l.removed || l.service().Lacks != "" || l.busyLocked() {
		return nil
	}
	i := slices.IndexFunc(recent, l.failedForLocked)
	if i < 0 {
		return nil
	}
	return recent[i : i+1]
}

// failedForLocked reports whether a deployment has failed with what the configuration asks for, and what is live is not that.
func (l *lane) failedForLocked(d Deployment) bool {
	s, live := l.service(), l.live
	switch {
	case d.State != Failed && d.State != RolledBack || d.Image != s.Image:
		return false
	case live == nil || live.Image != s.Image:
		return true
	case live.Reference != s.Tag && d.Reference == s.Tag && d.Cause.Kind == KindReconcile && d.Arrival > live.Arrival:
		return true
	}
	return !s.made(live.Spec) && d.Spec == s.Spec() && l.isRefusalLocked(d)
}
