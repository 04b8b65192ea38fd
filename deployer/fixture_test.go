package deployer_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
	"fisherman/deployer/journal"

	"github.com/rs/zerolog"
)

// rig is a Deployer among a runtime in memory, fake traffic, a fake registry and the real journal. It can be stopped and
// started again on the same three and the same file.
type rig struct {
	*testing.T
	*deployer.Deployer
	services []deployer.Service
	runtime  *deployertest.Fake
	traffic  *traffic
	registry *registry
	file     string
	ids      int
	moment   time.Time             // of the last id
	observed []deployer.Deployment // guarded by the Deployer, which tells in order
	notices  []deployer.Notice     // likewise
	wrap     func(deployer.Journal) deployer.Journal

	names  *names
	recall time.Duration
	log    bytes.Buffer

	stop func()
}

// inBubble runs a test on virtual time against a running Deployer of the services, web unless others are named.
func inBubble(t *testing.T, test func(*rig), services ...deployer.Service) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, services...)
		r.start()
		defer func() { r.stop() }()
		r.settle()
		test(r)
	})
}

func newRig(t *testing.T, services ...deployer.Service) *rig {
	if len(services) == 0 {
		services = []deployer.Service{web()}
	}
	return &rig{
		T: t, services: services, names: &names{}, runtime: deployertest.NewFake(), file: filepath.Join(t.TempDir(), "journal.db"),
		traffic:  &traffic{live: map[string]string{}, routes: map[string]map[string][]string{}},
		registry: &registry{digests: map[string]string{}, revisions: map[string]string{}, born: time.Now()},
	}
}

// start opens the journal, makes a Deployer and runs it until stop.
func (r *rig) start() {
	r.Helper()
	r.open()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Deployer.Run(ctx) }()
	closeJournal := r.stop
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			r.Errorf("run: %v", err)
		}
		closeJournal()
	}
}

// open makes a Deployer that does not run; stop closes its journal.
func (r *rig) open() {
	r.Helper()
	j, err := journal.Open(r.file)
	if err != nil {
		r.Fatal(err)
	}
	r.stop = func() {
		if err := j.Close(); err != nil {
			r.Errorf("close journal: %v", err)
		}
	}
	var kept deployer.Journal = j
	if r.wrap != nil {
		kept = r.wrap(j)
	}
	r.Deployer, err = deployer.New(deployer.Options{
		Services: r.services, Runtime: r.runtime, Traffic: r.traffic, Registry: r.registry, Journal: kept, Log: zerolog.New(zerolog.SyncWriter(&r.log)), Names: r.names, Recall: r.recall,
		NewID:     func(at time.Time) string { r.ids++; r.moment = at; return fmt.Sprintf("%04d", r.ids) },
		Observers: []func(deployer.Deployment){func(d deployer.Deployment) { r.observed = append(r.observed, d) }},
		Notices:   []func(deployer.Notice){func(n deployer.Notice) { r.notices = append(r.notices, n) }},
	})
	if err != nil {
		r.Fatal(err)
	}
}

// restart is what a new process finds.
func (r *rig) restart() {
	r.Helper()
	r.stop()
	r.start()
	r.settle()
}

// settle lets everything happen that needs no more than a moment.
func (r *rig) settle() { r.pass(time.Millisecond) }

// pass lets time go by.
func (r *rig) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// submit takes a webhook, which must lead to one deployment, and lets it settle. It returns the id.
func (r *rig) submit(t deployer.Trigger) string {
	r.Helper()
	receipt := r.deliver(t)
	if len(receipt.Deployments) != 1 {
		r.Fatalf("%s led to %+v, want one deployment", t.Delivery, receipt)
	}
	return receipt.Deployments[0].ID
}

func (r *rig) deliver(t deployer.Trigger) deployer.Receipt {
	r.Helper()
	receipt, err := r.Submit(t)
	if err != nil {
		r.Fatal(err)
	}
	r.settle()
	return receipt
}

func (r *rig) get(id string) deployer.Deployment {
	r.Helper()
	d, err := r.Deployment(id)
	if err != nil {
		r.Fatal(err)
	}
	return d
}

// is asserts a deployment's state.
func (r *rig) is(id string, want deployer.State) deployer.Deployment {
	r.Helper()
	d := r.get(id)
	if d.State != want {
		r.Fatalf("deployment %s is %s (%s), want %s; its log:\n%s", id, d.State, d.Reason, want, d.Log())
	}
	return d
}

// because asserts how a deployment ended, and a part of its reason.
func (r *rig) because(id string, want deployer.State, part string) {
	r.Helper()
	if d := r.is(id, want); !strings.Contains(d.Reason, part) {
		r.Errorf("deployment %s is %s because of %q, want %q in it", id, want, d.Reason, part)
	}
}

// serves asserts that exactly one release of web runs, that traffic points at it, and that it is this deployment's.
func (r *rig) serves(id string) {
	r.Helper()
	r.serviceServes("web", id)
}

func (r *rig) serviceServes(service, id string) {
	r.Helper()
	up := r.up(service)
	if live := r.traffic.Live()[service]; live != id || !slices.Equal(up, []string{id}) {
		r.Errorf("%s: traffic points at %q and %q run, want %q alone; calls so far:\n%s", service, live, up, id, strings.Join(r.runtime.Calls(), "\n"))
	}
	if routes := r.traffic.routed(service); len(routes) == 0 || len(routes["a.pl/"]) != 1 || !r.hasAddress(id, routes["a.pl/"][0]) {
		r.Errorf("%s: routes are %v, want the address of %s", service, routes, id)
	}
}

// up lists the releases of a service that run.
func (r *rig) up(service string) []string {
	r.Helper()
	ids := []string{}
	for _, running := range r.releases() {
		if running.Service == service && running.Up(1) {
			ids = append(ids, running.ID)
		}
	}
	return ids
}

func (r *rig) releases() []deployer.Running {
	r.Helper()
	all, err := r.runtime.Releases(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return all
}

func (r *rig) hasAddress(id, address string) bool {
	for _, running := range r.releases() {
		for _, replica := range running.Replicas {
			if running.ID == id && replica.Address+":8080" == address {
				return true
			}
		}
	}
	return false
}

// deployed brings a release live the ordinary way and returns its deployment's id.
func (r *rig) deployed(n int) string {
	r.Helper()
	id := r.submit(packaged(n))
	r.is(id, deployer.Succeeded)
	return id
}

// count is how often a call was made.
func (r *rig) count(call string) (n int) {
	for _, c := range r.runtime.Calls() {
		if c == call {
			n++
		}
	}
	return n
}

// states are the steps of a deployment.
func states(d deployer.Deployment) string {
	names := make([]string, len(d.Steps))
	for i, s := range d.Steps {
		names[i] = string(s.State)
	}
	return strings.Join(names, " ")
}
