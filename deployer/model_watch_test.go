package deployer_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"fisherman/deployer"
)

// watch checks what must be so at any moment.
func (w *world) watch() {
	calm := w.calm()
	for _, s := range w.services {
		w.watchUnwell(s, calm)
		live := w.road.Live()[s.Name]
		if live == "" {
			continue
		}
		shifting := w.isShifting(s)
		var wrongs []string
		if !shifting {
			wrongs = w.astray(s)
		}
		if !w.release(live).Up(s.Replicas) {
			wrongs = append(wrongs, fmt.Sprintf("%s: the live release %s does not run", s.Name, live))
		}
		if n := len(w.release(live).Replicas); n != s.Replicas {
			wrongs = append(wrongs, fmt.Sprintf("%s: the live release %s has %d replicas", s.Name, live, n))
		}
		w.mu.Lock()
		marred := w.marred[live]
		if len(wrongs) == 0 && !shifting && marred && !w.ice && !w.sick[live] {
			delete(w.marred, live)
		}
		w.mu.Unlock()
		if !marred {
			for _, why := range wrongs {
				w.wrong("though no fault has hit it, at %.3fs: %s", time.Since(w.begun).Seconds(), why)
			}
		}
	}
}

// calm is how long nothing has happened to the engine, the disk or the process.
func (w *world) calm() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]bool{}
	last := time.Duration(0)
	for _, f := range w.facts {
		switch {
		case f.what == fault && f.release == "":
			out[f.text] = true
		case f.what == mended:
			delete(out, f.text)
		case f.what != begun && f.what != pointed && f.what != fault:
			continue
		}
		last = f.at
	}
	if len(out) > 0 {
		return 0
	}
	return time.Since(w.begun) - last
}

// quiet is how long no deployment of a service has moved.
func (w *world) quiet(service string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range slices.Backward(w.facts) {
		if f.what == written && f.service == service {
			return time.Since(w.begun) - f.at
		}
	}
	return time.Since(w.begun)
}

// madeWay reports whether a release has been stopped for one that is on its way.
func (w *world) madeWay(service, id string) bool {
	coming := map[string]bool{}
	for _, d := range w.active() {
		coming[d.ID] = d.Service == service && (d.State == deployer.Starting || d.State == deployer.Verifying || d.State.Switched())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range slices.Backward(w.facts) {
		if f.what == written && coming[f.release] && f.deployment.State == deployer.Starting {
			return false // since then nobody has
		}
		if f.what == halted && f.release == id {
			return slices.Contains(slices.Collect(maps.Values(coming)), true)
		}
	}
	return false
}

// watchUnwell sees that a replica that has been sick for long gets no requests, and that those of a `recreate` service
// wait while its live release is stopped for the next one.
func (w *world) watchUnwell(s deployer.Service, calm time.Duration) {
	live := w.release(w.road.Live()[s.Name])
	if calm > time.Minute && w.sick[live.ID] && len(s.Routes) > 0 && !w.road.isPaused(s.Name) && live.Replicas[0].Running && w.ill[live.Replicas[0].Container] &&
		strings.Contains(w.road.table(s.Name), live.Replicas[0].Address+":") {
		w.wrong("at %.3fs: a replica of %s has been sick for %s and still gets requests", time.Since(w.begun).Seconds(), live.ID, calm)
	}
	coming := slices.ContainsFunc(w.active(), func(d deployer.Deployment) bool {
		return d.Service == s.Name && (d.State == deployer.Starting || d.State == deployer.Verifying || d.State.Switched())
	})
	late := s.Health.Deadline + time.Minute // what is given back may take its time to get well
	if calm > late && !coming && live.Up(1) && w.road.isPaused(s.Name) && w.quiet(s.Name) > late {
		w.wrong("at %.3fs: the requests of %s are held back, and nothing takes its place", time.Since(w.begun).Seconds(), live.ID)
	}
	if s.Strategy == deployer.Recreate && w.madeWay(s.Name, live.ID) && live.ID != "" && !live.Up(1) && live.Replicas[0].Ended == "was stopped" &&
		!w.process.dead() && w.process.Ready() == nil && !w.road.isPaused(s.Name) && len(s.Routes) > 0 {
		w.wrong("at %.3fs: %s is stopped for the next release, and its requests are not held back", time.Since(w.begun).Seconds(), live.ID)
	}
}
