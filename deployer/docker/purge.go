package docker

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Purge removes everything that is ours: containers at once, without their stop time, images, and the network if
// fisherman made it. It is for those who leave nothing behind.
func (e *Engine) Purge(ctx context.Context) error {
	found, err := e.containers(ctx, "")
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, c := range found {
		group.Go(func() error { return e.remove(ctx, c.ID, title(c)) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := e.forget(ctx, e.ours); err != nil {
		return err
	}
	return e.RemoveNetwork(ctx)
}
