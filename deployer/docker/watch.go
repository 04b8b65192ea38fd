package docker

import (
	"context"
	"fmt"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
)

// Watch implements deployer.Runtime. The engine is asked for four actions only: every HEALTHCHECK that runs anywhere would
// be three more events.
func (e *Engine) Watch(ctx context.Context, changed func(service, fate string)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := e.agree(ctx); err != nil {
		return e.watchEnded(ctx, err)
	}
	messages, failed := e.api.Events(ctx, events.ListOptions{Filters: filters.NewArgs(
		filters.Arg("type", string(events.ContainerEventType)),
		filters.Arg("label", labelNetwork+"="+e.network),
		filters.Arg("event", string(events.ActionStart)),
		filters.Arg("event", string(events.ActionDie)),
		filters.Arg("event", string(events.ActionOOM)),
		filters.Arg("event", string(events.ActionDestroy)),
	)})
	for {
		select {
		case m := <-messages:
			if m.Actor.Attributes[labelOnce] != "" {
				continue // nothing that serves
			}
			service, fate := m.Actor.Attributes[labelService], ""
			if m.Action == events.ActionOOM { // the listing forgets it as soon as the engine starts the container again
				fate = "ran out of memory, and the kernel killed a process of it"
				e.log.Warn().Str("service", service).Str("deployment", m.Actor.Attributes[labelDeployment]).
					Str("container", m.Actor.ID).Msg("a container " + fate)
			}
			changed(service, fate)
		case err := <-failed:
			return e.watchEnded(ctx, err)
		}
	}
}

func (e *Engine) watchEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("watch containers: %w", ctx.Err())
	}
	return e.explain("watch containers", err)
}
