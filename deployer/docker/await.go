package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"

	"fisherman/deployer"
)

// defaultDeadline is the contract's, for a service that names none.
const defaultDeadline = time.Minute

// Await implements deployer.Runtime.
func (e *Engine) Await(ctx context.Context, r deployer.Release, progress func(string)) ([]deployer.Replica, error) {
	found, err := e.containers(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if len(found) < max(1, r.Service.Replicas) {
		return nil, fmt.Errorf("await %s: %d of %d containers exist; start the release again", r.Service.Name, len(found), r.Service.Replicas)
	}
	check, err := e.checkOf(ctx, r)
	if err != nil {
		return nil, err
	}
	progress("waiting for " + check.what)
	if err := e.settleAll(ctx, found, check, cmp.Or(r.Service.Health.Deadline, defaultDeadline)); err != nil {
		return nil, err
	}
	replicas := make([]deployer.Replica, len(found))
	for i, c := range found {
		replicas[i] = e.replica(c)
	}
	return replicas, nil
}

// settleAll waits for every container; the first that fails ends the wait for all.
func (e *Engine) settleAll(ctx context.Context, found []container.Summary, k check, deadline time.Duration) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range found {
		group.Go(func() error {
			if err := e.settle(ctx, c, k, deadline); err != nil {
				return err
			}
			return e.hand(ctx, c)
		})
	}
	return group.Wait()
}

// hand leaves it to the engine to restart a container from now on. The engine refuses that to one that ends just now.
func (e *Engine) hand(ctx context.Context, c container.Summary) error {
	err := e.setPolicy(ctx, c.ID, title(c), container.RestartPolicyUnlessStopped)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if found, gone := e.inspect(ctx, c.ID); gone == nil && found.State.Running {
		return err
	}
	return e.obituary(ctx, c)
}

// settle waits until a container is healthy, has ended, or the deadline is over.
func (e *Engine) settle(ctx context.Context, c container.Summary, k check, deadline time.Duration) error {
	if c.State != container.StateRunning {
		return e.obituary(ctx, c)
	}
	if e.address(c) == "" {
		return fmt.Errorf("container %s has no address on network %s", title(c), e.network)
	}
	within, stop := context.WithTimeout(ctx, deadline)
	defer stop()
	group, probing := errgroup.WithContext(within)
	group.Go(func() error {
		defer stop() // healthy or late, nobody needs to know its end any more
		return k.until(probing, target{container: c.ID, address: e.address(c)})
	})
	group.Go(func() error { return e.untilEnd(within, c) })
	return e.verdict(ctx, c, k, deadline, group.Wait())
}

// errEnded is what untilEnd returns: the container is not running any more.
var errEnded = errors.New("container ended")

// untilEnd waits for a container's end; nil when ctx ended first.
func (e *Engine) untilEnd(ctx context.Context, c container.Summary) error {
	ended, failed := e.api.ContainerWait(ctx, c.ID, container.WaitConditionNotRunning)
	select {
	case <-ended:
		return errEnded
	case err := <-failed:
		if ctx.Err() != nil {
			return nil
		}
		return e.explain("watch container "+title(c), err)
	}
}

// verdict turns the end of a wait into what people read.
func (e *Engine) verdict(ctx context.Context, c container.Summary, k check, deadline time.Duration, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("await container %s: %w", title(c), ctx.Err())
	case errors.Is(err, errEnded):
		return e.obituary(ctx, c)
	case errors.As(err, new(*unwellError)):
		return fmt.Errorf("container %s is not healthy after %s: %s: %w%s", title(c), deadline, k.what, err, e.lastLines(ctx, c))
	}
	return err
}
