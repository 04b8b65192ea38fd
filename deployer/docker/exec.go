package docker

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// execPatience bounds what the engine itself does for a command: to begin it, and to say how it ended.
const execPatience = 10 * time.Second

// probeExec runs a command in the container, for limit at most; exit code 0 is well.
func (e *Engine) probeExec(command []string, limit time.Duration) func(context.Context, target) error {
	return func(ctx context.Context, t target) error {
		id, err := e.prepare(ctx, t.container, command)
		if err != nil {
			return err
		}
		said := tail{most: 1 << 10}
		if err := e.execute(ctx, id, limit, &said); err != nil {
			return err
		}
		code, err := e.exitCode(ctx, id)
		if err == nil && code != 0 {
			err = fmt.Errorf("it exited with code %d%s", code, quoted(&said, ": "))
		}
		return err
	}
}

// prepare tells the engine of a command to be run in a container.
func (e *Engine) prepare(ctx context.Context, id string, command []string) (exec string, err error) {
	err = e.askWithin(ctx, execPatience, "prepare the HEALTHCHECK", func(ctx context.Context) error {
		made, err := e.api.ContainerExecCreate(ctx, id, container.ExecOptions{Cmd: command, AttachStdout: true, AttachStderr: true})
		exec = made.ID
		return err
	})
	return exec, err
}

// execute runs a command until it ends, or fails when its time is over. A stream that breaks is no verdict: the exit code is.
// The client's own way to attach would wait for ever for an engine that hangs.
func (e *Engine) execute(ctx context.Context, exec string, limit time.Duration, into *tail) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	alarm := time.AfterFunc(execPatience, cancel)
	where := "/v" + e.api.ClientVersion() + "/exec/" + exec + "/start" // Engine API, ExecStart
	stream, err := e.fresh.post(ctx, where, `{"Detach":false,"Tty":false}`)
	if !alarm.Stop() {
		return unavailable(err, "run the HEALTHCHECK: Docker did not answer within %s", execPatience)
	}
	if err != nil {
		return e.explain("run the HEALTHCHECK", err)
	}
	defer func() { _ = stream.Close() }()
	alarm.Reset(limit)
	_, _ = stdcopy.StdCopy(into, into, stream)
	if !alarm.Stop() {
		return fmt.Errorf("no answer within %s", limit)
	}
	return nil
}

// exitCode waits out the moment between the end of a command's output and the engine's knowing its code, in which the
// API reports 0.
func (e *Engine) exitCode(ctx context.Context, id string) (code int, err error) {
	err = e.askWithin(ctx, execPatience, "ask how the HEALTHCHECK ended", func(ctx context.Context) error {
		for {
			result, err := e.api.ContainerExecInspect(ctx, id)
			if err != nil || !result.Running {
				code = result.ExitCode
				return err
			}
			select {
			case <-time.After(10 * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	return code, err
}
