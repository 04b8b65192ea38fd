package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"

	"fisherman/deployer"
)

// parallel caps the containers worked on at once: a small machine is only slowed by more.
const parallel = 8

// Make implements deployer.Runtime.
func (e *Engine) Make(ctx context.Context, r deployer.Release) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for n := range r.Service.Replicas {
		group.Go(func() error { return e.makeReplica(ctx, r, n) })
	}
	return group.Wait()
}

// makeReplica leaves under the replica's name what Start can take as it is.
func (e *Engine) makeReplica(ctx context.Context, r deployer.Release, n int) error {
	id, err := e.create(ctx, r, n)
	if cerrdefs.IsConflict(err) {
		var what verdict
		if id, what, err = e.namesake(ctx, r, n); err != nil || what != replaced {
			return err
		}
		id, err = e.replace(ctx, r, n, id)
	}
	if err == nil {
		e.whole.Store(id, true)
	}
	return err
}

// Start implements deployer.Runtime. It creates without looking first: an engine that is asked less answers sooner, and
// names that are taken tell what an earlier Start left. It looks for what has an earlier configuration, though: of today's
// the engine may refuse to make anything, before it comes to the name.
func (e *Engine) Start(ctx context.Context, r deployer.Release) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for n := range r.Service.Replicas {
		group.Go(func() error { return e.startReplica(ctx, r, n) })
	}
	return group.Wait()
}

func (e *Engine) startReplica(ctx context.Context, r deployer.Release, n int) error {
	if isEarlier(r) {
		if _, err := e.inspect(ctx, e.containerName(r, n)); err == nil {
			return e.resume(ctx, r, n)
		}
	}
	id, err := e.create(ctx, r, n)
	if cerrdefs.IsConflict(err) {
		return e.resume(ctx, r, n)
	}
	if err != nil {
		return err
	}
	return e.run(ctx, id, e.containerName(r, n))
}

// create is not interrupted by ctx: the engine would finish it unseen, and a Retire that follows would miss it. One that a crash
// leaves without its files has never run, and is replaced.
func (e *Engine) create(ctx context.Context, r deployer.Release, n int) (string, error) {
	name := e.containerName(r, n)
	config, err := e.containerConfig(r, n)
	if err != nil {
		return "", fmt.Errorf("create container %s: %w", name, err)
	}
	made, err := e.make(ctx, config, e.hostConfig(r.Service), r.Service, name)
	if err == nil && len(made.Warnings) > 0 { // such as a limit that this kernel cannot hold
		e.log.Warn().Str("service", r.Service.Name).Str("deployment", r.ID).Strs("said", made.Warnings).Str("container", name).Msg("Docker made the container with reservations")
	}
	if err == nil {
		err = e.putFiles(context.WithoutCancel(ctx), made.ID, name, r.Service.Files)
	}
	return made.ID, withoutSource(err)
}

// run is not interrupted by ctx either: the engine would go on, and a Halt that follows would find nothing to stop.
func (e *Engine) run(ctx context.Context, id, name string) error {
	return portTaken(e.ask(context.WithoutCancel(ctx), "start container "+name, func(ctx context.Context) error {
		return e.api.ContainerStart(ctx, id, container.StartOptions{})
	}))
}

// isEarlier reports whether the release's containers were made with another configuration than today's, or may
// have been.
func isEarlier(r deployer.Release) bool {
	return r.Service.Lacks != "" || r.Spec != "" && r.Spec != r.Service.Spec()
}

// resume makes what has the replica's name run: it goes on as it is, is started again, or is replaced.
func (e *Engine) resume(ctx context.Context, r deployer.Release, n int) error {
	name := e.containerName(r, n)
	id, what, err := e.namesake(ctx, r, n)
	if err != nil {
		return err
	}
	e.whole.Delete(id)
	switch what {
	case goesOn:
		return nil
	case startsAgain:
		err := e.run(ctx, id, name)
		if err == nil || ctx.Err() != nil || errors.Is(err, deployer.ErrUnavailable) || isEarlier(r) {
			return err // what has an earlier configuration could not be made again
		}
		// An engine that died at it may never be able to start this one again: a new one takes its place.
	}
	if id, err = e.replace(ctx, r, n, id); err != nil {
		return err
	}
	return e.run(ctx, id, name)
}

// namesake finds what has the replica's name, and judges it. What is foreign is an error.
func (e *Engine) namesake(ctx context.Context, r deployer.Release, n int) (id string, what verdict, err error) {
	name := e.containerName(r, n)
	found, err := e.inspect(ctx, name)
	if cerrdefs.IsNotFound(err) {
		return "", foreign, unavailable(err, "container %s was removed at this moment", name)
	}
	if err != nil {
		return "", foreign, err
	}
	want := e.labels(r, n)
	want[labelSpec] = cmp.Or(r.Spec, want[labelSpec])
	_, whole := e.whole.Load(found.ID)
	if what = fate(found, want, whole); what == foreign {
		err = fmt.Errorf("create container %s: a container that is not fisherman's has that name; rename or remove it", name)
	}
	return found.ID, what, err
}

// replace removes what has the replica's name and creates it anew.
func (e *Engine) replace(ctx context.Context, r deployer.Release, n int, id string) (string, error) {
	name := e.containerName(r, n)
	if err := possible(r.Service); err != nil {
		return "", fmt.Errorf("replace container %s: %w", name, err)
	}
	if err := e.remove(ctx, id, name); err != nil {
		return "", err
	}
	e.dropEndpoint(ctx, name)
	return e.create(ctx, r, n)
}

// dropEndpoint makes the network forget a container that is gone. An engine that died while it started one remembers its
// endpoint, and would never start another of that name.
func (e *Engine) dropEndpoint(ctx context.Context, name string) {
	_ = e.ask(ctx, "disconnect "+name, func(ctx context.Context) error {
		return e.api.NetworkDisconnect(ctx, e.network, name, true)
	}) // none is there, as a rule
}

// setPolicy says whether the engine restarts a container by itself.
func (e *Engine) setPolicy(ctx context.Context, id, name string, policy container.RestartPolicyMode) error {
	return e.ask(ctx, fmt.Sprintf("set restart policy %s on container %s", policy, name), func(ctx context.Context) error {
		_, err := e.api.ContainerUpdate(ctx, id, container.UpdateConfig{RestartPolicy: container.RestartPolicy{Name: policy}})
		return err
	})
}

func (e *Engine) inspect(ctx context.Context, id string) (found container.InspectResponse, err error) {
	err = e.ask(ctx, "inspect container "+id, func(ctx context.Context) error {
		found, err = e.api.ContainerInspect(ctx, id)
		return err
	})
	return found, err
}
