// Package deployer decides, orders and carries out deployments: services, triggers, one lane per service, and the
// state machine that takes a deployment from a webhook to live traffic. It is the centre of the program and knows no
// technology: what runs releases, sends traffic, resolves tags and remembers is behind four small interfaces.
//
// Everything that is promised is in the journal before anybody is told. What is live is what Traffic says; what exists
// is what Runtime lists. After a restart the three are brought together again (restore.go).
package deployer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// Options are the parts a Deployer works with.
type Options struct {
	Services []Service
	Runtime  Runtime
	Traffic  Traffic
	Registry Registry
	Journal  Journal
	Log      zerolog.Logger
	// NewID makes an id of a moment. Ids sort by their moments; those of one moment sort by the order of the calls.
	NewID func(at time.Time) string
	// Pulls caps how many images are pulled side by side. Default 3.
	Pulls int
	// Names makes the names of services resolve; nil: nothing does.
	Names Names
	// Recall is how long apps may go on using an address that they have looked up, where Names is not nil.
	Recall time.Duration
	// Observers are told of every transition, in order. They must not block and must not call the Deployer.
	Observers []func(Deployment)
	// Notices are told whether a service is well or down: once at first and then whenever that changes. The same rules hold.
	Notices []func(Notice)
}

// Deployer carries out deployments. Its methods may be called from any goroutine, also before Run.
type Deployer struct {
	Options
	pulls chan struct{}

	// mu makes decide-and-record one atomic step, so that simultaneous webhooks are claimed once. It is held while the
	// journal commits (well under a millisecond on an SSD), and for nothing else that waits.
	mu       sync.Mutex
	table    atomic.Pointer[map[string]*lane] // by service; a map in it never changes, another one takes its place
	leaving  map[string]*lane                 // of services that were removed, until nobody is at work for them
	drains   map[string]string                // the services of releases that have requests to be ended and get no new ones
	removing map[string]bool                  // services whose containers somebody stops or removes, since they are no longer in the configuration
	orders   map[string]Order                 // of the pushes of services without a lane
	loans    map[string]loan                  // by "host/prefix"
	orphans  Change                           // what ends of services without a lane, and is not in the journal yet
	lookups  []Lookup
	arrival  int64
	news     chan struct{} // closed and replaced whenever a deployment moves or tells something
	reports  int64         // how many there were
	undone   string        // what was told last could not be applied of the configuration; empty: nothing, or that is over
	down     error         // why the runtime did not answer the last time; nil when it did

	restored time.Time     // when routes and containers were brought together; zero before that
	kick     chan struct{} // one token: the containers are to be looked at
	hire     chan struct{} // one token: there are lanes that nobody runs
	swept    bool          // no container of a RunOnce is left that nobody waits for
	sweeping chan struct{} // has a value while they are removed

	arranging  sync.Mutex // held by the one that changes which services there are; taken before switching
	unfinished []Service  // of the configuration that could not be applied whole; nil: it could. Guarded by arranging

	switching sync.Mutex          // orders all changes of where traffic goes; taken before mu
	renamed   map[string][]string // what Names was told last; nil: it has to be told; guarded by switching
}

// ErrPastSwitch is returned for a deployment that can no longer be cancelled.
var ErrPastSwitch = errors.New("past the switch")

// ErrEnded is returned for a deployment that has ended.
var ErrEnded = errors.New("has ended already")

// errNotRestored is why nothing is done to what runs: it is not known yet.
var errNotRestored = errors.New("the containers that run have not been listed yet")

// InvalidError is a request that cannot be carried out as it stands; its text is for a person.
type InvalidError struct{ Reason string }

func (e *InvalidError) Error() string { return e.Reason }

// New reads the journal. Nothing moves before Run.
func New(o Options) (*Deployer, error) {
	if o.Pulls <= 0 {
		o.Pulls = 3
	}
	d := &Deployer{
		Options: o, pulls: make(chan struct{}, o.Pulls), kick: make(chan struct{}, 1), news: make(chan struct{}),
		hire: make(chan struct{}, 1), leaving: map[string]*lane{}, drains: map[string]string{}, removing: map[string]bool{}, loans: map[string]loan{},
		sweeping: make(chan struct{}, 1),
	}
	memory, err := o.Journal.Load()
	if err != nil {
		return nil, fmt.Errorf("load journal: %w", err)
	}
	d.arrival = memory.Arrival + int64(time.Millisecond) // where ids are of one millisecond, they sort within a process only
	d.arrival = max(d.arrival, time.Now().UnixNano())    // an older fisherman's steps have no ticks, and passed after the arrival
	d.orders = memory.Orders
	lanes := map[string]*lane{}
	for _, s := range o.Services {
		lanes[s.Name] = newLane(d, s, memory.Orders[s.Name])
	}
	d.table.Store(&lanes)
	for _, l := range memory.Lookups {
		if d.lanes()[l.Service] != nil {
			d.lookups = append(d.lookups, l)
			continue
		}
		l.Done = true
		d.orphans.Lookups = append(d.orphans.Lookups, l)
	}
	if err := d.recallLive(); err != nil {
		return nil, err
	}
	for _, l := range d.lanes() {
		if err := l.recallWanted(); err != nil {
			return nil, err
		}
	}
	d.recallLoans()
	d.recallActive(memory.Active)
	d.recallLeft()
	return d, nil
}

