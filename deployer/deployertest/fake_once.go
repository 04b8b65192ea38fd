package deployertest

import (
	"context"
	"fmt"
	"maps"

	"fisherman/deployer"
)

// task is the container of a RunOnce.
type task struct {
	service string
	waited  bool // somebody waits for it
	kill    context.CancelFunc
	gone    chan struct{}
}

// RunOnce implements deployer.Runtime.
func (f *Fake) RunOnce(ctx context.Context, r deployer.Release, what string, _ []string, output func(string)) error {
	f.clear(func(t *task) bool { return t.service == r.Service.Name })
	script, err := f.call(what, r.Service.Name, r.Digest)
	if err != nil {
		return err
	}
	if err := f.hasImage(r); err != nil {
		return err
	}
	life, t := f.put(ctx, r.Service.Name)
	defer f.drop(t)
	for _, line := range script.said() {
		output(line)
	}
	if err := script.Once.take(life); err != nil {
		return fmt.Errorf("`%s` of %s: %w", what, r.Service.Name, err)
	}
	return nil
}

func (f *Fake) hasImage(r deployer.Release) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, pulled := f.images[r.Service.Name][r.ID]; !pulled {
		return fmt.Errorf("create container of %s: no image for deployment %s; pull it first", r.Service.Name, r.ID)
	}
	return nil
}

func (f *Fake) put(ctx context.Context, service string) (context.Context, *task) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := &task{service: service, waited: true, gone: make(chan struct{})}
	life, kill := context.WithCancel(ctx)
	t.kill = kill
	f.tasks[t] = true
	return life, t
}

func (f *Fake) drop(t *task) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t.kill()
	delete(f.tasks, t)
	close(t.gone)
}

// Sweep implements deployer.Runtime.
func (f *Fake) Sweep(context.Context) error {
	f.mu.Lock()
	away := f.away
	f.mu.Unlock()
	if away == nil {
		f.clear(func(*task) bool { return true })
	}
	return away
}

// clear ends the tasks that nobody waits for.
func (f *Fake) clear(which func(*task) bool) {
	f.mu.Lock()
	var left []*task
	for t := range maps.Keys(f.tasks) {
		if !t.waited && which(t) {
			left = append(left, t)
		}
	}
	f.mu.Unlock()
	for _, t := range left {
		t.kill()
		<-t.gone
		_, _ = f.call("sweep", t.service, "")
	}
}

// Forsake is the end of whoever waits for the tasks: those that there are go on until they are swept.
func (f *Fake) Forsake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for t := range f.tasks {
		t.waited = false
	}
}

// Abandon is Forsake for the tasks of one service.
func (f *Fake) Abandon(service string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for t := range f.tasks {
		t.waited = t.waited && t.service != service
	}
}

// Tasks counts the containers of RunOnce of a service that there are.
func (f *Fake) Tasks(service string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for t := range f.tasks {
		if t.service == service {
			n++
		}
	}
	return n
}
