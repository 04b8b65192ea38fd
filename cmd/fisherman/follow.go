package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"fisherman/deployer"
	"fisherman/server"
	"fisherman/server/client"
)

const (
	// serverPause is how long a server may be away, for a restart say, while somebody watches a deployment.
	serverPause = time.Minute
	// retryPause is the time between two tries to reach it.
	retryPause = 250 * time.Millisecond
	// steady is how long a stream lasts that was one, even if it had nothing to say.
	steady = 10 * time.Second
)

// follow shows on w how a deployment goes until it has ended, live where w is a terminal and line by line elsewhere. An
// interrupt leaves the deployment running; the error then says how to follow or cancel it.
func follow(ctx context.Context, w io.Writer, c *client.Client, d server.Deployment) (server.Deployment, error) {
	f := &following{client: c, show: newDisplay(w, d), last: d}
	defer f.show.close()
	for {
		err := f.read(ctx)
		if isAway(err) {
			err = f.await(ctx, err)
		} else if err == nil {
			return f.last, nil
		}
		switch {
		case ctx.Err() != nil:
			return f.last, leaving(f.last)
		case err != nil:
			return f.last, fmt.Errorf("%w\nThe deployment goes on without this command; follow it with: fisherman logs --deployment %s -f", err, d.ID)
		}
	}
}

// following is the view of one deployment.
type following struct {
	client *client.Client
	show   display
	last   server.Deployment
	after  string    // the last event that was seen
	lost   time.Time // when the stream was; zero while it goes on
}

// read shows events until the deployment has ended, when it returns nil, or the connection is lost.
func (f *following) read(ctx context.Context) error {
	begun := time.Now()
	for e, err := range f.client.Events(ctx, client.EventOptions{Deployment: f.last.ID, After: f.after}) {
		if err == nil || time.Since(begun) > steady {
			f.lost = time.Time{}
		}
		switch {
		case err != nil:
			return err
		case e.Deployment != nil:
			f.after, f.last = e.ID, *e.Deployment
			f.show.entered(f.last)
		case e.Progress != nil:
			f.show.progress(*e.Progress)
		}
	}
	return nil
}

// isAway reports whether a server may answer soon that does not answer now, itself or through what is in front of it.
func isAway(err error) bool {
	var refused *client.Error
	if errors.As(err, &refused) {
		return refused.Status == http.StatusBadGateway || refused.Status == http.StatusServiceUnavailable || refused.Status == http.StatusGatewayTimeout
	}
	return errors.Is(err, client.ErrUnreachable)
}

// await waits until a server that is away answers again. Away is also one that answers and streams nothing.
func (f *following) await(ctx context.Context, why error) error {
	if f.lost.IsZero() {
		f.lost = time.Now()
	}
	ctx, stop := context.WithDeadline(ctx, f.lost.Add(serverPause))
	defer stop()
	for said := false; pause(ctx, retryPause); {
		_, err := f.client.Deployment(ctx, f.last.ID)
		if !isAway(err) {
			if said {
				f.show.say("the server is back")
			}
			return err
		}
		if !said {
			f.show.say("the server is away; waiting for it, a minute at most")
		}
		said, why = true, err
	}
	return why
}

// pause waits for a time, and reports whether ctx has not ended before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// leaving says what becomes of a deployment that nobody watches any more.
func leaving(d server.Deployment) error {
	text := fmt.Sprintf("stopped watching; deployment %s of %s goes on\n  follow it:  fisherman logs --deployment %s -f", d.ID, d.Service, d.ID)
	if !d.State.Switched() {
		text += "\n  cancel it:  fisherman cancel " + d.ID
	}
	return errors.New(text)
}

// outcome is nil for a deployment that ended well.
func outcome(d server.Deployment) error {
	if endedWell(d) {
		return nil
	}
	return fmt.Errorf("deployment %s of %s %s: %s\nIts log:  fisherman logs --deployment %s", d.ID, d.Service, d.State, d.Reason, d.ID)
}

func endedWell(d server.Deployment) bool {
	return d.State == deployer.Succeeded || d.State == deployer.Unchanged
}
