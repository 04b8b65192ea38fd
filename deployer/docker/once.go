package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"

	"fisherman/deployer"
)

const (
	// lastWords is how long the output of a container that has ended may take to arrive.
	lastWords = 2 * time.Second
	// farewell bounds what the engine does for a container that nobody waits for any more, beside its stop time.
	farewell = 10 * time.Second
	// briefly is how long a container has to end when the program is to stop.
	briefly = 3 * time.Second
)

// RunOnce implements deployer.Runtime.
func (e *Engine) RunOnce(ctx context.Context, r deployer.Release, what string, args []string, output func(string)) error {
	if err := e.sweep(ctx, r.Service.Name); err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%s-%s-%s", e.network, r.Service.Name, r.ID, what)
	defer e.once.wait(name)()
	c, err := e.createOnce(ctx, r, what, args, name)
	if err != nil {
		return err
	}
	if err = e.run(ctx, c.ID, name); err == nil {
		err = e.attend(ctx, c, r.Service.Stop, output)
	}
	if broken := (*brokenOffError)(nil); errors.As(err, &broken) && broken.runs {
		return err
	}
	bounded, stop := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer stop()
	if gone := e.remove(bounded, c.ID, name); gone != nil {
		e.log.Warn().Err(gone).Str("service", r.Service.Name).Str("deployment", r.ID).Msg("a container that has done its work is still there; trying again")
	}
	return err
}

// createOnce makes a container like the release's replicas; what is there once cannot have a port of the machine as well.
func (e *Engine) createOnce(ctx context.Context, r deployer.Release, what string, args []string, name string) (container.Summary, error) {
	config, err := e.containerConfig(r, 0)
	if err != nil {
		return container.Summary{}, err
	}
	host := e.hostConfig(r.Service)
	delete(config.Labels, labelReplica)
	config.Labels[labelOnce], config.Cmd = what, args
	config.ExposedPorts, host.PortBindings = nil, nil
	c := container.Summary{Names: []string{name}, Labels: config.Labels, State: container.StateRunning}
	made, err := e.make(ctx, config, host, r.Service, name)
	c.ID = made.ID
	if cerrdefs.IsConflict(err) {
		return c, fmt.Errorf("create container %s: a container that is not fisherman's has that name; rename or remove it", name)
	}
	if err == nil {
		err = e.putFiles(context.WithoutCancel(ctx), c.ID, name, r.Service.Files)
	}
	return c, withoutSource(err)
}

// attend waits for a container's end and hands on what it says meanwhile.
func (e *Engine) attend(ctx context.Context, c container.Summary, grace time.Duration, output func(string)) error {
	listening, hush := context.WithCancel(context.WithoutCancel(ctx))
	defer hush()
	var copying sync.WaitGroup
	copying.Go(func() {
		err := e.copyLife(listening, c, &sink{mu: new(sync.Mutex), into: spoken(output)}, deployer.LogOptions{Follow: true})
		if err != nil && listening.Err() == nil {
			e.log.Debug().Err(err).Str("container", title(c)).Msg("lost the output of a container")
		}
	})
	end := e.untilEnd(ctx, c)
	if ctx.Err() != nil {
		end = e.breakOff(ctx, c, grace)
	}
	late := time.AfterFunc(lastWords, hush)
	copying.Wait()
	late.Stop()
	var ended *endedError
	if !errors.As(end, &ended) {
		return end
	}
	if err := e.fresh.leaving(ctx); ended.code == 0 && err != nil && ctx.Err() == nil {
		return unavailable(err, "%s ended, and Docker itself is stopping or gone", replica(c))
	}
	if ended.code == 0 {
		return nil
	}
	return e.obituary(ctx, c, ended)
}

// breakOff stops a container that nobody wants to wait for any more. When the program stops, a container that takes its time
// goes on ending without it.
func (e *Engine) breakOff(ctx context.Context, c container.Summary, grace time.Duration) error {
	limit, stopping := grace+farewell, errors.Is(context.Cause(ctx), context.Canceled)
	if stopping {
		limit = briefly
	}
	bounded, stop := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer stop()
	text := replica(c) + " was stopped"
	err := e.stop(bounded, c, 0)
	if err != nil {
		text += fmt.Sprintf(" (%v)", err)
	}
	return &brokenOffError{text: text + e.lastLines(bounded, c), cause: ctx.Err(), runs: stopping && err != nil}
}

// brokenOffError is the end of a context that reads as what came of it.
type brokenOffError struct {
	text  string
	cause error
	runs  bool // it is left to Sweep
}

func (e *brokenOffError) Error() string { return e.text }

func (e *brokenOffError) Unwrap() error { return e.cause }

// spoken takes lines, one a call.
type spoken func(string)

func (s spoken) Write(line []byte) (int, error) {
	s(strings.TrimRight(harmless(string(line)), "\n"))
	return len(line), nil
}

// Sweep implements deployer.Runtime.
func (e *Engine) Sweep(ctx context.Context) error { return e.sweep(ctx, "") }

// sweep removes what RunOnce left of a service, or with "" of any, and what nobody of this process waits for.
func (e *Engine) sweep(ctx context.Context, service string) error {
	found, err := e.labelled(ctx, "")
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, c := range found {
		if !isOnce(c) || service != "" && c.Labels[labelService] != service || e.once.waits(title(c)) {
			continue
		}
		group.Go(func() error {
			e.log.Warn().Str("service", c.Labels[labelService]).Str("deployment", c.Labels[labelDeployment]).Str("container", title(c)).Msg("removing what an earlier deployment left")
			if err := e.stop(ctx, c, 0); err != nil {
				return err
			}
			return e.remove(ctx, c.ID, title(c))
		})
	}
	return group.Wait()
}

// waited are the names of the containers that this process waits for.
type waited struct {
	mu    sync.Mutex
	names map[string]bool
}

// wait notes a name until done is called.
func (w *waited) wait(name string) (done func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.names == nil {
		w.names = map[string]bool{}
	}
	w.names[name] = true
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.names, name)
	}
}

func (w *waited) waits(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.names[name]
}
