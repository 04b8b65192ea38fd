package config

import "fisherman/deployer"

// checkReplacing looks at what each service asks of the moment when its release is replaced.
func (d *draft) checkReplacing(r *reader) {
	for _, s := range d.drafts {
		s.checkBake(r)
		s.checkVolumes(r)
		s.checkTargets(r)
		s.checkOnePort(r)
		s.checkFiles(r)
		s.checkCapabilities(r)
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
	for _, v := range s.volumes {
		text := v.at.node.Value
		if v.is.Target != "" && !v.is.ReadOnly && s.strategy.implied {
			r.report(v.at, text, "can be written, and by default a new release starts beside the old one: two processes would write "+
				"it at once, which destroys a database that expects to be alone; write `strategy: recreate` (the old one is stopped "+
				"first), `strategy: blue-green` if the app can stand it, or `%s:ro` if it only reads", text)
		}
	}
}

// checkTargets: only one thing can be mounted in one place.
func (s serviceDraft) checkTargets(r *reader) {
	taken := map[string]string{}
	claim := func(target string, at value) {
		switch first, twice := taken[target]; {
		case target == "":
			// It has a problem already.
		case twice:
			r.report(at, at.node.Value, "`%s` is the target of another mount already (%s); remove one", target, first)
		default:
			taken[target] = at.path
		}
	}
	for _, v := range s.volumes {
		claim(v.is.Target, v.at)
	}
	for _, t := range s.tmpfs {
		claim(t.is.Target, t.at)
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
