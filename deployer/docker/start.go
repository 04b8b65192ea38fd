package docker

import (
	"context"
	"fmt"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"

	"fisherman/deployer"
)

// parallel caps the containers worked on at once: a small machine is only slowed by more.
const parallel = 8

// Start implements deployer.Runtime. It creates without looking first: an engine that is asked less answers sooner, and
// names that are taken tell what an earlier Start left.
func (e *Engine) Start(ctx context.Context, r deployer.Release) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for n := range r.Service.Replicas {
		group.Go(func() error { return e.startReplica(ctx, r, n) })
	}
	return group.Wait()
}

func (e *Engine) startReplica(ctx context.Context, r deployer.Release, n int) error {
	id, err := e.create(ctx, r, n)
	if cerrdefs.IsConflict(err) {
		return e.resume(ctx, r, n)
	}
	if err != nil {
		return err
	}
	return e.run(ctx, id, e.containerName(r, n))
}

// create is not interrupted by ctx: the engine would finish it unseen, and a Retire that follows would miss it.
func (e *Engine) create(ctx context.Context, r deployer.Release, n int) (string, error) {
	name := e.containerName(r, n)
	var made container.CreateResponse
	err := e.ask(context.WithoutCancel(ctx), "create container "+name, func(ctx context.Context) (err error) {
		made, err = e.api.ContainerCreate(ctx, e.containerConfig(r, n), e.hostConfig(), nil, nil, name)
		return err
	})
	return made.ID, err
}

func (e *Engine) run(ctx context.Context, id, name string) error {
	return e.ask(ctx, "start container "+name, func(ctx context.Context) error {
		return e.api.ContainerStart(ctx, id, container.StartOptions{})
	})
}

// resume makes what has the replica's name run: it goes on as it is, is started again, or is replaced.
func (e *Engine) resume(ctx context.Context, r deployer.Release, n int) error {
	name := e.containerName(r, n)
	found, err := e.inspect(ctx, name)
	if err != nil {
		return err
	}
	switch fate(found, e.labels(r, n)) {
	case foreign:
		return fmt.Errorf("create container %s: a container that is not fisherman's has that name; rename or remove it", name)
	case goesOn:
		return nil
	case startsAgain:
		return e.run(ctx, found.ID, name)
	}
	if err := e.remove(ctx, found.ID, name); err != nil {
		return err
	}
	id, err := e.create(ctx, r, n)
	if err != nil {
		return err
	}
	return e.run(ctx, id, name)
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
