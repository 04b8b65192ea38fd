package deployer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// logPause is the time between two looks for whose output comes next.
const logPause = 250 * time.Millisecond

// Logs streams the output of a service's live release; of its last deployment where none is live. ErrNotFound. Followed,
// it does not end with that release: it goes on with the one that takes its place, after a line that says which.
func (d *Deployer) Logs(ctx context.Context, service string, o LogOptions) (io.ReadCloser, error) {
	l := d.lanes()[service]
	if l == nil {
		return nil, d.unknown(service)
	}
	id, err := l.speaker()
	if err != nil {
		return nil, err
	}
	output, err := d.Runtime.Logs(ctx, id, o)
	switch {
	case o.Follow && errors.Is(err, ErrNotFound): // its containers are gone: the next release will say something
		output = silence()
	case err != nil || !o.Follow:
		return output, err
	}
	return &succession{ctx: ctx, lane: l, id: id, output: output}, nil
}

func silence() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// speaker is the deployment whose output is the service's.
func (l *lane) speaker() (id string, err error) {
	if live := l.liveNow(); live != nil {
		return live.ID, nil
	}
	last, err := l.d.Journal.Deployments(l.service().Name, 1)
	if err != nil {
		return "", err
	}
	if len(last) == 0 {
		return "", fmt.Errorf("containers of service %q %w: it has not been deployed", l.service().Name, ErrNotFound)
	}
	return last[0].ID, nil
}

// succession is the output of one release after the other. It belongs to one reader.
type succession struct {
	ctx    context.Context
	lane   *lane
	id     string // whose output it is
	output io.ReadCloser
}

// Read ends only with the context, or with an error.
func (s *succession) Read(p []byte) (int, error) {
	for {
		n, err := s.output.Read(p)
		if n > 0 || !errors.Is(err, io.EOF) {
			return n, err
		}
		if err := s.next(time.Now()); err != nil {
			return 0, err
		}
	}
}

// next waits until there is more to read: of another release that is live now, or of the same one, whose containers may
// have been started again.
func (s *succession) next(ended time.Time) error {
	if err := s.output.Close(); err != nil {
		return err
	}
	s.output = silence()
	select {
	case <-time.After(logPause):
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
	o, title := LogOptions{Follow: true, Since: ended}, ""
	if live := s.lane.liveNow(); live != nil && live.ID != s.id {
		o, title, s.id = LogOptions{Follow: true}, fmt.Sprintf("=== %s: %s follows ===\n", live.Service, live.title()), live.ID
	}
	output, err := s.lane.d.Runtime.Logs(s.ctx, s.id, o)
	if errors.Is(err, ErrNotFound) { // its containers are gone, and nothing has taken their place yet
		return nil
	}
	if err != nil {
		return err
	}
	s.output = &titled{strings.NewReader(title), output}
	return nil
}

// title is what the line before a release's output calls it.
func (d Deployment) title() string {
	if d.Commit == "" {
		return "deployment " + d.ID
	}
	return fmt.Sprintf("deployment %s, commit %s,", d.ID, short(d.Commit))
}

// Close lets go of the release whose output it is.
func (s *succession) Close() error { return s.output.Close() }

// titled is output after a line.
type titled struct {
	title *strings.Reader
	io.ReadCloser
}

func (t *titled) Read(p []byte) (int, error) {
	if t.title.Len() > 0 {
		return t.title.Read(p)
	}
	return t.ReadCloser.Read(p)
}
