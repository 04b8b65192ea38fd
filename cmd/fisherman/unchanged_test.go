package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/rs/zerolog"

	"fisherman/deployer"
	"fisherman/deployer/docker"
	"fisherman/deployer/journal"
	"fisherman/proxy"
)

// TestManyServicesThatHaveNotChanged: 200 services that are as the configuration says cost one listing of the engine, and
// nothing is written. The engine is a stand-in behind a socket that counts, since 200 real containers would take minutes;
// all else is real.
func TestManyServicesThatHaveNotChanged(t *testing.T) {
	const many = 200
	app := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer app.Close()
	services, calls, socket := multitude(t, many, app)
	engine, err := docker.New(docker.Options{Host: "unix://" + socket, Network: "crowd"})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	dir := t.TempDir()
	book, err := journal.Open(filepath.Join(dir, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	traffic, err := proxy.New(proxy.Options{Listen: "127.0.0.1:0", File: filepath.Join(dir, "routes.json")})
	if err != nil {
		t.Fatal(err)
	}
	d, err := deployer.New(deployer.Options{
		Services: services, Runtime: engine, Traffic: traffic, Registry: nobody{}, Journal: book, Log: zerolog.Nop(), NewID: newID,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	defer func() { stop(); <-done }()
	if err := until("all services to be adopted", func() (bool, error) { return len(traffic.Live()) == many && d.Ready() == nil, d.Ready() }); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second) // the first look of each at its container, which a start makes
	before, begun := calls.Load(), time.Now()
	if err := d.Reconcile(services); err != nil {
		t.Fatal(err)
	}
	active, err := d.Tend(t.Context())
	took := time.Since(begun)
	made := calls.Load() - before
	if err != nil || len(active) > 0 || made > 2 {
		t.Errorf("%d calls of the engine, and %+v are on their way (%v); want 2 calls at most, and nothing", made, active, err)
	}
	t.Logf("%d unchanged services: %d calls of the engine, %s", many, made, took)
}

// nobody is a registry that is not to be asked.
type nobody struct{}

func (nobody) Resolve(context.Context, string, string) (string, error) {
	return "", deployer.ErrNotFound
}
func (nobody) Revision(context.Context, string, string) (string, error) { return "", nil }

// multitude is an engine with a container of each of many services, behind a socket that counts what is asked.
func multitude(t *testing.T, many int, app *httptest.Server) (services []deployer.Service, calls *atomic.Int64, socket string) {
	port := app.Listener.Addr().(*net.TCPAddr).Port
	var all []container.Summary
	inspected := map[string]container.InspectResponse{}
	for n := range many {
		s := deployer.Service{
			Name: fmt.Sprintf("s%03d", n), Repository: "o/s", Follow: "master", Image: "ghcr.io/o/s", Tag: "latest", Replicas: 1,
			Routes: []deployer.Route{{Host: fmt.Sprintf("s%03d.test", n), Prefix: "/", Port: port}},
			Health: deployer.Health{Path: "/", Port: port, Deadline: time.Minute, Successes: 1}, Strategy: deployer.BlueGreen,
			Drain: time.Second, Stop: time.Second, Retain: 1,
		}
		services = append(services, s)
		id := fmt.Sprintf("%064d", n)
		c := container.Summary{ID: id, Names: []string{"/" + s.Name}, State: container.StateRunning, Labels: map[string]string{
			"fisherman.service": s.Name, "fisherman.deployment": newID(time.Now()), "fisherman.digest": "sha256:" + id,
			"fisherman.spec": s.Spec(), "fisherman.network": "crowd", "fisherman.replica": "0",
		}, NetworkSettings: &container.NetworkSettingsSummary{Networks: map[string]*network.EndpointSettings{"crowd": {IPAddress: "127.0.0.1"}}}}
		all = append(all, c)
		inspected[id] = container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{
			ID: id, Name: c.Names[0], State: &container.State{Running: true, Status: container.StateRunning, StartedAt: time.Now().Format(time.RFC3339Nano)},
			HostConfig: &container.HostConfig{},
		}, Config: &container.Config{Labels: c.Labels}, NetworkSettings: &container.NetworkSettings{Networks: c.NetworkSettings.Networks}}
	}
	calls = new(atomic.Int64)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		if strings.HasSuffix(r.URL.Path, "/events") {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		calls.Add(1)
		var answer any = "OK"
		if strings.HasSuffix(r.URL.Path, "/containers/json") {
			answer = all
		} else if _, rest, is := strings.Cut(r.URL.Path, "/containers/"); is {
			answer = inspected[strings.TrimSuffix(rest, "/json")]
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	})
	socket = filepath.Join(t.TempDir(), "d.sock")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return services, calls, socket
}
