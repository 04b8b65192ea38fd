package deployertest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fisherman/deployer"
)

// Preflight implements deployer.Runtime.
func (f *Fake) Preflight(ctx context.Context, r deployer.Release) error {
	script, err := f.call("preflight", r.Service.Name, r.Digest)
	if err != nil {
		return err
	}
	return script.Preflight.take(ctx)
}

// Pull implements deployer.Runtime.
func (f *Fake) Pull(ctx context.Context, r deployer.Release, progress func(deployer.Report)) (deployer.Image, error) {
	script, err := f.call("pull", r.Service.Name, r.Digest)
	if err != nil {
		return deployer.Image{}, err
	}
	progress(deployer.Report{Text: "pulling " + r.Digest})
	if err := script.Pull.take(ctx); err != nil {
		return deployer.Image{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retainLocked(r)
	return deployer.Image{Revision: script.Revision}, nil
}

// Make implements deployer.Runtime.
func (f *Fake) Make(ctx context.Context, r deployer.Release) error {
	script, err := f.call("make", r.Service.Name, r.Digest)
	if err != nil {
		return err
	}
	if err := script.Make.take(ctx); err != nil {
		return err
	}
	if err := f.create(r); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if made, ok := f.releases[r.ID]; ok {
		made.made = true
	}
	return nil
}

// Start implements deployer.Runtime. Like an engine it refuses a release whose image was not pulled.
func (f *Fake) Start(ctx context.Context, r deployer.Release) error {
	script, err := f.call("start", r.Service.Name, r.Digest)
	if err != nil {
		return err
	}
	if err := f.create(r); err != nil {
		return err
	}
	if err := script.Start.take(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.noteLocked()
	if made, ok := f.releases[r.ID]; ok {
		f.runLocked(made)
	}
	return nil
}

func (f *Fake) create(r deployer.Release) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.noteLocked()
	old, there := f.releases[r.ID]
	if r.Service.Lacks != "" && (!there || len(old.Replicas) < r.Service.Replicas) {
		return fmt.Errorf("create container of %s: %s: %w", r.Service.Name, r.Service.Lacks, deployer.ErrUnavailable)
	}
	if _, pulled := f.images[r.Service.Name][r.ID]; !pulled && !there {
		return fmt.Errorf("create container of %s: no image for deployment %s; pull it first", r.Service.Name, r.ID)
	}
	f.makeLocked(r)
	return nil
}

// Await implements deployer.Runtime: it ends with its Step, the health deadline, or a Die.
func (f *Fake) Await(ctx context.Context, r deployer.Release, progress func(deployer.Report)) ([]deployer.Replica, error) {
	script, err := f.call("await", r.Service.Name, r.Digest)
	if err != nil {
		return nil, err
	}
	alive, err := f.alive(r)
	if err != nil {
		return nil, err
	}
	for _, text := range append([]string{"waiting until healthy"}, script.Says...) {
		progress(deployer.Report{Text: text})
	}
	wait, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(alive, func() { cancel(context.Cause(alive)) })()
	if d := r.Service.Health.Deadline; d > 0 {
		late := fmt.Errorf("%s is not healthy after %s", r.Service.Name, d)
		timer := time.AfterFunc(d, func() { cancel(late) })
		defer timer.Stop()
	}
	if err := cmp.Or(script.Await.take(wait), context.Cause(alive)); err != nil {
		return nil, err
	}
	return f.replicas(r.ID), nil
}

func (f *Fake) replicas(id string) []deployer.Replica {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r, ok := f.releases[id]; ok {
		return slices.Clone(r.Replicas)
	}
	return nil
}

// alive is the context of a release's life.
func (f *Fake) alive(r deployer.Release) (context.Context, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	made, ok := f.releases[r.ID]
	if !ok || !made.ran {
		return nil, fmt.Errorf("await %s: deployment %s has no containers that run", r.Service.Name, r.ID)
	}
	return made.alive, nil
}

// Halt implements deployer.Runtime.
func (f *Fake) Halt(ctx context.Context, id string, _ time.Duration) error {
	return f.end(ctx, "halt", id, false)
}

// Retire implements deployer.Runtime.
func (f *Fake) Retire(ctx context.Context, id string) error { return f.end(ctx, "retire", id, true) }

func (f *Fake) end(ctx context.Context, verb, id string, remove bool) error {
	service, digest := f.known(id)
	script, err := f.call(verb, service, digest)
	if err != nil {
		return err
	}
	step := script.Halt
	if remove {
		step = script.Retire
	}
	if err := step.take(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.noteLocked()
	if r, ok := f.releases[id]; ok {
		r.die(errors.New("its containers were stopped"))
		f.stopLocked(r, "was stopped")
	}
	if remove {
		delete(f.releases, id)
	}
	return nil
}

// Shrink implements deployer.Runtime.
func (f *Fake) Shrink(_ context.Context, id string, containers []string) error {
	service, digest := f.known(id)
	if _, err := f.call("shrink", service, digest); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.noteLocked()
	r, ok := f.releases[id]
	if !ok {
		return nil
	}
	r.Replicas = slices.DeleteFunc(slices.Clone(r.Replicas), func(c deployer.Replica) bool {
		gone := slices.Contains(containers, c.Container)
		if gone {
			f.eventLocked(event{service: r.Service})
		}
		return gone
	})
	return nil
}

// Clean implements deployer.Runtime.
func (f *Fake) Clean(_ context.Context, service string, keep []string) error {
	if _, err := f.call("clean", service, ""); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := range f.images[service] {
		if !slices.Contains(keep, id) {
			delete(f.images[service], id)
		}
	}
	return nil
}

// Retained implements deployer.Runtime.
func (f *Fake) Retained(_ context.Context, service string) ([]string, error) {
	f.mu.Lock()
	away := f.away
	f.mu.Unlock()
	return f.Images(service), away
}

// Restarts implements deployer.Runtime.
func (f *Fake) Restarts(_ context.Context, id string) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r, ok := f.releases[id]; ok {
		return r.restarts, f.away
	}
	return 0, f.away
}

// Prober implements deployer.Runtime: a replica that runs is well unless Sicken says otherwise.
func (f *Fake) Prober(_ context.Context, r deployer.Release) (deployer.Probe, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return deployer.Probe{What: "a look", Every: 5 * time.Second, Ask: f.ask}, f.away
}

func (f *Fake) ask(_ context.Context, r deployer.Replica) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if why, sick := f.sick[r.Container]; sick {
		return why
	}
	for _, release := range f.releases {
		if slices.ContainsFunc(release.Replicas, func(c deployer.Replica) bool {
			return c.Container == r.Container && c.Running && c.Address == r.Address
		}) {
			return nil
		}
	}
	return errors.New("connection refused")
}

// Releases implements deployer.Runtime, in the order of ids.
func (f *Fake) Releases(context.Context) ([]deployer.Running, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := []deployer.Running{}
	for _, r := range f.releases {
		copied := r.Running
		copied.Replicas = slices.Clone(r.Replicas)
		all = append(all, copied)
	}
	slices.SortFunc(all, func(a, b deployer.Running) int { return strings.Compare(a.ID, b.ID) })
	return all, f.away
}

// Watch implements deployer.Runtime; it ends with the engine being Away.
func (f *Fake) Watch(ctx context.Context, changed func(service, fate string)) error {
	f.mu.Lock()
	seen := len(f.events)
	f.mu.Unlock()
	for {
		f.mu.Lock()
		fresh, pulse, away := slices.Clone(f.events[seen:]), f.pulse, f.away
		f.mu.Unlock()
		if away != nil {
			return away
		}
		for _, e := range fresh {
			changed(e.service, e.fate)
		}
		seen += len(fresh)
		select {
		case <-pulse:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
