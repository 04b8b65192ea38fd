package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"fisherman/deployer"
	"fisherman/server"
	"fisherman/server/config"
)

var (
	_ server.Deployer = (*deployer.Deployer)(nil)
	_ server.Deployer = (*standIn)(nil)
)

const (
	digest = "sha256:7d1a7f2f4a54a9f1d4b0c8a7f4b1e9d6c3a2b1f0e9d8c7b6a5f4e3d2c1b0a998"
	commit = "9b07e5a2c4d86f1130be72ad5c9f48e6071d3ba8"
)

// standIn is a Deployer that knows one service, web, and the deployments of live, queued and switched.
type standIn struct {
	mu        sync.Mutex
	submitted []deployer.Trigger
	asked     []string // the commands, as they arrived
	seen      map[string]deployer.Receipt

	receipt  deployer.Receipt // what a new trigger leads to
	err      error            // what every call fails with; nil: none does
	notReady error
	unusable error // what every configuration is refused for; nil: none is
	panics   bool
	hold     chan struct{} // Services waits for it; nil: no wait
	holding  chan struct{} // gets one element when Services begins to wait
	output   func(context.Context, deployer.LogOptions) io.ReadCloser
}

func at(second int) time.Time { return time.Date(2025, 6, 2, 8, 15, second, 0, time.UTC) }

// web is the service that the stand-in knows.
func web() deployer.Service {
	return deployer.Service{
		Name: "web", Repository: "harbour-works/tide-table", Follow: "main", Image: "ghcr.io/o/web", Tag: "latest", Replicas: 1,
		Routes:      []deployer.Route{{Host: "a.pl", Prefix: "/", Port: 8080}, {Host: "b.pl", Prefix: "/x", Port: 9090}},
		Environment: map[string]deployer.Secret{"PASSWORD": deployer.Plain(environmentSecret)},
	}
}

// live is the deployment that serves.
func live() deployer.Deployment {
	return deployer.Deployment{
		ID: "01LIVE", Service: "web", State: deployer.Succeeded,
		Image: "ghcr.io/o/web", Reference: "latest", Digest: digest, Commit: commit,
		Cause:     deployer.Cause{Kind: deployer.KindPackage, Delivery: "d-1", Sender: "octocat"},
		CreatedAt: at(0), FinishedAt: at(9),
		Steps: []deployer.Step{
			{State: deployer.Queued, At: at(0)},
			{State: deployer.Pulling, At: at(1)},
			{State: deployer.Starting, At: at(5)},
			{State: deployer.Succeeded, At: at(9)},
		},
	}
}

// queued is a deployment that can be cancelled.
func queued() deployer.Deployment {
	return deployer.Deployment{
		ID: "01NEXT", Service: "web", State: deployer.Queued, Image: "ghcr.io/o/web", Digest: digest,
		Cause: deployer.Cause{Kind: deployer.KindManual, Sender: "api"}, CreatedAt: at(20),
	}
}

func (s *standIn) Submit(t deployer.Trigger) (deployer.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return deployer.Receipt{}, s.err
	}
	s.submitted = append(s.submitted, t)
	if before, ok := s.seen[t.Delivery]; ok {
		before.Duplicate = true
		return before, nil
	}
	if s.seen == nil {
		s.seen = map[string]deployer.Receipt{}
	}
	if len(s.receipt.Deployments) > 0 {
		s.seen[t.Delivery] = s.receipt
	}
	return s.receipt, nil
}

func (s *standIn) ask(format string, args ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, fmt.Sprintf(format, args...))
	return s.err
}

func (s *standIn) commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *standIn) known(service string) error {
	if s.panics {
		panic("stand-in: " + internals)
	}
	if s.err == nil && service != "web" {
		return fmt.Errorf("service %q %w: the configuration names [web]", service, deployer.ErrNotFound)
	}
	return s.err
}

func (s *standIn) Deploy(service, reference, sender string) (deployer.Deployment, error) {
	if err := s.ask("deploy %s %q for %s", service, reference, sender); err != nil {
		return deployer.Deployment{}, err
	}
	if reference == "no:good" {
		return deployer.Deployment{}, &deployer.InvalidError{Reason: `"no:good" is neither a tag nor a digest`}
	}
	return queued(), s.known(service)
}

