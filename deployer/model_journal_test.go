package deployer_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"fisherman/deployer"
)

// notebook is a journal in memory, for thousands of runs in seconds. TestTheNotebookIsAJournal compares it with the one
// on disk.
type notebook struct {
	mu          sync.Mutex
	deployments map[string]deployer.Deployment
	ids         []string // sorted
	judged      map[[2]string]bool
	deliveries  map[[2]string][]string
	orders      map[string]deployer.Order
	lookups     map[[2]string]deployer.Lookup
	arrival     int64
	full        bool // no change can be written
}

func newNotebook() *notebook {
	return &notebook{
		deployments: map[string]deployer.Deployment{}, judged: map[[2]string]bool{}, deliveries: map[[2]string][]string{},
		orders: map[string]deployer.Order{}, lookups: map[[2]string]deployer.Lookup{},
	}
}

var _ deployer.Journal = (*notebook)(nil)

func (n *notebook) Commit(c deployer.Change) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.full && changes(c) {
		return errors.New("no space left on device")
	}
	for _, d := range c.Deployments {
		n.put(d)
	}
	maps.Copy(n.orders, c.Orders)
	for _, l := range c.Lookups {
		k := [2]string{l.Service, l.Trigger.Digest}
		if n.lookups[k] = l; l.Done {
			delete(n.lookups, k)
		}
	}
	if d := c.Delivery; d != nil {
		n.deliveries[[2]string{d.Repository, d.ID}] = d.Deployments
	}
	return nil
}

// changes reports whether a change has something in it; one of nothing always succeeds.
func changes(c deployer.Change) bool {
	return len(c.Deployments)+len(c.Orders)+len(c.Lookups) > 0 || c.Delivery != nil
}

func (n *notebook) put(d deployer.Deployment) {
	if at, known := slices.BinarySearch(n.ids, d.ID); !known {
		n.ids = slices.Insert(n.ids, at, d.ID)
	}
	n.deployments[d.ID] = d
	n.arrival = max(n.arrival, d.Clock())
	if d.State.Judges() && d.Digest != "" {
		n.judged[[2]string{d.Service, d.Digest}] = true
	}
}

func (n *notebook) Load() (deployer.Memory, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := deployer.Memory{Orders: maps.Clone(n.orders), Arrival: n.arrival}
	for _, id := range n.ids {
		if d := n.deployments[id]; !d.State.Ended() {
			m.Active = append(m.Active, d)
		}
	}
	slices.SortStableFunc(m.Active, func(a, b deployer.Deployment) int { return cmp.Compare(a.Arrival, b.Arrival) })
	for _, l := range n.lookups {
		m.Lookups = append(m.Lookups, l)
	}
	slices.SortFunc(m.Lookups, func(a, b deployer.Lookup) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Trigger.Digest, b.Trigger.Digest))
	})
	return m, nil
}

func (n *notebook) Deployment(id string) (deployer.Deployment, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if d, known := n.deployments[id]; known {
		return d, nil
	}
	return deployer.Deployment{}, fmt.Errorf("deployment %q %w", id, deployer.ErrNotFound)
}

func (n *notebook) Deployments(service string, limit int) ([]deployer.Deployment, error) {
	return n.newest(limit, func(d deployer.Deployment) bool { return service == "" || d.Service == service }), nil
}

func (n *notebook) Steps(after int64, limit int) (list []deployer.Passed, _ error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, id := range n.ids {
		for i, s := range n.deployments[id].Steps {
			if s.Tick > after {
				list = append(list, deployer.Passed{Deployment: n.deployments[id], Step: i})
			}
		}
	}
	slices.SortFunc(list, func(a, b deployer.Passed) int {
		return cmp.Compare(a.Deployment.Steps[a.Step].Tick, b.Deployment.Steps[b.Step].Tick)
	})
	return list[:min(len(list), limit)], nil
}

func (n *notebook) Succeeded(service string, limit int) ([]deployer.Deployment, error) {
	return n.newest(limit, func(d deployer.Deployment) bool {
		return d.Service == service && d.State == deployer.Succeeded
	}), nil
}

func (n *notebook) newest(limit int, match func(deployer.Deployment) bool) []deployer.Deployment {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []deployer.Deployment
	for _, id := range slices.Backward(n.ids) {
		if d := n.deployments[id]; len(list) < limit && match(d) {
			list = append(list, d)
		}
	}
	return list
}

func (n *notebook) Judged(service, digest string) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.judged[[2]string{service, digest}], nil
}

func (n *notebook) Delivery(repository, id string) ([]string, bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ids, known := n.deliveries[[2]string{repository, id}]
	return ids, known, nil
}

func (n *notebook) fill(full bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.full = full
}

// move moves every time that is written.
func (n *notebook) move(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, known := range n.deployments {
		n.deployments[id] = moved(known, d)
	}
	for k, l := range n.lookups {
		l.Since = l.Since.Add(d)
		n.lookups[k] = l
	}
	n.arrival += int64(d)
}

func moved(of deployer.Deployment, d time.Duration) deployer.Deployment {
	of.CreatedAt, of.Arrival = of.CreatedAt.Add(d), of.Arrival+int64(d)
	if !of.FinishedAt.IsZero() {
		of.FinishedAt = of.FinishedAt.Add(d)
	}
	of.Steps, of.Notes = slices.Clone(of.Steps), slices.Clone(of.Notes)
	for i := range of.Steps {
		of.Steps[i].At = of.Steps[i].At.Add(d)
		if of.Steps[i].Tick > 0 {
			of.Steps[i].Tick += int64(d)
		}
	}
	for i := range of.Notes {
		of.Notes[i].At = of.Notes[i].At.Add(d)
	}
	return of
}
