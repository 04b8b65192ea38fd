package docker

import (
	"cmp"
	"context"
	"errors"

	"fisherman/deployer"
)

// Prober implements deployer.Runtime. It asks what Await asks, but for what cannot be asked: there, being listed as running is
// enough. An answer that wraps deployer.ErrUnavailable says nothing about the replica: the engine, which has to run the
// image's HEALTHCHECK, did not answer.
func (e *Engine) Prober(ctx context.Context, r deployer.Release) (deployer.Probe, error) {
	k, err := e.checkOf(ctx, r)
	if err != nil {
		return deployer.Probe{}, err
	}
	ask := func(ctx context.Context, c deployer.Replica) error {
		switch {
		case !c.Running:
			return errors.New(cmp.Or(c.Ended, "it does not run"))
		case k.steady:
			return nil
		}
		return k.once(ctx, target{container: c.Container, address: c.Address})
	}
	return deployer.Probe{What: k.what, Every: k.every, Ask: ask}, nil
}
