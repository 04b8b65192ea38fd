package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	dockerevents "github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
)

// dying is a live container that a fisherman was stopping, for a `recreate`, when it was killed. Only its journal knew.
type dying struct{ told, ended time.Time } // as the engine has it; zero: never

// unknowable is the window in which a fisherman without that journal cannot but send requests to such a container: the
// engine said that it runs when the routes were confirmed, which was before ready, and told of its end later. Whatever ended
// before, the first listing shows; requests wait for that, and none may fail. What is told to end after ready is so by the
// next fisherman, which holds its requests.
func (d dying) unknowable(ready, back time.Time) (w window, is bool) {
	from := ready.Add(-notice)
	return window{down, single, from, back}, d.wasTold(ready) && d.ended.After(from)
}

// wasTold reports whether it was told to end before a moment.
func (d dying) wasTold(before time.Time) bool { return !d.told.IsZero() && d.told.Before(before) }

// lookFor finds out whether a container was told to end before a moment, and if so waits for its end.
func (a *arena) lookFor(id string, since, before time.Time) (d dying, err error) {
	err = until("a container that was told to end to do so", func() (bool, error) {
		d, err = a.lastOf(id, since)
		return err == nil && (!d.wasTold(before) || !d.ended.IsZero()), err
	})
	return d, err
}

// lastOf is when a container was first told to end since a moment, and when it did.
func (a *arena) lastOf(id string, since time.Time) (d dying, err error) {
	err = a.ask(func(ctx context.Context) error {
		messages, failed := a.docker.Events(ctx, dockerevents.ListOptions{
			Since: since.Format(time.RFC3339Nano), Until: time.Now().Format(time.RFC3339Nano),
			Filters: filters.NewArgs(
				filters.Arg("container", id), filters.Arg("event", string(dockerevents.ActionKill)), filters.Arg("event", string(dockerevents.ActionDie)),
			),
		})
		for {
			select {
			case m := <-messages:
				at := time.Unix(0, m.TimeNano)
				if m.Action == dockerevents.ActionKill && d.told.IsZero() {
					d.told = at
				}
				if m.Action == dockerevents.ActionDie && d.ended.IsZero() {
					d.ended = at
				}
			case err := <-failed:
				if errors.Is(err, io.EOF) {
					err = nil
				}
				return err
			}
		}
	})
	if err != nil {
		err = fmt.Errorf("ask what became of container %.12s: %w", id, err)
	}
	return d, err
}

// TestUnknowable holds the excuse to its rule: fisherman was killed and is ready again at 2000.
func TestUnknowable(t *testing.T) {
	at := func(ms int) time.Time { return noon().Add(time.Duration(ms) * time.Millisecond) }
	for name, c := range map[string]struct {
		d    dying
		want bool
	}{
		"told before, ended after":      {dying{told: at(900), ended: at(2500)}, true},
		"ended just before it was told": {dying{told: at(900), ended: at(1900)}, true},
		"ended before":                  {dying{told: at(900), ended: at(1500)}, false},
		"told by the next one":          {dying{told: at(2100), ended: at(2500)}, false},
		"never told":                    {dying{ended: at(2500)}, false},
		"lives":                         {dying{told: at(900)}, false},
	} {
		if w, is := c.d.unknowable(at(2000), at(4000)); is != c.want || w.service != single || w.to != at(4000) {
			t.Errorf("%s: excused %t, want %t: %v", name, is, c.want, w)
		}
	}
}
