package docker

import (
	"context"
	"fmt"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
)

// Watch implements deployer.Runtime. The engine is asked for four actions only: every HEALTHCHECK that runs anywhere would
// be three more events.
func (e *Engine) Watch(ctx context.Context, changed func(service string)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
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
			changed(m.Actor.Attributes[labelService])
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
