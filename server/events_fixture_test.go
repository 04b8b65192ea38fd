package server_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
	store "fisherman/deployer/journal"
	"fisherman/server"
	"fisherman/server/client"
	"fisherman/webhooks"
)

// whole is a server with the real deployer and the real journal, on an engine in memory. It can be started again on the
// same journal and the same engine.
type whole struct {
	t       *testing.T
	file    string
	engine  *deployertest.Fake
	traffic *traffic
	ids     atomic.Int64

	deployer *deployer.Deployer
	server   *server.Server
	client   *client.Client
	url      string
	stop     func()
}

func startWhole(t *testing.T) *whole {
	t.Helper()
	w := &whole{
		t: t, file: filepath.Join(t.TempDir(), "journal.db"), engine: deployertest.NewFake(), traffic: &traffic{live: map[string]string{}},
	}
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

// start runs the deployer and the server until stop, which waits for both.
func (w *whole) start() {
	w.t.Helper()
	kept, err := store.Open(w.file)
	if err != nil {
		w.t.Fatal(err)
	}
	w.deployer, err = deployer.New(deployer.Options{
		Services: []deployer.Service{service("web"), service("api")}, Runtime: w.engine, Traffic: w.traffic, Registry: noTags{},
		Journal: kept, Log: zerolog.Nop(), NewID: func(time.Time) string { return fmt.Sprintf("%06d", w.ids.Add(1)) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.server = server.New(server.Options{
		Deployer: w.deployer, GitHub: webhooks.New(webhooks.Secrets{Default: []string{webhookSecret}}), Token: deployer.Plain(token),
		Routes: func() []server.Route { return nil }, Log: zerolog.Nop(), Registry: prometheus.NewRegistry(),
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.url = "http://" + listener.Addr().String()
	if w.client, err = client.New(w.url, deployer.Plain(token)); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	for _, run := range []func() error{
		func() error { return w.server.Run(ctx, listener) },
		func() error { return w.deployer.Run(ctx) },
	} {
		parts.Go(func() {
			if err := run(); err != nil {
				w.t.Error(err)
			}
		})
	}
	w.stop = sync.OnceFunc(func() {
		cancel()
		parts.Wait()
		if err := kept.Close(); err != nil {
			w.t.Error(err)
		}
	})
}

func service(name string) deployer.Service {
	return deployer.Service{Name: name, Image: "ghcr.io/o/" + name, Tag: "latest", Replicas: 1, Health: deployer.Health{Deadline: time.Minute}}
}

// deploy deploys release n of a service, which is a digest of its own.
func (w *whole) deploy(service string, n int) deployer.Deployment {
	w.t.Helper()
	d, err := w.deployer.Deploy(service, fmt.Sprintf("sha256:%064x", n), "ada")
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// ended waits until a deployment has.
func (w *whole) ended(id string) deployer.Deployment {
	w.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		news := w.deployer.News()
		d, err := w.deployer.Deployment(id)
		if err != nil {
			w.t.Fatal(err)
		}
		if d.State.Ended() {
			return d
		}
		select {
		case <-news:
		case <-time.After(time.Until(deadline)):
			w.t.Fatalf("deployment %s is still %s; its log:\n%s", id, d.State, d.Log())
		}
	}
}

// get asks for a path with the id of the last event, unless empty.
func (w *whole) get(path, lastEventID string) *http.Response {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { response.Body.Close() })
	return response
}

// read reads transitions until enough have come, or the connection or the time is over.
func (w *whole) read(o client.EventOptions, enough func([]server.Event) bool) (all []server.Event, err error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for e, err := range w.client.Events(ctx, o) {
		if err != nil {
			return all, err
		}
		if e.Deployment != nil {
			all = append(all, e)
		}
		if enough(all) {
			return all, nil
		}
	}
	return all, nil
}

func atLeast(n int) func([]server.Event) bool {
	return func(all []server.Event) bool { return len(all) >= n }
}

func never([]server.Event) bool { return false }

// traffic is a proxy that sends nothing and remembers where it points.
type traffic struct {
	mu   sync.Mutex
	live map[string]string
}

func undrained(context.Context, func(int)) int { return 0 }

func (t *traffic) Point(service, release string, _ map[string][]string) (func(context.Context, func(int)) int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live[service] = release
	return undrained, nil
}

func (t *traffic) Claim(service, release string, _ map[string][]string) error {
	_, err := t.Point(service, release, nil)
	return err
}

func (t *traffic) Pause(string) func(context.Context, func(int)) int { return undrained }

func (t *traffic) Settle() {}

func (t *traffic) Reroute(map[string]map[string][]string) (map[string]func(context.Context, func(int)) int, error) {
	return nil, nil
}

func (t *traffic) Live() map[string]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	live := map[string]string{}
	for service, id := range t.live {
		live[service] = id
	}
	return live
}

func (t *traffic) Routed() map[string]map[string][]string { return nil }

func (t *traffic) Answers(string) (all, failed uint64) { return 0, 0 }

// noTags is a registry that has no tags: what is deployed is named by its digest.
type noTags struct{}

func (noTags) Resolve(context.Context, string, string) (string, error) {
	return "", errors.Join(deployer.ErrNotFound)
}

func (noTags) Revision(context.Context, string, string) (string, error) { return "", nil }

func ids(events []server.Event) []string {
	all := make([]string, 0, len(events))
	for _, e := range events {
		all = append(all, e.ID)
	}
	return all
}

func states(events []server.Event) []deployer.State {
	all := make([]deployer.State, 0, len(events))
	for _, e := range events {
		all = append(all, e.Deployment.State)
	}
	return all
}

func steps(d deployer.Deployment) []deployer.State {
	all := make([]deployer.State, 0, len(d.Steps))
	for _, s := range d.Steps {
		all = append(all, s.State)
	}
	return all
}

func unique(ids []string) bool {
	return len(slices.Compact(slices.Sorted(slices.Values(ids)))) == len(ids)
}
