package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/pkg/stdcopy"
)

// What a failure quotes of a container's output.
const (
	quotedLines = 20
	quotedBytes = 4 << 10
)

// obituary says how a container ended and what it said last. It is an error whatever the exit code. seen is the end that was
// seen of one that Docker may have started again since. An engine that stops takes its containers with it: that is no end of
// theirs, and another try finds out more.
func (e *Engine) obituary(ctx context.Context, c container.Summary, seen *endedError) error {
	if err := e.fresh.leaving(ctx); err != nil && ctx.Err() == nil {
		return unavailable(err, "container %s ended, and Docker itself is stopping or gone", title(c))
	}
	found, err := e.inspect(ctx, c.ID)
	if cerrdefs.IsNotFound(err) {
		return fmt.Errorf("%s was removed by someone else", replica(c))
	}
	if err != nil {
		return err
	}
	e.consultEvents(ctx, found, tellingTime)
	how := ending(found) + lasted(found.State)
	if seen != nil && found.State.Running {
		how = seen.Error()
	}
	return fmt.Errorf("%s %s%s", replica(c), how, e.lastLines(ctx, c))
}

// tellingTime is how long after a container's end Docker may still tell that it ran out of memory.
const tellingTime = 500 * time.Millisecond

// killed is the exit code of what got SIGKILL.
const killed = 128 + int(syscall.SIGKILL)

// consultEvents corrects the state of a container that was killed, by whomever: Docker 20.10 notes an end for want of memory
// only if it hears of the want before it hears of the end. It waits for such news, for as long as is given.
func (e *Engine) consultEvents(ctx context.Context, c container.InspectResponse, wait time.Duration) {
	if c.State.OOMKilled || c.State.ExitCode != killed || c.HostConfig.Memory == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, wait+time.Second)
	defer cancel()
	told, ended := e.api.Events(ctx, events.ListOptions{
		Since: c.State.StartedAt, Until: time.Now().Add(wait).Format(time.RFC3339Nano),
		Filters: filters.NewArgs(filters.Arg("container", c.ID), filters.Arg("event", string(events.ActionOOM))),
	})
	select {
	case <-told:
		c.State.OOMKilled = true
	case err := <-ended:
		if !errors.Is(err, io.EOF) {
			e.log.Debug().Err(err).Str("container", c.Name).Msg("cannot tell whether it ran out of memory")
		}
	}
}

// ending is why a container does not run, for a person.
func ending(c container.InspectResponse) string {
	s := c.State
	switch {
	case s.Paused:
		return "is paused"
	case s.Running && !s.Restarting:
		return "ended, and Docker started it again"
	case s.OOMKilled && c.HostConfig.Memory > 0:
		return fmt.Sprintf("was killed for want of memory (limit %s)", mebibytes(c.HostConfig.Memory))
	case s.OOMKilled:
		return "was killed for want of memory"
	case s.Error != "":
		return "could not be started: " + harmless(s.Error)
	case s.Status == container.StateCreated:
		return "was created but never started"
	case s.ExitCode == killed && c.HostConfig.Memory > 0: // and Docker is not to be relied on to tell of every want
		return fmt.Sprintf("exited with code %d: killed, perhaps for want of memory (limit %s)", killed, mebibytes(c.HostConfig.Memory))
	}
	return fmt.Sprintf("exited with code %d", s.ExitCode)
}

// lasted is how long a container ran, from when it began.
func lasted(s *container.State) string {
	begun, err1 := time.Parse(time.RFC3339Nano, s.StartedAt)
	ended, err2 := time.Parse(time.RFC3339Nano, s.FinishedAt)
	if err1 != nil || err2 != nil || !ended.After(begun) || begun.IsZero() {
		return ""
	}
	return fmt.Sprintf(" after %.1fs", ended.Sub(begun).Seconds())
}

// lastLines quotes the end of a container's output. That it cannot be read hides no better reason: it says so instead.
func (e *Engine) lastLines(ctx context.Context, c container.Summary) string {
	said := tail{most: quotedBytes}
	err := e.ask(ctx, "read its output", func(ctx context.Context) error {
		stream, err := e.api.ContainerLogs(ctx, c.ID, container.LogsOptions{
			ShowStdout: true, ShowStderr: true, Tail: fmt.Sprint(quotedLines),
		})
		if err != nil {
			return err
		}
		defer func() { _ = stream.Close() }()
		_, err = stdcopy.StdCopy(&said, &said, stream)
		return err
	})
	if err != nil {
		return fmt.Sprintf(" (%v)", err)
	}
	return quoted(&said, "; its last lines:\n")
}
