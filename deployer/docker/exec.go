package docker

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// probeExec runs a command in the container; exit code 0 is well.
func (e *Engine) probeExec(command []string) func(context.Context, target) error {
	return func(ctx context.Context, t target) error {
		created, err := e.api.ContainerExecCreate(ctx, t.container, container.ExecOptions{
			Cmd: command, AttachStdout: true, AttachStderr: true,
		})
		if err != nil {
			return fmt.Errorf("create exec: %w", err)
		}
		attached, err := e.api.ContainerExecAttach(ctx, created.ID, container.ExecAttachOptions{})
		if err != nil {
			return fmt.Errorf("start exec: %w", err)
		}
		said := tail{most: 1 << 10}
		readAll(ctx, attached, &said)
		code, err := e.exitCode(ctx, created.ID)
		if err != nil {
			return fmt.Errorf("inspect exec: %w", err)
		}
		if code != 0 {
			return fmt.Errorf("it exited with code %d%s", code, quoted(&said, ": "))
		}
		return nil
	}
}

// readAll reads until the command ends or ctx does. A stream that breaks is no verdict: the exit code is.
func readAll(ctx context.Context, from types.HijackedResponse, into *tail) {
	defer from.Close()
	stop := context.AfterFunc(ctx, from.Close)
	defer stop()
	_, _ = stdcopy.StdCopy(into, into, from.Reader)
}

// exitCode waits out the moment between the end of a command's output and the engine's knowing its code, in which the
// API reports 0.
func (e *Engine) exitCode(ctx context.Context, id string) (int, error) {
	for {
		result, err := e.api.ContainerExecInspect(ctx, id)
		if err != nil || !result.Running {
			return result.ExitCode, err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
