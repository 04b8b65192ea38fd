package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"fisherman/server"
)

const (
	silence  = 45 * time.Second // three of the server's signs of life
	maxEvent = 1 << 20          // bytes of one line
)

// EventOptions choose what a stream of events tells.
type EventOptions struct {
	Service    string // of one service; empty: of all
	Deployment string // of one deployment, from its first transition to its last
	After      string // the ID of the last event that was seen; empty: from now on, with Deployment from the first
}

// errSilent is why a connection is given up on which nothing comes, not even a sign of life.
var errSilent = fmt.Errorf("nothing came for %s", silence)

// Events yields what happens to deployments, over one connection. A connection that is lost ends the sequence with
// ErrUnreachable: connect again with the last event's ID as After, and nothing is missed or told twice. With Deployment
// the sequence ends after that one's last transition; otherwise it goes on until ctx ends.
func (c *Client) Events(ctx context.Context, o EventOptions) iter.Seq2[server.Event, error] {
	return func(yield func(server.Event, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		response, err := c.send(ctx, o.call())
		if err != nil {
			yield(server.Event{}, err)
			return
		}
		defer response.Body.Close()
		if response.StatusCode == http.StatusNoContent { // there is nothing after After
			return
		}
		watchdog := time.AfterFunc(silence, func() { cancel(errSilent) })
		defer watchdog.Stop()
		ended := false
		for event, err := range parseEvents(alive{response.Body, watchdog}) {
			if err != nil {
				err = fmt.Errorf("%s sent an event that is none of fisherman's: %w; is it another version?", c.base.Redacted(), err)
			}
			if !yield(event, err) || err != nil {
				return
			}
			ended = event.Deployment != nil && event.Deployment.State.Ended()
		}
		if o.Deployment == "" || !ended {
			yield(server.Event{}, c.lost(ctx))
		}
	}
}

func (o EventOptions) call() call {
	query := url.Values{}
	for name, value := range map[string]string{"service": o.Service, "deployment": o.Deployment} {
		if value != "" {
			query.Set(name, value)
		}
	}
	header := http.Header{"Accept": {"text/event-stream"}}
	if o.After != "" {
		header.Set("Last-Event-ID", o.After)
	}
	return call{method: http.MethodGet, path: []string{"events"}, query: query, header: header}
}

// lost words the end of a connection that should have gone on.
func (c *Client) lost(ctx context.Context) error {
	why := errors.New("the connection was lost")
	if ctx.Err() != nil {
		if why = context.Cause(ctx); !errors.Is(why, errSilent) {
			return why
		}
	}
	return fmt.Errorf("%w at %s any more (%w)", ErrUnreachable, c.base.Redacted(), why)
}

// alive puts a watchdog off with everything that is read.
type alive struct {
	io.Reader
	watchdog *time.Timer
}

func (a alive) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if n > 0 {
		a.watchdog.Reset(silence)
	}
	return n, err
}

// parseEvents reads a stream of events (WHATWG HTML, 9.2.6). The error is of an event that cannot be decoded; the end of
// the connection is the end of the sequence.
func parseEvents(stream io.Reader) iter.Seq2[server.Event, error] {
	return func(yield func(server.Event, error) bool) {
		lines := bufio.NewScanner(stream)
		lines.Buffer(nil, maxEvent)
		var id, kind, data string
		for lines.Scan() {
			field, value, _ := strings.Cut(lines.Text(), ":")
			value = strings.TrimPrefix(value, " ")
			switch field {
			case "id":
				id = value
			case "event":
				kind = value
			case "data":
				data += value
			}
			if lines.Text() != "" {
				continue
			}
			if event, known, err := decodeEvent(id, kind, data); (known || err != nil) && !yield(event, err) {
				return
			}
			id, kind, data = "", "", ""
		}
	}
}

// decodeEvent leaves out what a newer server may tell of.
func decodeEvent(id, kind, data string) (e server.Event, known bool, err error) {
	switch kind {
	case "deployment":
		e.ID = id
		err = json.Unmarshal([]byte(data), &e.Deployment)
	case "progress":
		err = json.Unmarshal([]byte(data), &e.Progress)
	default:
		return e, false, nil
	}
	return e, true, err
}
