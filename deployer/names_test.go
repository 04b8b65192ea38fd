package deployer_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

// names remembers where names lead.
type names struct {
	mu     sync.Mutex
	last   map[string][]string
	times  int
	refuse error
}

func (n *names) SetNames(addresses map[string][]string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.times++
	if n.refuse != nil {
		return n.refuse
	}
	n.last = addresses
	return nil
}

func (n *names) of(service string) (addresses []string, times int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.last[service], n.times
}

func (n *names) refuses(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refuse = err
}

// leadsTo asserts that a service's name leads to a deployment's replicas alone; "" is nowhere.
func (r *rig) leadsTo(service, id string) {
	r.Helper()
	var want []string
	for _, running := range r.releases() {
		for _, replica := range running.Replicas {
			if running.ID == id {
				want = append(want, replica.Address)
			}
		}
	}
	if got, _ := r.names.of(service); fmt.Sprint(got) != fmt.Sprint(want) {
		r.Errorf("%s leads to %v, want the addresses of %q: %v", service, got, id, want)
	}
}

// Mutants: switchTo without rename; named that takes what starts.
func TestANameLeadsToWhatIsLive(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.deployed(1)
		r.leadsTo("web", old)
		healthy := make(chan struct{})
		r.runtime.On(digest(2), deployertest.Script{Await: deployertest.Step{Hold: healthy}})
		next := r.submit(packaged(2))
		r.is(next, deployer.Verifying)
		r.leadsTo("web", old)
		close(healthy)
		r.settle()
		r.leadsTo("web", next)
		r.runtime.Restart(next, "exited with code 1") // comes up with another address
		r.pass(time.Second)
		r.leadsTo("web", next)
		r.restart()
		r.leadsTo("web", next)
		_, before := r.names.of("web")
		r.pass(time.Minute)
		if _, after := r.names.of("web"); after != before {
			r.Errorf("nothing happened, and the names were written %d times", after-before)
		}
		r.configure(second())
		r.leadsTo("web", "")
	})
}

func TestAStoppedReleaseHasNoName(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.deployed(1)
		r.runtime.On(digest(2), deployertest.Script{Await: deployertest.Step{Hold: make(chan struct{})}})
		next := r.submit(packaged(2))
		r.is(next, deployer.Verifying)
		r.leadsTo("web", "")
	}, recreated())
}

func TestNamesThatCannotBeWrittenAreWrittenLater(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.names.refuses(errors.New("input/output error"))
		id := r.deployed(1)
		r.names.refuses(nil)
		r.pass(11 * time.Second)
		r.leadsTo("web", id)
	})
}

// TestTheOldReleaseLingersForThoseWhoKnowItsAddress: but not where nobody is there to call it.
func TestTheOldReleaseLingersForThoseWhoKnowItsAddress(t *testing.T) {
	brief := second()
	brief.Drain = 2 * time.Second
	for name, c := range map[string]struct {
		services []deployer.Service
		want     time.Duration
	}{
		"another service":    {[]deployer.Service{web(), second()}, 6 * time.Second},
		"a short drain":      {[]deployer.Service{web(), brief}, 2 * time.Second},
		"alone":              {[]deployer.Service{web()}, 0},
		"stopped beforehand": {[]deployer.Service{recreated(), second()}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.stop()
				r.recall = 6 * time.Second
				r.start()
				r.settle()
				s := c.services[len(c.services)-1]
				if name == "stopped beforehand" {
					s = c.services[0]
				}
				for n := 1; n <= 2; n++ {
					begun := time.Now()
					id := r.submit(packagedFor(s, n))
					want := time.Duration(0)
					if n == 2 {
						want = c.want
					}
					if want > 0 {
						r.pass(want - 100*time.Millisecond)
						r.is(id, deployer.Draining)
						r.pass(200 * time.Millisecond)
					}
					d := r.is(id, deployer.Succeeded)
					if took := d.FinishedAt.Sub(begun); took < want-50*time.Millisecond || took > want+200*time.Millisecond {
						r.Errorf("release %d took %s, want %s", n, took, want)
					}
				}
			}, c.services...)
		})
	}
}
