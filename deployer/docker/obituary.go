package docker

import (
	"context"
	"fmt"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// What a failure quotes of a container's output.
const (
	quotedLines = 20
	quotedBytes = 4 << 10
)

// obituary says how a container ended and what it said last. It is an error whatever the exit code.
func (e *Engine) obituary(ctx context.Context, c container.Summary) error {
	found, err := e.inspect(ctx, c.ID)
	if cerrdefs.IsNotFound(err) {
		return fmt.Errorf("container %s was removed by someone else", title(c))
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("container %s %s%s", title(c), ending(found.State), e.lastLines(ctx, c))
}

// ending is how a container ended, for a person.
func ending(s *container.State) string {
	lasted := ""
	begun, err1 := time.Parse(time.RFC3339Nano, s.StartedAt)
	ended, err2 := time.Parse(time.RFC3339Nano, s.FinishedAt)
	if err1 == nil && err2 == nil && ended.After(begun) {
		lasted = fmt.Sprintf(" after %.1fs", ended.Sub(begun).Seconds())
	}
	switch {
	case s.Running:
		return "ended, and Docker started it again"
	case s.Status == container.StateCreated:
		return "was created but never started"
	case s.OOMKilled:
		return fmt.Sprintf("was killed for want of memory (exit code %d)%s", s.ExitCode, lasted)
	}
	return fmt.Sprintf("exited with code %d%s", s.ExitCode, lasted)
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
