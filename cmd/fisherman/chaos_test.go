package main

import (
	"flag"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fisherman/deployer/deployertest"
	"fisherman/server"
)

var (
	chaosTime = flag.Duration("chaos.time", 0, "how long TestChaos goes on; 0: until each kind of fault was there once")
	chaosSeed = flag.Uint64("chaos.seed", 0, "TestChaos's plan, to play it again; 0: shortSeed without a time, else another one each time")
	chaosOnly = flag.String("chaos.only", "", "play only rounds whose name matches this expression")
)

// shortSeed is the plan of the short form: what refuses a change must find the same in the same change, as far as a plan can
// see to that. Finding something new is for `make chaos`, which plays another plan each time. This one was the first to lose
// a journal while a container was being stopped.
const shortSeed = 1971834632574527604

// TestChaos does to the binary that users run what may happen to it, its engine, its registry and its disk, while
// clients use the apps and GitHub announces releases; after each round invariants are checked (chaos_invariants_test.go,
// chaos_excuse_test.go). `make chaos` goes on for ten minutes; without a time each kind of fault comes once, by one plan.
func TestChaos(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it mounts a small file system and starts a Docker Engine of its own")
	}
	seed := *chaosSeed
	switch {
	case seed != 0:
	case *chaosTime == 0:
		seed = shortSeed
	default:
		seed = rand.Uint64()
	}
	only, err := regexp.Compile(*chaosOnly)
	if err != nil {
		t.Fatal(err)
	}
	sum := &tally{faults: map[string]int{}, deployments: map[string]int{}}
	app, bin := deployertest.App(t), buildBinaries(t)
	var arenas sync.WaitGroup
	for name, plan := range plans() {
		plan = slices.DeleteFunc(plan, func(r round) bool { return !only.MatchString(r.name) })
		if len(plan) == 0 {
			continue
		}
		arenas.Go(func() { // side by side on however few processors: mostly they wait
			t.Run(name, func(t *testing.T) {
				var on *engine
				if name == "engine" {
					on = newEngine(t)
				}
				newArena(t, app, bin, seed, on, sum).playAll(t, plan)
			})
		})
	}
	arenas.Wait()
	t.Logf("\n%s", sum.summary(seed))
	if sum.violations > 0 {
		t.Errorf("%d violations; play the plan again with -chaos.seed %d", sum.violations, seed)
	}
}

// plans are the rounds of each arena, those side by side that need not wait for each other.
func plans() map[string][]round {
	process := []round{idle(), killedAnytime(), toldAnytime(), full()}
	for _, point := range slices.Sorted(maps.Keys(points())) {
		process = append(process, killedAt(point))
	}
	for _, state := range slices.Sorted(maps.Keys(endings())) {
		process = append(process, killedEnding("before", state), killedEnding("after", state))
	}
	apps := []round{
		containerStruck(web, false), containerStruck(single, false), containerStruck(web, true), containerStruck(single, true), outOfMemory(),
		flawed(crashes), flawed(ailing), flawed(greedy), sickWhileBaking(), sickLater(),
	}
	var surroundings []round
	for _, how := range []ill{slow, dropping, throttling, broken, gone} {
		surroundings = append(surroundings, registryIll(how))
	}
	for _, d := range damages() {
		surroundings = append(surroundings, damaged(d))
	}
	engines := []round{
		engineFrozen(), engineGone(syscall.SIGTERM, false), engineGone(syscall.SIGKILL, false),
		engineGone(syscall.SIGTERM, true), engineGone(syscall.SIGKILL, true),
	}
	return map[string][]round{"process": process, "apps": apps, "surroundings": surroundings, "engine": engines}
}

// playAll plays rounds until the time is up, or in the short form a few of each kind.
func (a *arena) playAll(t *testing.T, all []round) {
	end := time.Now().Add(*chaosTime)
	for r := range a.order(all) {
		if *chaosTime > 0 && time.Now().After(end) || !a.playOne(t, r) {
			return
		}
	}
}

// order is the plan: in the short form one round of each kind, else all in turn, shuffled each time, for ever.
func (a *arena) order(all []round) iter.Seq[round] {
	return func(yield func(round) bool) {
		for {
			a.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			seen := map[string]bool{}
			for _, r := range all {
				if *chaosTime == 0 && seen[r.kind] {
					continue
				}
				seen[r.kind] = true
				if !yield(r) {
					return
				}
			}
			if *chaosTime == 0 {
				return
			}
		}
	}
}

// playOne plays a round and checks what came of it. Where things have not come to rest, the arena is no measure of the
// next round: then it is the last.
func (a *arena) playOne(t *testing.T, r round) (rests bool) {
	begun := time.Now()
	a.ended, a.quoted = nil, len(a.server.log())
	var bad []string
	if err := r.play(a); err != nil {
		bad = append(bad, "round: "+err.Error())
	}
	restless, wrong := a.settle()
	bad = slices.Concat(bad, restless, wrong)
	a.tally.played(r, len(bad), a.load.sent.Swap(0))
	t.Logf("%s %5.1fs %s: %d violations", begun.Format(precise), time.Since(begun).Seconds(), r.name, len(bad))
	if len(bad) > 0 {
		t.Errorf("%s:\n%s\nwindows:\n%s\nfisherman said:\n%s", r.name, strings.Join(bad, "\n"), a.recent(begun), a.log())
	}
	return len(restless) == 0
}

// recent are the windows of a round.
func (a *arena) recent(since time.Time) string {
	var lines strings.Builder
	for _, w := range a.windows {
		if w.to.After(since) {
			fmt.Fprintf(&lines, "%s %s from %s to %s\n", w.excuse, w.service, w.from.Format(precise), w.to.Format(precise))
		}
	}
	return lines.String()
}

// tally counts over all arenas.
type tally struct {
	mu          sync.Mutex // guards what follows
	rounds      int
	faults      map[string]int // by kind
	deployments map[string]int // ids
	requests    int64
	violations  int
}

func (s *tally) played(r round, violations int, requests int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rounds++
	s.faults[r.kind]++
	s.requests += requests
	s.violations += violations
}

// observed counts deployments once, whichever round sees them.
func (s *tally) observed(history map[string]server.Deployment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range history {
		s.deployments[id]++
	}
}

func (s *tally) summary(seed uint64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(s.faults)) {
		fmt.Fprintf(&b, "%5d %s\n", s.faults[kind], kind)
	}
	fmt.Fprintf(&b, "rounds %d, deployments %d, requests %d, violations %d, seed %d", s.rounds, len(s.deployments), s.requests, s.violations, seed)
	return b.String()
}
