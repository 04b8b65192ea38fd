package deployer_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"fisherman/deployer"
)

// recently is how long a fault may go on to be felt.
const recently = 30 * time.Second

// setConfigured keeps in mind which services there are from now on, and which routes.
func (w *world) setConfigured(services []deployer.Service) {
	active := w.active()
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.configured
	w.configured, w.hosts = map[string]time.Duration{}, map[string]bool{}
	for _, s := range services {
		since, known := before[s.Name]
		if !known {
			since = time.Since(w.begun)
		}
		w.configured[s.Name] = since
		for _, r := range s.Routes {
			w.hosts[r.Host+r.Prefix] = true
		}
	}
	for _, d := range active {
		if _, in := w.configured[d.Service]; !in {
			w.orphans[d.ID] = true
		}
	}
	maps.DeleteFunc(w.owed, func(key string, _ bool) bool { return !w.hosts[key] })
}

// isOrphan reports whether a deployment was on its way when its service left: it has ended, though the journal may say so later.
func (w *world) isOrphan(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.orphans[id]
}

// harm says that a fault hits a release.
func (w *world) harm(id string) {
	w.mar(id)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.harmed[id] = time.Since(w.begun)
}

func (w *world) setSick(id, container string, sick bool) {
	w.harm(id)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sick[id] = sick
	w.ill[container] = sick
}

// hasten has the engine take no more time than it needs.
func (w *world) hasten() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.brisk = true
}

// dawdle has the engine take so long before it looks for the next listing.
func (w *world) dawdle(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dawdles = d
}

// dawdled is what there is of that.
func (w *world) dawdled() (d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, w.dawdles = w.dawdles, 0
	return d
}

// endAddresses keeps in mind where a process has had ended what ran, if it was. The next process cannot know that.
func (w *world) endAddresses(process int, id string, replicas []deployer.Replica) {
	left := addressesOf(w.release(id))
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range replicas {
		if r.Running && !slices.Contains(left, r.Address) {
			w.ended[r.Address] = process
		}
	}
}

// doubt sees, at the moment when the deployer asks for it, that what is to end is not needed: it is not what its service's traffic
// went to last, also while that is held back, unless it makes way, and it is not on its way.
func (w *world) doubt(what happening, id string) {
	r := w.release(id)
	if !r.Up(1) || w.process.dead() {
		return
	}
	coming, makesWay := false, false
	for _, d := range w.active() {
		starts := d.Service == r.Service && (d.State == deployer.Starting || d.State == deployer.Verifying || d.State == deployer.Switching)
		coming = coming || starts && d.ID == id && !w.isOrphan(id)
		makesWay = makesWay || starts && d.ID != id && what == halted && serviceOf(w.cast, r.Service).Strategy == deployer.Recreate
	}
	w.mu.Lock()
	since, in := w.configured[r.Service]
	at, live := time.Since(w.begun), w.last[r.Service]
	w.mu.Unlock()
	switch {
	case !in || since == at: // in this very moment
	case live == id && !makesWay:
		w.wrong("at %.3fs: %s is to %s, and it is what %s is served by", at.Seconds(), id, what, r.Service)
	case coming && what == retired:
		w.wrong("at %.3fs: %s is to be removed, and it is on its way", at.Seconds(), id)
	}
}

// moved sees that no host is nobody's for a moment which a service has, and that nothing gets requests which this process has had
// stopped. A host that nobody had in the configuration meanwhile was free to go, and what is held back is not served.
func (w *world) moved(before, after map[string]map[string][]string, paused map[string]bool) {
	up := map[string]string{} // address → release
	for _, r := range w.releases() {
		for _, replica := range r.Replicas {
			if replica.Running {
				up[replica.Address] = r.ID
			}
		}
	}
	owner := map[string]string{}
	for service, routes := range after {
		for key := range routes {
			owner[key] = service
		}
	}
	for service, routes := range before {
		for key, to := range routes {
			id := firstUp(to, up)
			if next := owner[key]; !paused[service] && w.serves(service, id, key) && firstUp(after[next][key], up) == "" && !w.isHarmed(id, w.lastOf(next)) {
				w.wrong("at %.3fs: %s was served by %s of %s, and is nobody's: %q has %v", time.Since(w.begun).Seconds(), key, id, service, next, after[next])
			}
		}
	}
	for service, routes := range after {
		for key, to := range routes {
			for _, address := range to {
				if !slices.Contains(before[service][key], address) && w.hasEnded(address) {
					w.wrong("at %.3fs: requests for %s go to %s of %s, which was stopped", time.Since(w.begun).Seconds(), key, address, service)
				}
			}
			if firstUp(to, up) != "" && !slices.Equal(before[service][key], to) {
				w.owe(key)
			}
		}
	}
}

// owe says that a host is served.
func (w *world) owe(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hosts[key] {
		w.owed[key] = true
	}
}

// firstUp is the first release among those at some addresses that runs.
func firstUp(addresses []string, up map[string]string) string {
	for _, a := range addresses {
		host, _, _ := strings.Cut(a, ":")
		if id := up[host]; id != "" {
			return id
		}
	}
	return ""
}

// serves reports whether a release serves a route well, and is to go on until another one does.
func (w *world) serves(service, id, key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, in := w.configured[service]
	return in && id != "" && !w.sick[id] && w.owed[key]
}

func (w *world) lastOf(service string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last[service]
}

func (w *world) isHarmed(ids ...string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(ids, func(id string) bool {
		at, harmed := w.harmed[id]
		return harmed && time.Since(w.begun)-at < recently
	})
}

func (w *world) hasEnded(address string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	host, _, _ := strings.Cut(address, ":")
	return w.processes > 0 && w.ended[host] == w.processes
}