func (s *standIn) Rollback(service, to, sender string) (deployer.Deployment, error) {
	if err := s.ask("rollback %s %q for %s", service, to, sender); err != nil {
		return deployer.Deployment{}, err
	}
	return queued(), s.known(service)
}

func (s *standIn) Cancel(id string) (deployer.Deployment, error) {
	if err := s.ask("cancel %s", id); err != nil {
		return deployer.Deployment{}, err
	}
	switch id {
	case "01NEXT":
		return queued(), nil
	case "01LIVE":
		return live(), fmt.Errorf("deployment %s %w: it is succeeded", id, deployer.ErrEnded)
	case "01PAST":
		return deployer.Deployment{}, fmt.Errorf("deployment %s is draining, %w; roll back instead", id, deployer.ErrPastSwitch)
	}
	return deployer.Deployment{}, fmt.Errorf("deployment %s %w", id, deployer.ErrNotFound)
}

func (s *standIn) Services(ctx context.Context) ([]deployer.ServiceStatus, error) {
	if s.hold != nil {
		s.holding <- struct{}{}
		<-s.hold
	}
	one, err := s.Service(ctx, "web")
	return []deployer.ServiceStatus{one}, errors.Join(err, ctx.Err())
}

func (s *standIn) Service(_ context.Context, name string) (deployer.ServiceStatus, error) {
	running := live()
	return deployer.ServiceStatus{
		Service: web(), State: "running", Live: &running,
		Replicas: []deployer.Replica{
			{Container: "c1", Address: "172.18.0.3", Running: true, Healthy: true},
			{Container: "c2", Ended: "exited with code 1"},
			{Container: "c3", Address: "172.18.0.5", Running: true}, // and does not answer
		},
	}, s.known(name)
}

func (s *standIn) Deployments(service string, limit int) ([]deployer.Deployment, error) {
	if err := s.ask("list %q %d", service, limit); err != nil {
		return nil, err
	}
	if service != "" {
		return []deployer.Deployment{queued(), live()}, s.known(service)
	}
	return nil, nil
}

func (s *standIn) Current(service string) ([]deployer.Deployment, error) {
	if err := s.ask("current %q", service); err != nil || service == "" {
		return nil, err
	}
	return []deployer.Deployment{queued(), live()}, s.known(service)
}

func (s *standIn) Deployment(id string) (deployer.Deployment, error) {
	for _, d := range []deployer.Deployment{queued(), live()} {
		if d.ID == id {
			return d, s.err
		}
	}
	return deployer.Deployment{}, fmt.Errorf("deployment %s %w", id, deployer.ErrNotFound)
}

// Events is for tests with a real Deployer.
func (s *standIn) Events(deployer.EventOptions) (*deployer.Reading, error) {
	return nil, errors.Join(s.err, &deployer.InvalidError{Reason: "the stand-in has no events"})
}

func (s *standIn) News() <-chan struct{} { return nil }

func (s *standIn) Logs(ctx context.Context, service string, o deployer.LogOptions) (io.ReadCloser, error) {
	if err := s.known(service); err != nil {
		return nil, err
	}
	return s.output(ctx, o), nil
}

func (s *standIn) Tend(context.Context) ([]deployer.Deployment, error) {
	return []deployer.Deployment{queued()}, s.err
}

// Reconcile applies a configuration in which one service is added, and a setting has changed.
func (s *standIn) Reconcile(context.Context) (server.Outcome, error) {
	return s.Last(), s.unusable
}

func (s *standIn) Last() server.Outcome {
	return server.Outcome{At: at(7), Plan: plan(), Failures: []string{"services: no"}, Troubles: []string{"s3: no"}}
}

// Plan knows what it was asked.
func (s *standIn) Plan(_ context.Context, raw []byte) (config.Plan, error) {
	return plan(), errors.Join(s.ask("plan %q", raw), s.unusable)
}

func plan() config.Plan {
	return config.Plan{
		Services: []config.ServicePlan{{Name: "web", Action: config.Add, Effects: []string{"it is deployed"}, Changes: []config.Change{{Path: "services.web.tag", New: "latest"}}}},
		Settings: []config.Change{{Path: "server.listen", Old: ":1", New: ":2", Effect: config.Restart}},
		Behind:   []config.Behind{{Service: "two", Deployment: "7", Reason: "no such database"}},
	}
}

func (s *standIn) Ready() error { return s.notReady }
