package docker

import (
	"context"

	cerrdefs "github.com/containerd/errdefs"
)

// Restarts implements deployer.Runtime. Docker counts anew whenever someone starts a container by hand.
func (e *Engine) Restarts(ctx context.Context, id string) (n int, err error) {
	found, err := e.containers(ctx, id)
	if err != nil {
		return 0, err
	}
	for _, c := range found {
		made, err := e.inspect(ctx, c.ID)
		switch {
		case cerrdefs.IsNotFound(err):
		case err != nil:
			return 0, err
		default:
			n += made.RestartCount
		}
	}
	return n, nil
}
