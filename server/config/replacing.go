package config

import "fisherman/deployer"

// checkReplacing looks at what each service asks of the moment when its release is replaced.
func (d *draft) checkReplacing(r *reader) {
	for _, s := range d.drafts {
		s.checkBake(r)
		s.checkVolumes(r)
		s.checkOnePort(r)
	}
}

func (s serviceDraft) checkBake(r *reader) {
	if s.Bake > 0 && s.Strategy == deployer.Recreate {
		r.report(s.bake, s.bake.node.Value, "goes with `strategy: blue-green` only, and service %s has `recreate`: the old release is stopped "+
			"before the new one starts, so there is nothing to go back to; remove one of the two", s.Name)
	}
}

// checkVolumes: with the usual strategy two releases run side by side for a while. Whether an app can stand that on one
// volume only its owner knows, so the choice has to be written down.
func (s serviceDraft) checkVolumes(r *reader) {
	targets := map[string]string{}
	for _, v := range s.volumes {
		if v.is.Target == "" {
			continue // it has a problem already
		}
		text := v.at.node.Value
		if first, twice := targets[v.is.Target]; twice {
			r.report(v.at, text, "`%s` is the target of another volume already (%s); remove one", v.is.Target, first)
			continue
		}
		targets[v.is.Target] = v.at.path
		if !v.is.ReadOnly && s.strategy.implied {
			r.report(v.at, text, "can be written, and by default a new release starts beside the old one: two processes would write "+
				"it at once, which destroys a database that expects to be alone; write `strategy: recreate` (the old one is stopped "+
				"first), `strategy: blue-green` if the app can stand it, or `%s:ro` if it only reads", text)
		}
	}
}

// checkOnePort: Docker publishes a port of the machine to one container at a time.
func (s serviceDraft) checkOnePort(r *reader) {
	if len(s.ports) == 0 {
		return
	}
	if s.Strategy == deployer.BlueGreen {
		r.report(s.allPorts, "", "needs `strategy: recreate` on service %s: two containers cannot hold the same port, so the old one "+
			"has to stop before the new one starts", s.Name)
	}
	if s.Replicas > 1 {
		r.report(s.allPorts, "", "needs `replicas: 1` on service %s, which has %d: two containers cannot hold the same port",
			s.Name, s.Replicas)
	}
}
