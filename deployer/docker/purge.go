package docker

import (
	"context"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"golang.org/x/sync/errgroup"
)

// Forget removes every image of a repository ("127.0.0.1:41234/o/web"), whoever pulled it: for a registry of one's own,
// whose pulls an interrupt may have left without a tag.
func (e *Engine) Forget(ctx context.Context, repository string) error {
	var found []image.Summary
	err := e.ask(ctx, "list images of "+repository, func(ctx context.Context) (err error) {
		found, err = e.api.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("reference", repository))})
		return err
	})
	if err != nil {
		return err
	}
	for _, i := range found {
		err := e.ask(ctx, "remove image "+i.ID, func(ctx context.Context) error {
			_, err := e.api.ImageRemove(ctx, i.ID, image.RemoveOptions{Force: true})
			return err
		})
		if err := unless(cerrdefs.IsNotFound, err); err != nil {
			return err
		}
	}
	return nil
}

// Purge removes everything that is ours: containers at once, without their stop time, images, and the network if
// fisherman made it. It is for those who leave nothing behind.
func (e *Engine) Purge(ctx context.Context) error {
	found, err := e.labelled(ctx, "")
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
