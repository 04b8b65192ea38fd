package docker

import (
	"context"
	"errors"
	"slices"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"
)

// Halt implements deployer.Runtime.
func (e *Engine) Halt(ctx context.Context, id string, grace time.Duration) error {
	return e.each(ctx, id, func(ctx context.Context, c container.Summary) error {
		if isOnce(c) {
			return nil
		}
		return e.stop(ctx, c, grace)
	})
}

// Retire implements deployer.Runtime. Volumes are left alone, unnamed ones too: a deployment never deletes data.
func (e *Engine) Retire(ctx context.Context, id string) error {
	return e.each(ctx, id, func(ctx context.Context, c container.Summary) error {
		if err := e.stop(ctx, c, 0); err != nil {
			return err
		}
		return e.remove(ctx, c.ID, title(c))
	})
}

// Shrink implements deployer.Runtime.
func (e *Engine) Shrink(ctx context.Context, id string, containers []string) error {
	return e.each(ctx, id, func(ctx context.Context, c container.Summary) error {
		if !slices.Contains(containers, c.ID) {
			return nil
		}
		if err := e.stop(ctx, c, 0); err != nil {
			return err
		}
		return e.remove(ctx, c.ID, title(c))
	})
}

// each does something to every container of a deployment, to all of them even if some fail.
func (e *Engine) each(ctx context.Context, id string, do func(context.Context, container.Summary) error) error {
	if id == "" {
		return errors.New("no deployment named: refusing to take every container for one")
	}
	found, err := e.labelled(ctx, id)
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, c := range found {
		group.Go(func() error { return do(ctx, c) })
	}
	return group.Wait()
}

// stop gives a container its grace, or with 0 the stop time it was created with, and the engine some more to answer. When ctx
// ends first, the engine goes on by itself: SIGTERM, and SIGKILL when the time is over.
func (e *Engine) stop(ctx context.Context, c container.Summary, grace time.Duration) error {
	switch c.State {
	case container.StateCreated, container.StateExited, container.StateDead, container.StateRemoving:
		return nil
	}
	var options container.StopOptions
	if grace > 0 {
		whole := seconds(grace)
		options.Timeout = &whole
	} else {
		found, err := e.inspect(ctx, c.ID)
		if err != nil {
			return unless(cerrdefs.IsNotFound, err)
		}
		if made := found.Config.StopTimeout; made != nil {
			grace = time.Duration(*made) * time.Second
		}
	}
	err := e.askWithin(ctx, grace+patience, "stop container "+title(c), func(ctx context.Context) error {
		return e.api.ContainerStop(ctx, c.ID, options)
	})
	return unless(cerrdefs.IsNotFound, err)
}

// remove forgives a container that is gone, and waits for one that someone else removes at this moment.
func (e *Engine) remove(ctx context.Context, id, name string) error {
	e.whole.Delete(id)
	err := e.ask(ctx, "remove container "+name, func(ctx context.Context) error {
		err := e.api.ContainerRemove(ctx, id, container.RemoveOptions{Force: true})
		if cerrdefs.IsConflict(err) {
			return e.untilRemoved(ctx, id)
		}
		return err
	})
	return unless(cerrdefs.IsNotFound, err)
}

func (e *Engine) untilRemoved(ctx context.Context, id string) error {
	removed, failed := e.api.ContainerWait(ctx, id, container.WaitConditionRemoved)
	select {
	case <-removed:
		return nil
	case err := <-failed:
		return err
	}
}
