package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"fisherman/server/config"
	"fisherman/server/config/source"
)

// Configuration is what the server asks of whoever holds the configuration. Mistakes in one are config.Problems.
type Configuration interface {
	// Reconcile reads the configuration afresh and applies it.
	Reconcile(ctx context.Context) (Outcome, error)
	// Plan says what a configuration would change; nil is the one that Reconcile would read.
	Plan(ctx context.Context, raw []byte) (config.Plan, error)
	// Last is what came of the last one that was applied, or was to be; zero before any was.
	Last() Outcome
}

// Outcome is what came of applying a configuration.
type Outcome struct {
	At       time.Time   // zero: none has been applied since the start
	Plan     config.Plan // what was done
	Failures []string    // what of it could not be done
	Refused  string      // all problems of a configuration that cannot be used, a line each: it has changed nothing
	Troubles []string    // what is wrong with the configuration where it lives, at this moment
}

// Reconciled is what a reconciliation did.
type Reconciled struct {
	At          *time.Time   `json:"at"` // null: none since the start
	Plan        config.Plan  `json:"plan"`
	Failures    []string     `json:"failures"`
	Refused     string       `json:"refused"`
	Troubles    []string     `json:"troubles"`
	Deployments []Deployment `json:"deployments"` // on their way
}

// reconcile applies the configuration, then starts what should run and does not.
func (s *Server) reconcile(r *http.Request) (any, error) {
	done, err := s.Configuration.Reconcile(r.Context())
	if err != nil {
		return nil, unusable(err)
	}
	shown := reconciled(done)
	begun, err := s.Deployer.Tend(r.Context())
	if err != nil { // the configuration is in force all the same
		s.Log.Warn().Err(err).Msg("cannot look at what runs after a reconciliation; it is tried again by itself")
		shown.Failures = append(shown.Failures, "what should run cannot be started while the container engine does not answer; it is tried again by itself")
	}
	shown.Deployments = list(begun, deployment)
	return shown, nil
}

// lastReconciled is what came of the last configuration, wherever it came from.
func (s *Server) lastReconciled(*http.Request) (any, error) {
	return reconciled(s.Configuration.Last()), nil
}

// plan says what a configuration would change. It is parsed here, with this server's environment.
func (s *Server) plan(r *http.Request) (any, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, config.MaxSize))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return nil, refuse(http.StatusRequestEntityTooLarge, "the configuration is longer than %d bytes; is it the right file?", config.MaxSize)
	case err != nil:
		return nil, refuse(http.StatusRequestTimeout, "the body did not arrive whole within %v; send it again", bodyWithin)
	case len(raw) == 0:
		raw = nil
	}
	plan, err := s.Configuration.Plan(r.Context(), raw)
	if err != nil {
		return nil, unusable(err)
	}
	return plan, nil
}

func reconciled(o Outcome) Reconciled {
	shown := Reconciled{Plan: o.Plan, Failures: list(o.Failures, func(f string) string { return f }), Refused: o.Refused, Deployments: []Deployment{}}
	shown.Troubles = list(o.Troubles, func(t string) string { return t })
	if shown.Plan.Services == nil {
		shown.Plan = shown.Plan.Empty()
	}
	if shown.Plan.Behind == nil {
		shown.Plan.Behind = []config.Behind{}
	}
	if !o.At.IsZero() {
		shown.At = &o.At
	}
	return shown
}

// unusable words why a configuration was not applied.
func unusable(err error) error {
	var problems config.Problems
	if errors.As(err, &problems) {
		return refuse(http.StatusUnprocessableEntity, "the configuration cannot be used:\n%v", problems)
	}
	if errors.Is(err, source.ErrUnread) { // then it is worded for people
		return &refusal{http.StatusBadGateway, err.Error(), err}
	}
	return &refusal{http.StatusBadGateway, "the configuration cannot be read; see fisherman's log, and make it readable where `--config` says", err}
}