// recallLive finds the deployments that Traffic says are live.
func (d *Deployer) recallLive() error {
	for service, id := range d.Traffic.Live() {
		l := d.lanes()[service]
		if l == nil {
			continue
		}
		live, err := d.Journal.Deployment(id)
		if errors.Is(err, ErrNotFound) {
			live, err = Deployment{ID: id, Service: service, State: Succeeded, Image: l.service().Image}, nil
		}
		if err != nil {
			return fmt.Errorf("read live deployment %s of %s: %w", id, service, err)
		}
		l.live = &live
	}
	return nil
}

// recallWanted finds what has been promised to be tried again: what ended last, and did so because its service lacked something.
func (l *lane) recallWanted() error {
	last, err := l.d.Journal.Deployments(l.service().Name, 1)
	if err != nil {
		return fmt.Errorf("read the newest deployment of %s: %w", l.service().Name, err)
	}
	if len(last) > 0 && last[0].State == Cancelled && strings.HasPrefix(last[0].Reason, noContainer) {
		l.wanted = &last[0]
	}
	return nil
}

// drainForgotten is the drain time of a service whose configuration nobody knows any more: the default one.
const drainForgotten = 30 * time.Second

// recallLeft finds the services that have routes and are no longer in the configuration: they leave it now.
func (d *Deployer) recallLeft() {
	for service := range d.Traffic.Live() {
		if d.lanes()[service] == nil {
			l := newLane(d, Service{Name: service, Drain: drainForgotten}, d.orders[service])
			l.removed = true
			close(l.leave)
			d.leaving[service] = l
		}
	}
}

// recallActive puts what had not ended back on its lane; what belongs to no lane any more ends, as what its traffic went to: its
// routes are taken away next.
func (d *Deployer) recallActive(active []Deployment) {
	live := d.Traffic.Live()
	for _, a := range active {
		if l := d.lanes()[a.Service]; l != nil {
			l.active = append(l.active, &job{Deployment: a, id: a.ID})
			continue
		}
		d.orphans.Deployments = append(d.orphans.Deployments, a.dismissed(live[a.Service], time.Now()))
	}
	d.endOrphans()
}

// endOrphans writes down the end of what services had on their way that left the configuration while the program did not run.
func (d *Deployer) endOrphans() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.orphans.Deployments)+len(d.orphans.Lookups) == 0 {
		return
	}
	c := d.orphans
	c.Deployments = d.stampLocked(c.Deployments) // anew with each try: no later step has a lower tick
	if err := d.Journal.Commit(c); err != nil {
		d.Log.Error().Err(err).Msg("cannot end the deployments of removed services; trying again")
		return
	}
	d.orphans = Change{}
}

// Run carries out deployments until ctx ends, then waits for everything it started. What was interrupted goes on at
// the next start.
func (d *Deployer) Run(ctx context.Context) error {
	if err := d.restore(ctx); err != nil {
		return ignoreDone(ctx, err)
	}
	var parts sync.WaitGroup
	defer parts.Wait()
	parts.Go(func() { d.follow(ctx) })
	for {
		for _, l := range d.unhired() {
			parts.Go(func() { l.work(ctx) })
		}
		select {
		case <-d.hire:
		case <-ctx.Done():
			return nil
		}
	}
}

// lanes are the services of this moment. The map must not be changed.
func (d *Deployer) lanes() map[string]*lane { return *d.table.Load() }

// unhired are the lanes that nobody runs yet; the caller does from now on.
func (d *Deployer) unhired() (lanes []*lane) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hire := func(l *lane) {
		for ; l != nil; l = l.before {
			if !l.hired {
				l.hired = true
				lanes = append(lanes, l)
			}
		}
	}
	for _, l := range d.lanes() {
		hire(l)
	}
	for _, l := range d.leaving {
		hire(l)
	}
	return lanes
}

func ignoreDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Ready returns why deployments cannot be carried out at this moment, or nil.
func (d *Deployer) Ready() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down == nil && d.restored.IsZero() {
		return errNotRestored
	}
	return d.down
}

func (d *Deployer) isRestored() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.restored.IsZero() {
		return errNotRestored
	}
	return nil
}

// Deployment returns one by id; ErrNotFound. Of one that is on its way it has the notes that are not in the journal yet.
func (d *Deployer) Deployment(id string) (Deployment, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, err := d.Journal.Deployment(id)
	if l := d.lanes()[known.Service]; err == nil && l != nil && l.job(id) != nil {
		return l.job(id).Deployment, nil
	}
	return known, err
}

// Deployments lists the newest first, of one service or, with an empty name, of all.
func (d *Deployer) Deployments(service string, limit int) ([]Deployment, error) {
	if service != "" && d.lanes()[service] == nil {
		return nil, d.unknown(service)
	}
	return d.Journal.Deployments(service, limit)
}

// unknown words that there is no such service, and names the nearest first.
func (d *Deployer) unknown(service string) error {
	names := slices.Sorted(maps.Keys(d.lanes()))
	all := "the configuration names " + strings.Join(names, ", ")
	if near := Nearest(service, names); len(near) > 0 {
		return fmt.Errorf("service %q %w: did you mean %s? (%s)", service, ErrNotFound, strings.Join(near, " or "), all)
	}
	return fmt.Errorf("service %.64q %w: %s", service, ErrNotFound, all)
}

// nextArrivalLocked is the next tick of the logical clock: at least the wall clock, so that it makes sense to a reader, and
// never one that was before, though that clock may be set back.
func (d *Deployer) nextArrivalLocked() int64 {
	d.arrival = max(d.arrival+1, time.Now().UnixNano())
	return d.arrival
}
