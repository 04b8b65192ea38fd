package docker

import (
	"context"
	"fmt"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"
)

// ensureNetwork creates the network when it is missing. One that was there before is used as it is.
func (e *Engine) ensureNetwork(ctx context.Context) error {
	_, err := e.inspectNetwork(ctx)
	if !cerrdefs.IsNotFound(err) {
		return err
	}
	return e.ask(ctx, "create network "+e.network, func(ctx context.Context) error {
		_, err := e.api.NetworkCreate(ctx, e.network, network.CreateOptions{
			Driver: "bridge",
			Labels: map[string]string{labelNetwork: e.network},
		})
		return err
	})
}

// RemoveNetwork removes the network if fisherman made it; another's stays. None is not an error, nor is one that Docker keeps
// though nobody is on it: now and then it loses count of who is (github.com/moby/moby/issues/43286), and until it is restarted
// nothing helps.
func (e *Engine) RemoveNetwork(ctx context.Context) error {
	found, err := e.inspectNetwork(ctx)
	if cerrdefs.IsNotFound(err) || err == nil && found.Labels[labelNetwork] != e.network {
		return nil
	}
	if err != nil {
		return err
	}
	err = e.ask(ctx, "remove network "+e.network, func(ctx context.Context) error {
		return e.api.NetworkRemove(ctx, found.ID)
	})
	if cerrdefs.IsPermissionDenied(err) && e.isDeserted(ctx) {
		e.log.Error().Err(err).Str("network", e.network).Msg("Docker keeps a network that nobody is on; once Docker has been restarted, docker network rm removes it")
		return nil
	}
	return unless(cerrdefs.IsNotFound, err)
}

// isDeserted reports whether no container is on the network.
func (e *Engine) isDeserted(ctx context.Context) bool {
	found, err := e.inspectNetwork(ctx)
	return err == nil && len(found.Containers) == 0
}

func (e *Engine) inspectNetwork(ctx context.Context) (found network.Inspect, err error) {
	err = e.ask(ctx, fmt.Sprintf("inspect network %s", e.network), func(ctx context.Context) error {
		found, err = e.api.NetworkInspect(ctx, e.network, network.InspectOptions{})
		return err
	})
	return found, err
}

// unless forgives an error that means the work was done already.
func unless(forgiven func(error) bool, err error) error {
	if err != nil && forgiven(err) {
		return nil
	}
	return err
}
