package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	err := call(bounded)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", what, ctx.Err())
	case bounded.Err() != nil:
		return unavailable(err, "%s: Docker did not answer within %s", what, limit)
	}
	return e.explain(what, err)
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
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
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
