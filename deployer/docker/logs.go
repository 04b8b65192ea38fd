package docker

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"

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

func (e *Engine) copyLog(ctx context.Context, c container.Summary, s *sink, o deployer.LogOptions) error {
	options := container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: o.Follow, Tail: "all"}
	if o.Tail > 0 {
		options.Tail = strconv.Itoa(o.Tail)
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
