package docker

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
	"golang.org/x/sync/errgroup"

	"fisherman/deployer"
)

// Logs implements deployer.Runtime. The reader must be closed.
func (e *Engine) Logs(ctx context.Context, id string, o deployer.LogOptions) (io.ReadCloser, error) {
	found, err := e.containers(ctx, id)
	if err != nil {
		return nil, err
	}
	if id == "" || len(found) == 0 {
		return nil, fmt.Errorf("deployment %q has no containers: %w", id, deployer.ErrNotFound)
	}
	ctx, cancel := context.WithCancel(ctx)
	read, write := io.Pipe()
	m := &merged{PipeReader: read, cancel: cancel}
	m.copying.Go(func() { write.CloseWithError(e.copyAll(ctx, found, write, o)) })
	return m, nil
}

// merged is the output of several containers; it owns the goroutine that fills it.
type merged struct {
	*io.PipeReader
	cancel  context.CancelFunc
	copying sync.WaitGroup
}

// Close ends the copying and waits for it.
func (m *merged) Close() error {
	m.cancel()
	err := m.PipeReader.Close()
	m.copying.Wait()
	return err
}

// copyAll writes whole lines of all containers into one writer, until they end.
func (e *Engine) copyAll(ctx context.Context, found []container.Summary, into io.Writer, o deployer.LogOptions) error {
	var mu sync.Mutex // one line at a time
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range found {
		prefix := ""
		if len(found) > 1 {
			prefix = fmt.Sprintf("%s-%d | ", c.Labels[labelService], number(c))
		}
		group.Go(func() error { return e.copyLog(ctx, c, &sink{mu: &mu, into: into, prefix: prefix}, o) })
	}
	return group.Wait()
}

// restartPause is the time between two looks at a container that the engine is about to start again.
const restartPause = 200 * time.Millisecond

// copyLog writes a container's output. Followed, it goes on when the engine has started the container again.
func (e *Engine) copyLog(ctx context.Context, c container.Summary, s *sink, o deployer.LogOptions) error {
	for {
		if err := e.copyLife(ctx, c, s, o); err != nil || !o.Follow {
			return err
		}
		o.Since, o.Tail = time.Now(), 0
		if again, err := e.startsAgain(ctx, c.ID); err != nil || !again {
			return err
		}
	}
}

// startsAgain waits while the engine is about to start a container, and reports whether it runs.
func (e *Engine) startsAgain(ctx context.Context, id string) (bool, error) {
	for {
		made, err := e.inspect(ctx, id)
		switch {
		case cerrdefs.IsNotFound(err):
			return false, nil
		case err != nil:
			return false, err
		case !made.State.Restarting:
			return made.State.Running, nil
		}
		select {
		case <-time.After(restartPause):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// copyLife writes what a container says until it ends.
func (e *Engine) copyLife(ctx context.Context, c container.Summary, s *sink, o deployer.LogOptions) error {
	options := container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: o.Follow, Tail: "all"}
	if o.Tail > 0 {
		options.Tail = strconv.Itoa(o.Tail)
	}
	if !o.Since.IsZero() {
		options.Since = fmt.Sprintf("%d.%09d", o.Since.Unix(), o.Since.Nanosecond())
	}
	stream, err := e.api.ContainerLogs(ctx, c.ID, options)
	if err != nil {
		return e.explain("read the output of container "+title(c), err)
	}
	defer func() { _ = stream.Close() }()
	out, errs := &lines{sink: s}, &lines{sink: s}
	if _, err = stdcopy.StdCopy(out, errs, stream); err == nil {
		err = out.flush()
	}
	if err == nil {
		err = errs.flush()
	}
	return err
}
