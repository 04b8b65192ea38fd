package deployer_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"fisherman/deployer"
)

// unsettled says what is not as it must be once nothing happens any more.
func (w *world) unsettled() []string {
	var all []string
	for _, d := range w.active() {
		all = append(all, fmt.Sprintf("deployment %s of %s is still %s", d.ID, d.Service, d.State))
	}
	for _, l := range w.promises() {
		all = append(all, fmt.Sprintf("the tag of %s has come to %.15s, which was promised to be deployed then", l.Service, l.Trigger.Digest))
	}
	if err := w.process.Ready(); err != nil {
		all = append(all, fmt.Sprintf("not ready: %v", err))
	}
	status, err := w.process.Services(context.Background())
	if err != nil {
		return append(all, fmt.Sprintf("no status: %v", err))
	}
	all = append(all, w.departed()...)
	for i, s := range w.services {
		at := slices.IndexFunc(status, func(st deployer.ServiceStatus) bool { return st.Service.Name == s.Name })
		all = append(all, w.settled(w.services[i], status[at])...)
	}
	return all
}

// settled says what is wrong with a service that nothing happens to.
func (w *world) settled(s deployer.Service, status deployer.ServiceStatus) (wrongs []string) {
	wrong := func(format string, args ...any) { wrongs = append(wrongs, s.Name+": "+fmt.Sprintf(format, args...)) }
	up, live := w.running(s.Name), w.road.Live()[s.Name]
	if good, _ := w.book.Succeeded(s.Name, 1); len(good) == 0 && live == "" {
		if len(up) > 0 {
			wrong("%v run though nothing has succeeded", up)
		}
		if image, untried := w.untried(s); untried {
			wrong("nothing runs, and image %.15s has never been tried", image)
		}
		return wrongs
	}
	if !slices.Equal(up, []string{live}) {
		wrong("%v run, traffic points to %q", up, live)
	}
	if status.State != "running" || status.Live == nil || status.Live.ID != live {
		wrong("its status is %s", status.State)
	}
	if d, err := w.book.Deployment(live); err != nil || d.State != deployer.Succeeded || d.Digest != w.release(live).Digest {
		wrong("what is live, %s, is %s (%v)", live, d.State, err)
	}
	want := s.Replicas
	if w.cannotGrow(s, w.release(live)) {
		want = min(want, len(w.release(live).Replicas))
	}
	if !w.release(live).Up(want) || len(w.release(live).Replicas) != want {
		wrong("not all of its %d replicas run: %+v", want, w.release(live).Replicas)
	}
	if spec := w.release(live).Spec; spec != s.Spec() && !w.refused(s, w.release(live).Digest) {
		wrong("what is live, %s, was made with an earlier configuration", live)
	}
	if n := w.fake.Tasks(s.Name); n > 0 {
		wrong("%d containers that were to run once are left over", n)
	}
	if w.road.isPaused(s.Name) {
		wrong("requests are still held back")
	}
	wrongs = append(wrongs, w.astray(s)...)
	w.mu.Lock()
	named := w.names[s.Name]
	w.mu.Unlock()
	if all := addressesOf(w.release(live)); !slices.Equal(named, all) {
		wrong("its name leads to %q, and the replicas of %s are at %q", named, live, all)
	}
	return append(wrongs, w.unstartable(s)...)
}

// refused reports whether a digest could not be deployed with today's configuration: then it is not tried again by itself.
func (w *world) refused(s deployer.Service, digest string) bool { return w.refusedSince(s, digest, 0) }

func (w *world) refusedSince(s deployer.Service, digest string, since time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.facts, func(f fact) bool {
		d := f.deployment
		ended := d.State == deployer.Failed || d.State == deployer.RolledBack || d.State == deployer.Cancelled && strings.HasPrefix(d.Reason, "cancelled on request")
		return f.what == written && f.service == s.Name && f.at >= since && ended && d.Digest == digest && d.Spec == s.Spec()
	})
}

// cannotGrow reports whether nobody knows how to add to what runs: it has an earlier configuration, and today's was refused, once
// more if somebody has asked the process for more replicas.
func (w *world) cannotGrow(s deployer.Service, live deployer.Running) bool {
	return live.Spec != s.Spec() && w.refusedSince(s, live.Digest, w.grown[s.Name])
}

