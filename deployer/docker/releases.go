package docker

import (
	"context"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"fisherman/deployer"
)

// Releases implements deployer.Runtime, in the order of deployments: one listing, and one look at each container of a
// release that stopped.
func (e *Engine) Releases(ctx context.Context) ([]deployer.Running, error) {
	found, err := e.containers(ctx, "")
	if err != nil {
		return nil, err
	}
	all := e.group(found)
	for i := range all {
		if all[i].Up(1) {
			continue
		}
		if all[i].StoppedAt, err = e.stoppedAt(ctx, all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// group makes releases of containers that come in the order of their deployments.
func (e *Engine) group(found []container.Summary) []deployer.Running {
	var all []deployer.Running
	for _, c := range found {
		if id := c.Labels[labelDeployment]; len(all) == 0 || all[len(all)-1].ID != id {
			all = append(all, deployer.Running{
				Service: c.Labels[labelService], ID: id,
				Digest: c.Labels[labelDigest], Spec: c.Labels[labelSpec],
			})
		}
		last := &all[len(all)-1]
		last.Replicas = append(last.Replicas, e.replica(c))
	}
	return all
}

func (e *Engine) replica(c container.Summary) deployer.Replica {
	return deployer.Replica{Container: c.ID, Address: e.address(c), Running: c.State == container.StateRunning}
}

// stoppedAt is when the last container of a release ended; one that never ran counts from its creation.
func (e *Engine) stoppedAt(ctx context.Context, r deployer.Running) (last time.Time, err error) {
	for _, replica := range r.Replicas {
		found, err := e.inspect(ctx, replica.Container)
		if cerrdefs.IsNotFound(err) {
			continue
		}
		if err != nil {
			return last, err
		}
		for _, at := range []string{found.Created, found.State.FinishedAt} {
			if t, err := time.Parse(time.RFC3339Nano, at); err == nil && t.After(last) {
				last = t
			}
		}
	}
	return last, nil
}
