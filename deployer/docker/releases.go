package docker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"

	"fisherman/deployer"
)

// lately is how long after a container's end it is asked whether the engine, on its own way out, has ended it.
const lately = time.Minute

// At a start every container is asked, and an engine that is busy with one may not answer for that one for long, or never.
const (
	askedAtOnce = 8
	askedWithin = 2 * time.Second
)

// Releases implements deployer.Runtime, in the order of deployments: one listing, and one look at each container that does
// not run or is new.
func (e *Engine) Releases(ctx context.Context) ([]deployer.Running, error) {
	found, err := e.containers(ctx, "")
	if err != nil {
		return nil, err
	}
	e.moveAllIn(ctx, found)
	all := e.group(found)
	if err := e.lookBack(ctx, all); err != nil {
		return nil, err
	}
	return all, nil
}

// moveAllIn learns which processes are behind the containers' addresses. One that cannot be asked, since the engine is just
// starting or stopping it, is taken at its word until the next listing: it does not keep the others waiting.
func (e *Engine) moveAllIn(ctx context.Context, found []container.Summary) {
	ctx, stop := context.WithTimeout(ctx, askedWithin)
	defer stop()
	var group errgroup.Group
	group.SetLimit(askedAtOnce)
	for _, c := range found {
		group.Go(func() error {
			if err := e.moveIn(ctx, c); err != nil {
				e.log.Debug().Err(err).Str("container", title(c)).Msg("cannot tell which process has its address; asking again with the next listing")
			}
			return nil
		})
	}
	_ = group.Wait() // each has told what was wrong
}

// lookBack says of each replica that does not run why, and when the last one ended where none of a release runs.
func (e *Engine) lookBack(ctx context.Context, all []deployer.Running) error {
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(askedAtOnce)
	var mu sync.Mutex // guards StoppedAt
	for i := range all {
		r, up := &all[i], all[i].Up(1)
		for n := range r.Replicas {
			replica := &r.Replicas[n]
			if replica.Running {
				continue
			}
			group.Go(func() error {
				why, at, err := e.endOf(asking, replica.Container)
				mu.Lock()
				defer mu.Unlock()
				replica.Ended = why
				if !up && at.After(r.StoppedAt) {
					r.StoppedAt = at
				}
				return err
			})
		}
	}
	if err := group.Wait(); err != nil || ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("list containers: %w", ctx.Err()) // whoever was asked last may not have been heard
}

// endOf says why a container does not run, and when it ended; one that never ran counts from its creation. One that is gone, or of
// which the engine cannot tell while it tells of others, counts as ended now: without a time it would be taken for one that
// runs, and with an early one for what nobody needs any more.
func (e *Engine) endOf(ctx context.Context, id string) (why string, at time.Time, err error) {
	var found container.InspectResponse
	err = e.askWithin(ctx, askedWithin, fmt.Sprintf("inspect container %.12s", id), func(ctx context.Context) (err error) {
		found, err = e.api.ContainerInspect(ctx, id)
		return err
	})
	late := errors.Is(err, context.DeadlineExceeded)
	switch {
	case err == nil:
	case cerrdefs.IsNotFound(err):
		return "was removed", time.Now(), nil
	case ctx.Err() != nil, errors.Is(err, deployer.ErrUnavailable) && !late:
		return "", time.Time{}, err
	default:
		e.log.Debug().Err(err).Msg("cannot tell why a container does not run")
		why = fmt.Sprintf("does not run, and Docker cannot tell why (%s)", harmless(err.Error()))
		return why, time.Now(), e.onItsWayOut(ctx)
	}
	if err := e.taken(ctx, found.State); err != nil {
		return "", time.Time{}, err
	}
	e.consultEvents(ctx, found, 0)
	for _, text := range []string{found.Created, found.State.FinishedAt} {
		if t, err := time.Parse(time.RFC3339Nano, text); err == nil && t.After(at) {
			at = t
		}
	}
	return ending(found), at, nil
}

// taken says that a container ended because the engine is about to: on the connections it has, that answers until the last
// one is stopped, and would make each look like a release that fails.
func (e *Engine) taken(ctx context.Context, s *container.State) error {
	ended, err := time.Parse(time.RFC3339Nano, s.FinishedAt)
	if err != nil || time.Since(ended) > lately {
		return nil
	}
	return e.onItsWayOut(ctx)
}

// onItsWayOut is an error when the engine is about to end, or has: that a container does not run says nothing then.
func (e *Engine) onItsWayOut(ctx context.Context) error {
	if err := e.fresh.leaving(ctx); err != nil && ctx.Err() == nil {
		return unavailable(err, "list containers: one does not run, and Docker itself is stopping or gone")
	}
	return nil
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
	// One that the engine is about to start again runs as far as anybody else is concerned: it must not be started, and
	// has to be stopped. It has no address.
	running := c.State == container.StateRunning || c.State == container.StateRestarting
	return deployer.Replica{Container: c.ID, Address: e.address(c), Running: running}
}
