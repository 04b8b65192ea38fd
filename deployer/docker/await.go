package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"

	"fisherman/deployer"
)

// defaultDeadline is the contract's, for a service that names none.
const defaultDeadline = time.Minute

// Await implements deployer.Runtime.
func (e *Engine) Await(ctx context.Context, r deployer.Release, progress func(deployer.Report)) ([]deployer.Replica, error) {
	found, err := e.containers(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if len(found) < max(1, r.Service.Replicas) {
		return nil, unavailable(nil, "await %s: %d of %d containers exist; the others were removed", r.Service.Name, len(found), r.Service.Replicas)
	}
	check, err := e.checkOf(ctx, r)
	if err != nil {
		return nil, err
	}
	progress(deployer.Report{Text: "waiting for " + check.what, Total: int64(check.wanted * len(found))})
	w := wait{check, cmp.Or(r.Service.Health.Deadline, defaultDeadline), newAttempts(progress, check.wanted*len(found))}
	if err := e.settleAll(ctx, found, w); err != nil {
		return nil, err
	}
	replicas := make([]deployer.Replica, len(found))
	for i, c := range found {
		if err := e.moveIn(ctx, c); err != nil {
			return nil, err
		}
		replicas[i] = e.replica(c)
	}
	return replicas, nil
}

// wait is how a release is waited for.
type wait struct {
	check
	deadline time.Duration
	attempts *attempts
}

// settleAll waits for every container; the first that fails ends the wait for all.
func (e *Engine) settleAll(ctx context.Context, found []container.Summary, w wait) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range found {
		group.Go(func() error { return e.settle(ctx, c, w) })
	}
	return group.Wait()
}

// settle waits until a container is healthy, has ended, or the deadline is over. The engine is told to restart it from now
// on beside the last probes, which costs as much time as they do; that it might then start again what fails them hides
// nothing, for untilEnd is told of every end.
func (e *Engine) settle(ctx context.Context, c container.Summary, w wait) error {
	if c.State != container.StateRunning {
		return e.obituary(ctx, c, nil)
	}
	if e.address(c) == "" {
		return fmt.Errorf("container %s has no address on network %s", title(c), e.network)
	}
	within, stop := context.WithTimeout(ctx, w.deadline)
	defer stop()
	group, probing := errgroup.WithContext(within)
	var handing errgroup.Group // goes on when the probes are done
	hand := sync.OnceFunc(func() { handing.Go(func() error { return e.hand(ctx, c) }) })
	group.Go(func() error {
		defer stop() // healthy or late, nobody needs to know its end any more
		return w.until(probing, target{container: c.ID, address: e.address(c)}, func(streak int, err error) {
			if err == nil {
				hand()
			}
			w.attempts.heard(replica(c), streak, err)
		})
	})
	group.Go(func() error { return e.untilEnd(within, c) })
	err, handed := group.Wait(), handing.Wait()
	if err == nil {
		return handed
	}
	return e.verdict(ctx, c, w, err)
}

// hand leaves it to the engine to restart a container from now on. The engine refuses that to one that ends just now.
func (e *Engine) hand(ctx context.Context, c container.Summary) error {
	err := e.setPolicy(ctx, c.ID, title(c), container.RestartPolicyUnlessStopped)
	if err == nil || ctx.Err() != nil || errors.Is(err, deployer.ErrUnavailable) {
		return err
	}
	if found, gone := e.inspect(ctx, c.ID); gone == nil && found.State.Running {
		return err
	}
	return e.obituary(ctx, c, nil)
}

// endedError is what untilEnd returns: the container is not running any more, or was not for a moment.
type endedError struct{ code int64 }

func (e *endedError) Error() string { return fmt.Sprintf("exited with code %d", e.code) }

// untilEnd waits for a container's end; nil when ctx ended first.
func (e *Engine) untilEnd(ctx context.Context, c container.Summary) error {
	ended, failed := e.api.ContainerWait(ctx, c.ID, container.WaitConditionNotRunning)
	select {
	case end := <-ended:
		return &endedError{code: end.StatusCode}
	case err := <-failed:
		if ctx.Err() != nil {
			return nil
		}
		return e.explain("watch container "+title(c), err)
	}
}

// verdict turns the end of a wait into what people read.
func (e *Engine) verdict(ctx context.Context, c container.Summary, w wait, err error) error {
	var end *endedError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("await container %s: %w", title(c), ctx.Err())
	case errors.As(err, &end):
		return e.obituary(ctx, c, end)
	case errors.As(err, new(*unwellError)):
		return fmt.Errorf("%s is not healthy after %s: %s: %w%s", replica(c), w.deadline, w.what, err, e.lastLines(ctx, c))
	}
	return err
}
