package deployer_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"fisherman/deployer"
)

// traffic is a proxy that sends nothing; it remembers where it points and lets a test hold its drains.
type traffic struct {
	mu     sync.Mutex
	live   map[string]string
	routes map[string]map[string][]string
	drain  <-chan struct{} // every drain waits for it; nil: no wait
	refuse error           // what Point fails with
	paused map[string]bool
	pauses int                       // how often Pause was asked for
	counts map[string]deployer.Share // by release

	pointed  func() // called by Point and Reroute
	reroutes int    // how often Reroute has changed something
	changes  int    // how often anything has
}

func (t *traffic) Point(service, release string, routes map[string][]string) (func(context.Context, func(int)) int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.pointLocked(service, release, routes); err != nil {
		return nil, err
	}
	delete(t.paused, service)
	return t.drainLocked(), nil
}

func (t *traffic) Claim(service, release string, routes map[string][]string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paused == nil {
		t.paused = map[string]bool{}
	}
	t.paused[service] = true
	return t.pointLocked(service, release, routes)
}

func (t *traffic) pointLocked(service, release string, routes map[string][]string) error {
	if t.refuse != nil {
		return t.refuse
	}
	next := maps.Clone(t.routes)
	next[service] = routes
	if err := conflict(next); err != nil {
		return err
	}
	t.live[service], t.routes = release, next
	t.changes++
	if t.pointed != nil {
		t.pointed()
	}
	return nil
}

// conflict is an error when two services have a route, which a proxy refuses.
func conflict(routes map[string]map[string][]string) error {
	owner := map[string]string{}
	for service, theirs := range routes {
		for route := range theirs {
			if other, taken := owner[route]; taken {
				return fmt.Errorf("route %s is taken by %s and %s", route, other, service)
			}
			owner[route] = service
		}
	}
	return nil
}

// Pause keeps where the service points, and so the commit point, as it is.
func (t *traffic) Pause(service string) func(context.Context, func(int)) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paused == nil {
		t.paused = map[string]bool{}
	}
	t.paused[service] = true
	t.pauses++
	return t.drainLocked()
}

func (t *traffic) Settle() {}

func (t *traffic) Answers(service string) (all, failed uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.counts[t.live[service]]
	return s.All, s.Failed
}

// answered adds to what a release has answered.
func (t *traffic) answered(release string, all, failed uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[string]deployer.Share{}
	}
	s := t.counts[release]
	t.counts[release] = deployer.Share{All: s.All + all, Failed: s.Failed + failed}
}

func (t *traffic) isPaused(service string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.paused[service]
}

// resume forgets what is paused, as the proxy of a new process does.
func (t *traffic) resume() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.paused = nil
}

func (t *traffic) drainLocked() func(context.Context, func(int)) int {
	hold := t.drain
	return func(ctx context.Context, left func(int)) int {
		if hold == nil {
			return 0
		}
		left(3)
		select {
		case <-hold:
			return 0
		case <-ctx.Done():
			return 1
		}
	}
}

func (t *traffic) Reroute(routes map[string]map[string][]string) (map[string]func(context.Context, func(int)) int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refuse != nil {
		return nil, t.refuse
	}
	next := maps.Clone(t.routes)
	for service, to := range routes {
		if delete(next, service); to != nil {
			next[service] = to
		}
	}
	if err := conflict(next); err != nil {
		return nil, err
	}
	drains := map[string]func(context.Context, func(int)) int{}
	for service, to := range routes {
		if to == nil {
			delete(t.live, service)
			drains[service] = t.drainLocked()
		}
	}
	t.routes = next
	t.reroutes++
	t.changes++
	if t.pointed != nil {
		t.pointed()
	}
	return drains, nil
}

func (t *traffic) Live() map[string]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	live := map[string]string{}
	for service, id := range t.live {
		live[service] = id
	}
	return live
}

func (t *traffic) Routed() map[string]map[string][]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.routes)
}

func (t *traffic) routed(service string) map[string][]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.routes[service]
}

func (t *traffic) holdDrains() (release func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	hold := make(chan struct{})
	t.drain = hold
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.drain = nil
		close(hold)
	}
}

// holdNoMore lets the drains of what is pointed away from now on end at once.
func (t *traffic) holdNoMore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drain = nil
}

// onPoint has a function called each time that traffic has been pointed somewhere.
func (t *traffic) onPoint(do func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pointed = do
}

func (t *traffic) refuses(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refuse = err
}

// registry answers from two maps and remembers when it was asked.
type registry struct {
	mu        sync.Mutex
	digests   map[string]string // by "image:tag"
	revisions map[string]string // by digest
	fails     error
	hold      map[string]<-chan struct{} // by "tag" or "revision": what is known is answered when it is closed; nil: at once
	born      time.Time
	asked     []time.Duration
}

func (r *registry) Resolve(ctx context.Context, image, tag string) (string, error) {
	digest, err := r.resolve(image, tag)
	r.wait(ctx, "tag")
	return digest, err
}

func (r *registry) wait(ctx context.Context, what string) {
	r.mu.Lock()
	hold := r.hold[what]
	r.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
		}
	}
}

func (r *registry) resolve(image, tag string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, time.Since(r.born).Round(time.Second))
	if r.fails != nil {
		return "", r.fails
	}
	if digest, ok := r.digests[image+":"+tag]; ok {
		return digest, nil
	}
	return "", fmt.Errorf("tag %s of %s %w", tag, image, deployer.ErrNotFound)
}

func (r *registry) Revision(ctx context.Context, _, digest string) (string, error) {
	r.wait(ctx, "revision")
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.revisions[digest], r.fails
}

// answersLate lets those who ask for a tag or a revision from now on wait for what is known now.
func (r *registry) answersLate(what string) (answer func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	hold := make(chan struct{})
	r.hold = map[string]<-chan struct{}{what: hold}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.hold = nil
		close(hold)
	}
}

// has puts release n under a tag; with its commit in the label.
func (r *registry) has(tag string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.digests["ghcr.io/o/web:"+tag] = digest(n)
	r.revisions[digest(n)] = commit(n)
}

func (r *registry) failing(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fails = err
}

// forget begins the memory of when it was asked anew.
func (r *registry) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked, r.born = nil, time.Now()
}

func (r *registry) askedAt() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.asked)
}
