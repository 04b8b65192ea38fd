package docker

import (
	"context"

	"golang.org/x/sync/errgroup"

	"fisherman/deployer"
)

// Preflight implements deployer.Runtime. Nothing is fetched and nothing is asked of a registry, so it costs a few
// milliseconds; the image's platform is Pull's to see to, which asks for it while it downloads. A question that
// cannot be answered refuses nothing: whoever acts next finds out.
func (e *Engine) Preflight(ctx context.Context, r deployer.Release) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return e.checkDisk(ctx, r) })
	group.Go(func() error { return e.checkMemory(ctx, r) })
	return group.Wait()
}

// unanswered notes that a question of the preflight stays open.
func (e *Engine) unanswered(what string, err error) {
	e.log.Debug().Err(err).Msg("preflight: cannot tell " + what)
}
