package deployer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

// world is what a process finds and leaves: an engine, the routes, a registry and a journal; and what became of it all.
type world struct {
	services []deployer.Service // of the configuration at this moment
	cast     []deployer.Service // of all configurations there may be
	fake     *deployertest.Fake
	road     *road
	registry *registry
	book     *notebook
	scripts  map[string]deployertest.Script
	never    map[string]bool // digests that can never start
	life     context.Context // of the run
	finishes bool            // the engine finishes what a killed process has asked for

	process   *process
	processes int
	ids       int
	fuse      int // of the next process
	after     bool

	mu       sync.Mutex
	rng      *rand.Rand
	ice      bool // the engine is frozen
	begun    time.Time
	skew     time.Duration // by how much the clock has been set so far
	facts    []fact
	wrongs   []string
	marred   map[string]bool // releases that a fault or a stop has hit since they were last all right
	sick     map[string]bool // releases with a replica that does not answer
	ill      map[string]bool // the containers of these
	accepted map[[2]string][]string
	names    map[string][]string      // where the names of services lead
	grown    map[string]time.Duration // when the process there is was asked for more replicas
	mail     []deployer.Trigger       // every webhook delivered so far
	brisk    bool                     // the engine takes no more time than it needs
	dawdles  time.Duration            // but for its next listing

	configured map[string]time.Duration // since when each service is in the configuration
	hosts      map[string]bool          // the routes that it has
	owed       map[string]bool          // those of them that have been served since somebody has them
	last       map[string]string        // what each service's traffic went to last
	orphans    map[string]bool          // deployments whose service left meanwhile
	harmed     map[string]time.Duration // when a fault hit each release the last time
	ended      map[string]int           // addresses of what the deployer had stopped, and in which process
}

// lagMost is how long a listing may not have what has become of a container.
const lagMost = 250 * time.Millisecond

func newWorld(seed uint64, life context.Context, services []deployer.Service) *world {
	w := &world{
		services: slices.Clone(services), cast: services, fake: deployertest.NewFake(), book: newNotebook(), life: life, begun: time.Now(),
		rng: rand.New(rand.NewPCG(seed, 1)), scripts: map[string]deployertest.Script{}, never: map[string]bool{}, marred: map[string]bool{}, sick: map[string]bool{},
		registry: &registry{digests: map[string]string{}, revisions: map[string]string{}, born: time.Now()}, accepted: map[[2]string][]string{},
	}
	w.road = newRoad(rand.New(rand.NewPCG(seed, 2)), w.record, w.moved)
	w.configured, w.last, w.harmed, w.ended = map[string]time.Duration{}, map[string]string{}, map[string]time.Duration{}, map[string]int{}
	w.owed, w.ill, w.orphans = map[string]bool{}, map[string]bool{}, map[string]bool{}
	w.setConfigured(services)
	w.fake.Lag(func() time.Duration { return w.sometimes(2, lagMost) })
	w.finishes = seed%2 == 0
	return w
}

// mar says that a release may not be all right from now on, and that it is not the deployer's fault.
func (w *world) mar(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.marred[id] = true
}

func (w *world) wrong(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(w.wrongs, text) {
		w.wrongs = append(w.wrongs, text)
	}
}

func (w *world) latency() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Duration(w.rng.IntN(20_000)) * time.Microsecond
}

// sometimes is up to so much time, once in n times.
func (w *world) sometimes(n int, most time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.brisk || w.rng.IntN(n) > 0 {
		return 0
	}
	return time.Duration(w.rng.Int64N(int64(most)))
}

func (w *world) frozen() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ice
}

func (w *world) freeze(ice bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ice = ice
}

// hung reports whether a call of the engine may take for ever.
func (w *world) hung() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ice || len(w.scripts) > 0
}

// succeed makes a process the one that is there.
func (w *world) succeed(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.processes, w.process = p.number, p
}

// pass lets time go by. A process that has ended is succeeded by another, as a service manager sees to.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
	for tries := 0; w.process.over.Load() && tries < 5; tries++ {
		w.restart(time.Second)
		synctest.Wait()
	}
}

// restart ends the process in order and begins another.
func (w *world) restart(pause time.Duration) {
	w.process.end()
	time.Sleep(pause)
	w.begin()
}

// script changes what a digest does.
func (w *world) script(digest string, change func(*deployertest.Script)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.scripts[digest]
	change(&s)
	w.scripts[digest] = s
	w.fake.On(digest, s)
}

// active lists what has not ended, oldest first.
func (w *world) active() []deployer.Deployment {
	m, _ := w.book.Load()
	return m.Active
}

// jump sets the clock: what is written lies so much further back from then on.
func (w *world) jump(d time.Duration) {
	w.book.move(-d)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skew += d
}

// steady is a deployment by a clock that has never been set, to compare it with others.
func (w *world) steady(d deployer.Deployment) deployer.Deployment {
	w.mu.Lock()
	defer w.mu.Unlock()
	return moved(d, w.skew)
}