// promises are the look-ups that would find now what they were promised for.
func (w *world) promises() []deployer.Lookup {
	m, _ := w.book.Load()
	return slices.DeleteFunc(m.Lookups, func(l deployer.Lookup) bool {
		image, err := w.registry.Resolve(w.life, l.Trigger.Image, "latest")
		return err != nil || image != l.Trigger.Digest
	})
}

// untried reports whether a service's tag leads to an image that has not been judged.
func (w *world) untried(s deployer.Service) (image string, is bool) {
	image, err := w.registry.Resolve(w.life, s.Image, s.Tag)
	judged, _ := w.book.Judged(s.Name, image)
	return image, err == nil && !judged
}

// astray says where a service's routes point that is not one of the live release's replicas, and which are missing.
func (w *world) astray(s deployer.Service) (wrongs []string) {
	live := w.road.Live()[s.Name]
	addresses := addressesOf(w.release(live))
	for i := range addresses {
		addresses[i] += ":8080"
	}
	slices.Sort(addresses)
	want := ""
	for _, r := range w.served(s) {
		want += fmt.Sprint(r.Host+r.Prefix, " → ", addresses, " ")
	}
	if got := w.road.table(s.Name); got != want {
		wrongs = append(wrongs, fmt.Sprintf("%s: routes are %q and the replicas of %s are %q", s.Name, got, live, want))
	}
	return wrongs
}

// addressesOf are those at which a release runs, sorted.
func addressesOf(r deployer.Running) (addresses []string) {
	for _, replica := range r.Replicas {
		if replica.Running {
			addresses = append(addresses, replica.Address)
		}
	}
	slices.Sort(addresses)
	return addresses
}

// served are the routes that a service serves: its own, but for those that another one serves until it is up, and those it has given
// up to one that is not: it has never been live, or its requests are held back.
func (w *world) served(s deployer.Service) []deployer.Route {
	served := slices.Clone(s.Routes)
	for _, other := range w.services {
		if other.Name == s.Name {
			continue
		}
		served = slices.DeleteFunc(served, func(r deployer.Route) bool { return !w.isUp(s) && w.has(other, r) })
		for _, r := range other.Routes {
			if !w.isUp(other) && w.has(s, r) {
				served = append(served, r)
			}
		}
	}
	slices.SortFunc(served, func(a, b deployer.Route) int { return strings.Compare(a.Host, b.Host) })
	return served
}

// has reports whether a route is pointed to a service.
func (w *world) has(s deployer.Service, r deployer.Route) bool {
	return strings.Contains(w.road.table(s.Name), r.Host+r.Prefix+" ")
}

// isUp reports whether a service can serve what is its own.
func (w *world) isUp(s deployer.Service) bool {
	live := w.road.Live()[s.Name]
	return live != "" && !w.road.isPaused(s.Name)
}

// isShifting reports whether a service's routes are with another one that it has not taken over from yet, or the other way round:
// what has been hit may take its time to be up.
func (w *world) isShifting(s deployer.Service) bool {
	w.mu.Lock()
	marred := maps.Clone(w.marred)
	w.mu.Unlock()
	return slices.ContainsFunc(w.services, func(other deployer.Service) bool {
		if other.Name == s.Name {
			return false
		}
		lends := slices.ContainsFunc(other.Routes, func(r deployer.Route) bool { return w.has(s, r) })
		borrows := slices.ContainsFunc(s.Routes, func(r deployer.Route) bool { return w.has(other, r) })
		live := w.road.Live()
		return lends && (live[other.Name] == "" || marred[live[other.Name]]) || borrows && marred[live[s.Name]]
	})
}

// unstartable says which releases are offered to go back to and have no image.
func (w *world) unstartable(s deployer.Service) (wrongs []string) {
	targets, err := w.process.Rollbacks(context.Background(), s.Name)
	if err != nil {
		return []string{fmt.Sprintf("%s: no list of releases to go back to: %v", s.Name, err)}
	}
	images := w.fake.Images(s.Name)
	for _, t := range targets {
		origin := t.ID
		if t.From != "" {
			origin = t.From
		}
		if !slices.Contains(images, origin) {
			wrongs = append(wrongs, fmt.Sprintf("%s: the image of %s is gone, which can be gone back to; there are %v", s.Name, origin, images))
		}
	}
	return wrongs
}
