package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	cerrdefs "github.com/containerd/errdefs"

	"fisherman/deployer"
)

// target is a container as probes see it.
type target struct {
	container string // id
	address   string // IP
}

// check is one way of asking a container whether it is well, and how often.
type check struct {
	what        string        // as people say it
	first, most time.Duration // the pauses between probes of a new container grow from first to most
	every       time.Duration // the usual pause between two probes of what serves
	limit       time.Duration // for one probe
	wanted      int           // good answers in a row
	steady      bool          // there is nothing to ask
	ask         func(context.Context, target) error
}

// What the contract leaves open.
const (
	httpLimit  = 5 * time.Second
	probePause = 5 * time.Second
	execLimit  = 30 * time.Second // Docker's own default for a HEALTHCHECK, and for the pause between two
	steadyTime = 5 * time.Second  // the contract's, for what cannot be asked
)

// checkOf chooses how to ask, in the contract's order.
func (e *Engine) checkOf(ctx context.Context, r deployer.Release) (check, error) {
	s := r.Service
	k := check{
		first: 25 * time.Millisecond, most: time.Second, every: probePause,
		limit: httpLimit, wanted: max(1, s.Health.Successes),
	}
	if s.Health.Path != "" {
		k.what = fmt.Sprintf("GET %s on port %d", s.Health.Path, s.Health.Port)
		k.ask = probeHTTP(s)
		return k, nil
	}
	command, limit, err := e.healthcheck(ctx, r)
	switch {
	case err != nil:
		return k, err
	case command != nil:
		// A process in the container costs far more than a request.
		k.first, k.most, k.every = 100*time.Millisecond, 2*time.Second, execLimit
		k.what, k.limit, k.ask = "the image's HEALTHCHECK", limit+3*execPatience, e.probeExec(command, limit)
	case len(s.Routes) > 0:
		k.what, k.ask = fmt.Sprintf("a connection to port %d", s.Routes[0].Port), probeTCP(s.Routes[0].Port)
	default:
		k.what, k.ask = fmt.Sprintf("running %s", steadyTime), probeSteady
		k.limit, k.wanted, k.steady = 2*steadyTime, 1, true
	}
	return k, nil
}

// healthcheck is the command of the image's HEALTHCHECK, nil without one, and how long it may take. Of what is live the image
// may have lost its name since; what it said is gone with that.
func (e *Engine) healthcheck(ctx context.Context, r deployer.Release) ([]string, time.Duration, error) {
	found, err := e.inspectImage(ctx, retained(r.Service.Name, r.ID))
	if cerrdefs.IsNotFound(err) {
		return nil, 0, nil
	}
	if err != nil || found.Config == nil || found.Config.Healthcheck == nil {
		return nil, 0, err
	}
	limit := found.Config.Healthcheck.Timeout
	if limit <= 0 {
		limit = execLimit
	}
	return command(found.Config.Healthcheck.Test, found.Config.Shell), limit, nil
}

// command reads the forms of HEALTHCHECK (Docker's Engine API, HealthConfig.Test).
func command(test, shell []string) []string {
	switch {
	case len(test) > 1 && test[0] == "CMD":
		return test[1:]
	case len(test) == 2 && test[0] == "CMD-SHELL":
		if len(shell) == 0 {
			shell = []string{"/bin/sh", "-c"}
		}
		return append(shell[:len(shell):len(shell)], test[1])
	}
	return nil // {"NONE"}, and {} for inherited
}

// unwellError says why a container did not become healthy in time.
type unwellError struct{ last error }

func (e *unwellError) Error() string { return e.last.Error() }

func (e *unwellError) Unwrap() error { return e.last }

// until probes until the answers were good often enough in a row, or ctx ends. It calls heard with each answer and how many
// good ones in a row there are.
func (k check) until(ctx context.Context, t target, heard func(streak int, err error)) error {
	streak, pause := 0, k.first
	last := errors.New("no answer yet")
	for {
		err := k.once(ctx, t)
		switch {
		case err == nil:
			streak++
			heard(streak, nil)
			if streak >= k.wanted {
				return nil
			}
			pause, last = k.first, fmt.Errorf("only %d good answers in a row", streak)
		case ctx.Err() == nil: // a probe that the deadline cut off says nothing about the container
			streak, last = 0, err
			heard(0, err)
		}
		select {
		case <-ctx.Done():
			return &unwellError{last}
		case <-time.After(pause):
		}
		pause = min(pause*6/5, k.most)
	}
}

func (k check) once(ctx context.Context, t target) error {
	bounded, cancel := context.WithTimeout(ctx, k.limit)
	defer cancel()
	err := k.ask(bounded, t)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("no answer within %s", k.limit)
	}
	return err
}
