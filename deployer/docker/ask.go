package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"fisherman/deployer"
)

// patience bounds every call but pulls and stops: an engine that hangs must not hang a deployment for ever, yet a small
// machine that swaps may take long to create a container.
const patience = time.Minute

// ask makes one bounded call. what begins its error: "create container fisherman-web-…".
func (e *Engine) ask(ctx context.Context, what string, call func(context.Context) error) error {
	return e.askWithin(ctx, patience, what, call)
}

func (e *Engine) askWithin(ctx context.Context, limit time.Duration, what string, call func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := e.agree(bounded)
	if err == nil {
		err = call(bounded)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", what, ctx.Err())
	case bounded.Err() != nil:
		return unavailable(err, "%s: Docker did not answer within %s", what, limit)
	}
	told := e.explain(what, err)
	if errors.Is(told, deployer.ErrUnavailable) || cerrdefs.IsNotFound(err) || cerrdefs.IsConflict(err) {
		return told
	}
	// An engine that stops refuses in many ways.
	if gone := e.fresh.leaving(bounded); gone != nil && ctx.Err() == nil {
		return unavailable(err, "%s: Docker is stopping: %v", what, err)
	}
	return told
}

// agree settles, once, which version of the API is spoken. The client does so itself, but after a ping that failed it goes on
// with its own newest version, which an engine that is back a moment later refuses for good.
func (e *Engine) agree(ctx context.Context) error {
	if e.agreed.Load() {
		return nil
	}
	ping, err := e.api.Ping(ctx)
	if err != nil {
		return err
	}
	if ping.APIVersion == "" {
		return fmt.Errorf("it named no version of its API: %w", cerrdefs.ErrUnavailable)
	}
	e.api.NegotiateAPIVersionPing(ping)
	e.agreed.Store(true)
	return nil
}

// explain wraps what the engine, or the way to it, answered.
func (e *Engine) explain(what string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return unavailable(err, "%s: this user may not open Docker's socket %s; run as root, or add the user to the group docker",
			what, e.api.DaemonHost())
	case client.IsErrConnectionFailed(err), lost(err):
		return unavailable(err, "%s: Docker does not answer at %s; is it running, and may this user open its socket?",
			what, e.api.DaemonHost())
	case cerrdefs.IsUnavailable(err):
		return unavailable(err, "%s: %v", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// lost reports an answer that broke off: the engine ended while it spoke.
func lost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.As(err, new(*net.OpError))
}

// unavailableError is a deployer.ErrUnavailable that reads as a sentence.
type unavailableError struct {
	text  string
	cause error
}

func unavailable(cause error, format string, args ...any) error {
	return &unavailableError{text: fmt.Sprintf(format, args...), cause: cause}
}

func (e *unavailableError) Error() string { return e.text }

func (e *unavailableError) Unwrap() []error { return []error{deployer.ErrUnavailable, e.cause} }
