package deployer_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"fisherman/deployer"
)

// move is one step of a sequence: something is done, then time passes. Each stands for itself, so that any may be left out.
type move struct {
	text string
	do   func(*world)
	wait time.Duration
}

// plan makes moves. It knows what the developers have done; what becomes of it is the deployer's business.
type plan struct {
	rng      *rand.Rand
	services []deployer.Service
	heads    map[string]int // repository → the branch's commit
	commits  map[string]int // repository → the highest commit made
	pushes   map[string]int // repository → how many
	packages int
	late     []move // deliveries that are still on their way
}

// sequence is a run of the model, made from a seed.
func sequence(seed uint64) ([]deployer.Service, []move) {
	p := &plan{rng: rand.New(rand.NewPCG(seed, 0)), heads: map[string]int{}, commits: map[string]int{}, pushes: map[string]int{}}
	p.services = cast(p.rng)
	moves := make([]move, 20+p.rng.IntN(40))
	for i := range moves {
		moves[i] = p.move()
		moves[i].wait = p.wait()
	}
	return p.services, moves
}

// cast chooses the services of a run: each has a lane of its own, but they come and go together, and trade routes.
func cast(rng *rand.Rand) []deployer.Service {
	all := []deployer.Service{named("web", 1), named("bake", 2), named("three", 3), named("solo", 1), named("pair", 2), named("job", 1)}
	all[1].Bake = time.Minute
	all[2].Bake = 30 * time.Second
	all[3].Strategy, all[4].Strategy = deployer.Recreate, deployer.Recreate
	all[5].Routes = nil
	task := deployer.Task{Args: []string{"migrate"}, Deadline: time.Minute}
	all[0].Before, all[2].Before, all[3].Before, all[5].Before = task, task, task, task
	all[0].After, all[1].After, all[4].After = task, task, task
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	chosen := all[:1+rng.IntN(2)+rng.IntN(4)/3]
	if rng.IntN(3) == 0 {
		for i := range chosen {
			chosen[i].Repository = "o/all"
		}
	}
	return chosen
}

func named(name string, replicas int) deployer.Service {
	s := web()
	s.Name, s.Repository, s.Image, s.Replicas, s.Retain = name, "o/"+name, "ghcr.io/o/"+name, replicas, 2
	s.Routes = []deployer.Route{{Host: name + ".pl", Prefix: "/", Port: 8080}}
	return s
}

// wait is mostly a moment or some seconds, so that what was asked for is met on its way.
func (p *plan) wait() time.Duration {
	scale := []time.Duration{0, 5 * time.Millisecond, 100 * time.Millisecond, time.Second, 4 * time.Second, 15 * time.Second, 40 * time.Second, 4 * time.Minute}
	weights := []int{6, 12, 8, 10, 10, 8, 4, 1}
	return time.Duration(float64(scale[p.weighed(weights)]) * (0.5 + p.rng.Float64()))
}

func (p *plan) weighed(weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := p.rng.IntN(sum)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	panic("unreachable")
}

// kinds are the kinds of moves and how often each is made.
func (p *plan) kinds() ([]func() move, []int) {
	moves := []func() move{
		p.push, p.announce, p.deliverLate, p.redeliver, p.retag, p.deploy, p.rollBack, p.cancel, p.reconcile,
		p.fate, p.engineAway, p.engineFrozen, p.engineRestarted, p.containerHit, p.replicaSick, p.answers, p.diskFull, p.routeFile,
		p.requests, p.registryAway, p.restart, p.kill, p.fuse, p.clock, p.reconfigure, p.comesBack,
	}
	return moves, []int{
		14, 20, 4, 4, 4, 7, 4, 6, 2,
		12, 3, 2, 2, 6, 5, 6, 2, 2,
		5, 2, 4, 4, 10, 3, 8, 10,
	}
}

func (p *plan) move() move {
	kinds, weights := p.kinds()
	return kinds[p.weighed(weights)]()
}

func (p *plan) service() deployer.Service { return p.services[p.rng.IntN(len(p.services))] }

func (p *plan) percent(n int) bool { return p.rng.IntN(100) < n }

// recent is a commit of the last few.
func (p *plan) recent(repository string) int {
	return max(1, p.commits[repository]+p.rng.IntN(5)-3)
}

// sha is a commit that can be told from others by its first 7 digits; 0 is none.
func sha(n int) string { return fmt.Sprintf("%07d%033d", n, 0) }

// imageOf is the digest of a service's image of a commit; every third image does not say of which.
func imageOf(s deployer.Service, n int) string {
	return fmt.Sprintf("sha256:%03d%05d%056d", s.Name[0], n, 0)
}

func labelled(s deployer.Service, n int) bool { return (n+len(s.Name))%3 != 0 }

// broken reports whether the image of a commit can never start.
func broken(s deployer.Service, n int) bool { return (n*7+len(s.Name))%9 == 0 }
