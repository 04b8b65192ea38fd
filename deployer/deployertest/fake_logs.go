package deployertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"fisherman/deployer"
)

// Logs implements deployer.Runtime. Followed, it ends with the release.
func (f *Fake) Logs(ctx context.Context, id string, o deployer.LogOptions) (io.ReadCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.releases[id]
	if f.away != nil || !ok {
		return nil, errors.Join(f.away, fmt.Errorf("logs of deployment %s: %w", id, deployer.ErrNotFound))
	}
	out := &output{text: strings.NewReader(f.outputLocked(r, o)), done: ctx.Done(), ended: r.alive.Done()}
	if !o.Follow {
		return io.NopCloser(out.text), nil
	}
	return io.NopCloser(out), nil
}

func (f *Fake) outputLocked(r *release, o deployer.LogOptions) string {
	lines := f.scripts[r.Digest].said()
	if r.begun.Before(o.Since) {
		lines = nil // all of it was said at the start
	}
	if o.Tail > 0 {
		lines = lines[max(0, len(lines)-o.Tail):]
	}
	var b strings.Builder
	for i := range r.Replicas {
		for _, line := range lines {
			if len(r.Replicas) > 1 {
				fmt.Fprintf(&b, "%s-%d | ", r.Service, i)
			}
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// output is a followed log: what there is, then the wait for the end.
type output struct {
	text        *strings.Reader
	done, ended <-chan struct{}
}

func (o *output) Read(p []byte) (int, error) {
	n, err := o.text.Read(p)
	if errors.Is(err, io.EOF) {
		select {
		case <-o.ended:
		case <-o.done:
		}
	}
	return n, err
}
