package proxy

import "time"

// keepLocked has hosts ask for what is asked for still by routes that others serve, and show what they showed, and adds those that
// are gone from the configuration and have routes.
func (v *vault) keepLocked(hosts map[string]*tlsHost, live *table) {
	for name, routes := range live.hosts {
		switch was, is := v.hosts[name], hosts[name]; {
		case was == nil:
		case is == nil:
			kept := *was
			kept.kept = true
			hosts[name] = &kept
		default:
			is.keep(was, routes)
		}
	}
	for name, h := range hosts {
		h.lent = h.isLent(live.hosts[name])
	}
}

// remember keeps what the route file says that clients must show. Until SetTLS says where to look nobody can.
func (v *vault) remember(live *table) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for name, routes := range live.hosts {
		h := &tlsHost{}
		for _, r := range routes {
			if asked := r.release.entry.ClientCAs[r.key()]; asked != "" {
				h.lease(r, asked)
			}
		}
		if h.isMutual() {
			v.hosts[name] = h
		}
	}
	v.renewLocked()
}

// moved ends the leases of routes that are with those whose they are, and what was kept of hosts for routes that are gone.
func (v *vault) moved(live *table) {
	if !v.ring.Load().passes {
		return // as nearly always
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for name, was := range v.hosts {
		switch is := was.without(live.hosts[name]); {
		case was.kept && len(live.hosts[name]) == 0:
			delete(v.hosts, name)
			v.failLocked(name, failures{})
		case is == was:
		case is.isMutual() || len(is.routes) > 0:
			v.hosts[name] = is
		default: // nobody has configured it
			delete(v.hosts, name)
		}
	}
	v.watchLocked()
	v.renewLocked()
	v.assessLocked(time.Now())
	offer(v.changed)
}
