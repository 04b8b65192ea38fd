// Package server is fisherman's own HTTP: GitHub's webhooks in; the API, health and metrics out. It is the only place
// that knows both what a webhook is and what a deployment is triggered by, and decides nothing about either.
//
// Handlers return a value or an error; answer.go alone turns these into HTTP.
package server

import (
	"context"
	"fmt"
	"io"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"fisherman/deployer"
	"fisherman/webhooks"
)

// Deployer is what the server asks of *deployer.Deployer. What is not there is a deployer.ErrNotFound, what cannot be
// carried out as it stands a *deployer.InvalidError, what does not answer at the moment a deployer.ErrUnavailable; their
// texts are for people. Every other error is internal and is never shown.
type Deployer interface {
	// Submit has recorded what the trigger leads to when it returns nil.
	Submit(t deployer.Trigger) (deployer.Receipt, error)
	Deploy(service, reference, sender string) (deployer.Deployment, error)
	Rollback(service, to, sender string) (deployer.Deployment, error)
	// Cancel fails with deployer.ErrPastSwitch or deployer.ErrEnded when it is too late.
	Cancel(id string) (deployer.Deployment, error)
	Services(ctx context.Context) ([]deployer.ServiceStatus, error)
	Service(ctx context.Context, name string) (deployer.ServiceStatus, error)
	Deployments(service string, limit int) ([]deployer.Deployment, error)
	// Current lists what is live and what is on its way, newest first: of one service or, with an empty name, of all.
	Current(service string) ([]deployer.Deployment, error)
	// Deployment has also what the journal has not got yet.
	Deployment(id string) (deployer.Deployment, error)
	// Events begins a reading of what happens to deployments; News is closed when there may be more to read.
	Events(o deployer.EventOptions) (*deployer.Reading, error)
	News() <-chan struct{}
	// Logs ends with ctx.
	Logs(ctx context.Context, service string, o deployer.LogOptions) (io.ReadCloser, error)
	Tend(ctx context.Context) ([]deployer.Deployment, error)
	// Ready returns why deployments cannot be carried out at this moment, or nil.
	Ready() error
}

// Options are the parts a Server works with. All but Registry are required.
type Options struct {
	Deployer      Deployer
	Configuration Configuration
	GitHub        *webhooks.GitHub
	Token         deployer.Secret              // the API's bearer token; an empty one lets nobody in
	Routes        func() []Route               // the proxy's live table
	Traffic       func(service string) Traffic // in the last minutes
	Version       Version
	Log           zerolog.Logger
	Registry      *prometheus.Registry // where /metrics reads, and the server adds its own; default: a new one
}

// Version is what was built, for the metrics and for clients of another version.
type Version struct {
	Version string // "v1.2.3", or Unreleased
	Commit  string // may be empty
	Go      string // "go1.26.0"
}

// String tells versions apart: "v1.2.3", or "devel at 9b07e5a".
func (v Version) String() string {
	if v.Version == Unreleased {
		return fmt.Sprintf("%s at %.7s", v.Version, v.Commit)
	}
	return v.Version
}

// Unreleased is the version of what was not built as a release.
const Unreleased = "devel"

// Server answers HTTP. It is safe for concurrent use.
type Server struct {
	Options
	metrics *metrics
	streams chan struct{} // holds a token for each answer that goes on
}

// New returns a Server, and registers its metrics.
func New(o Options) *Server {
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	return &Server{Options: o, metrics: newMetrics(o.Registry, o.Version), streams: make(chan struct{}, maxStreams)}
}

// Observe counts a deployment that has ended. It is meant for deployer.Options.Observers: it is quick, and every
// transition may be passed, any number of times.
func (s *Server) Observe(d deployer.Deployment) { s.metrics.observe(d) }
