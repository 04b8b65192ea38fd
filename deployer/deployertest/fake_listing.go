package deployertest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"fisherman/deployer"
)

// view is a container as a listing has it from a moment on.
type view struct {
	since   time.Time
	release deployer.Running // without its replicas
	replica deployer.Replica
	gone    bool
}

// Lag has Listed tell what becomes of a container only so much later, by what by says of each change: an engine answers the one who
// asked for it before it has written it down. A container that is made is listed at once, as one that does not run.
func (f *Fake) Lag(by func() time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lag, f.views = by, map[string][]view{}
	f.noteLocked()
}

// noteLocked keeps in mind what has changed just now.
func (f *Fake) noteLocked() {
	if f.lag == nil {
		return
	}
	there := map[string]bool{}
	for _, r := range f.releases {
		for _, c := range r.Replicas {
			there[c.Container] = true
			f.showLocked(c.Container, view{release: r.Running, replica: c})
		}
	}
	for container, views := range f.views {
		if last := views[len(views)-1]; !there[container] && !last.gone {
			last.gone = true
			f.showLocked(container, last)
		}
	}
}

// showLocked adds what a listing will have of a container. What happened first is listed first.
func (f *Fake) showLocked(container string, next view) {
	views := f.views[container]
	next.since, next.release.Replicas = time.Now(), nil
	if len(views) > 0 {
		last := views[len(views)-1]
		if last.replica == next.replica && last.gone == next.gone {
			return
		}
		if next.since = next.since.Add(f.lag()); next.since.Before(last.since) {
			next.since = last.since
		}
	}
	f.views[container] = append(views, next)
}

// Listed is Releases as a listing has it that lags.
func (f *Fake) Listed(ctx context.Context) ([]deployer.Running, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	byID := map[string]*deployer.Running{}
	for container, views := range f.views {
		for len(views) > 1 && !views[1].since.After(time.Now()) {
			views = views[1:]
		}
		f.views[container] = views
		if views[0].gone {
			delete(f.views, container)
			continue
		}
		r := byID[views[0].release.ID]
		if r == nil {
			r = &deployer.Running{}
			*r = views[0].release
			byID[r.ID] = r
		}
		r.Replicas = append(r.Replicas, views[0].replica)
		if r.StoppedAt.Before(views[0].release.StoppedAt) {
			r.StoppedAt = views[0].release.StoppedAt
		}
	}
	all := []deployer.Running{}
	for _, r := range byID {
		slices.SortFunc(r.Replicas, func(a, b deployer.Replica) int {
			return cmp.Or(cmp.Compare(len(a.Container), len(b.Container)), strings.Compare(a.Container, b.Container))
		})
		if r.Up(1) {
			r.StoppedAt = time.Time{}
		}
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b deployer.Running) int { return strings.Compare(a.ID, b.ID) })
	return all, f.away
}

// Wait returns once a listing has all that has become of a release's containers.
func (f *Fake) Wait(id string) {
	f.mu.Lock()
	until := time.Time{}
	for _, views := range f.views {
		if last := views[len(views)-1]; last.release.ID == id && last.since.After(until) {
			until = last.since
		}
	}
	f.mu.Unlock()
	if left := time.Until(until); left > 0 {
		time.Sleep(left)
	}
}
