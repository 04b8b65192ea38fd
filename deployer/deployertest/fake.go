// Package deployertest holds what tests of deployments share: a Runtime in memory, the suite that every Runtime must
// pass, and a registry with images of a small app.
package deployertest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"fisherman/deployer"
)

// Fake is a deployer.Runtime in memory that does what a Script tells it to, per digest; without one every call succeeds
// at once. It waits on time and channels only and so works inside a testing/synctest bubble.
type Fake struct {
	mu       sync.Mutex
	scripts  map[string]Script            // by digest
	releases map[string]*release          // by deployment
	images   map[string]map[string]string // service → deployment → digest
	calls    []string
	events   []event       // containers that started or ended, in order
	pulse    chan struct{} // closed and replaced at every event
	away     error
	sick     map[string]error // by container
	dealt    int              // containers and addresses are numbered through
	tasks    map[*task]bool   // containers of RunOnce that there are

	lag   func() time.Duration // nil: listings have what is so
	views map[string][]view    // by container, the one that is listed first
}

var _ deployer.Runtime = (*Fake)(nil)

// NewFake returns an engine with nothing on it.
func NewFake() *Fake {
	return &Fake{
		scripts:  map[string]Script{},
		releases: map[string]*release{},
		images:   map[string]map[string]string{},
		sick:     map[string]error{},
		tasks:    map[*task]bool{},
		pulse:    make(chan struct{}),
	}
}

// On scripts a digest, from the next call on.
func (f *Fake) On(digest string, s Script) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scripts[digest] = s
}

// Calls returns what was asked for so far, in order: "pull web sha256:…", then start, await, halt, retire likewise, and
// "clean web". Releases, Logs and Watch are not recorded. A release nobody knows is called by its id: "retire 01J…".
func (f *Fake) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Forget drops what Calls returns. For tests that count memory, and not calls.
func (f *Fake) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = nil
}

// Adopt puts a release on the engine as if an earlier server had left it there: pulled, started and running.
func (f *Fake) Adopt(r deployer.Release) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.noteLocked()
	f.retainLocked(r)
	f.makeLocked(r)
	f.runLocked(f.releases[r.ID])
}

// Die ends every container of a release by itself, as a crash of the app would; an Await under way fails with why.
func (f *Fake) Die(id, why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.noteLocked()
	if r, ok := f.releases[id]; ok {
		r.die(fmt.Errorf("%s", why))
		f.stopLocked(r, why)
	}
}

// Sicken makes the probes of one of a release's replicas fail; a nil error makes it well again.
func (f *Fake) Sicken(id string, replica int, why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.releases[id]
	switch {
	case !ok:
	case why == nil:
		delete(f.sick, r.Replicas[replica].Container)
	default:
		f.sick[r.Replicas[replica].Container] = why
	}
}

// Restart ends every container of a release and starts it again, as an engine does with what crashes.
func (f *Fake) Restart(id, why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.noteLocked()
	if r, ok := f.releases[id]; ok {
		r.die(fmt.Errorf("%s", why))
		f.stopLocked(r, why)
		f.runLocked(r)
		r.restarts++
	}
}

// Starve is a Restart for want of memory, which the engine tells of and does not list.
func (f *Fake) Starve(id string) {
	f.mu.Lock()
	if r, ok := f.releases[id]; ok {
		f.eventLocked(event{r.Service, "ran out of memory"})
	}
	f.mu.Unlock()
	f.Restart(id, "was killed for want of memory")
}

// Lose removes every container of a release, as somebody with the engine's own tools would.
func (f *Fake) Lose(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.noteLocked()
	if r, ok := f.releases[id]; ok {
		r.die(errors.New("its containers were removed"))
		f.stopLocked(r, "was removed")
		delete(f.releases, id)
	}
}

// Crash leaves a release as a server that died inside Start leaves it: a container made that does not run.
func (f *Fake) Crash(r deployer.Release) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.noteLocked()
	f.retainLocked(r)
	f.makeLocked(r)
}

// Away makes every call fail as if the engine did not answer, until Back.
func (f *Fake) Away() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = fmt.Errorf("the engine does not answer: %w", deployer.ErrUnavailable)
	f.beatLocked()
}

// Back ends Away.
func (f *Fake) Back() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = nil
}

// Images lists the deployments of a service whose images are retained, sorted.
func (f *Fake) Images(service string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := []string{}
	for id := range f.images[service] {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
