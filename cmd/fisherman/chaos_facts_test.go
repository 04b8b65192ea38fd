package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"fisherman/server"
)

// gather observes everything but the requests.
func (a *arena) gather() (facts, error) {
	f := facts{releases: a.ledger.all(), history: map[string]server.Deployment{}, services: map[string]served{}}
	live, err := a.live()
	if err != nil {
		return f, err
	}
	var deployments []server.Deployment
	var services []server.Service
	if err := errors.Join(a.read("/api/v1/deployments?limit=1000", &deployments), a.read("/api/v1/services", &services)); err != nil {
		return f, err
	}
	for _, d := range deployments {
		f.history[d.ID] = d
	}
	for _, s := range services {
		_, version, err := get(a.proxy, s.Name+".test", "/")
		if err != nil {
			version = err.Error()
		}
		version = strings.TrimPrefix(version, s.Name+" ")
		f.services[s.Name] = served{replicas: a.replicas[s.Name], live: live[s.Name], digest: s.Digest, state: s.State, version: version}
	}
	f.containers, err = a.observe()
	return f, err
}

// read asks the API.
func (a *arena) read(path string, into any) error {
	_, body, err := get(a.api, "", path)
	if err == nil {
		err = json.Unmarshal([]byte(body), into)
	}
	if err != nil {
		return fmt.Errorf("ask for %s: %w: %.200s", path, err, body)
	}
	return nil
}

// live is what the route file says: the commit points.
func (a *arena) live() (map[string]string, error) {
	raw, err := os.ReadFile(filepath.Join(a.state(), "routes.json"))
	if err != nil {
		return nil, err
	}
	var file struct {
		Services map[string]struct{ Release string }
	}
	err = json.Unmarshal(raw, &file)
	live := map[string]string{}
	for name, s := range file.Services {
		live[name] = s.Release
	}
	return live, err
}

// observe lists the containers with our network's label.
func (a *arena) observe() ([]observed, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	found, err := a.docker.ContainerList(ctx, container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", "fisherman.network="+a.network)),
	})
	var all []observed
	for _, c := range found {
		all = append(all, observed{
			id: c.ID, service: c.Labels["fisherman.service"], deployment: c.Labels["fisherman.deployment"], running: c.State == container.StateRunning,
		})
	}
	return all, err
}

// containersOf are the running containers of a service's live release.
func (a *arena) containersOf(service string) ([]observed, error) {
	live, err := a.live()
	if err != nil {
		return nil, err
	}
	all, err := a.observe()
	var of []observed
	for _, c := range all {
		if c.service == service && c.deployment == live[service] && c.running {
			of = append(of, c)
		}
	}
	if err == nil && len(of) == 0 {
		err = fmt.Errorf("of %s nothing runs", service)
	}
	return of, err
}

// settle waits until everything has come to rest, and returns what has not, and what else is wrong.
func (a *arena) settle() (restless, wrong []string) {
	var f facts
	_ = until("rest", func() (bool, error) { // what is not at rest by then is a violation, and named by it
		var err error
		if f, err = a.gather(); err != nil {
			restless = []string{"rest: " + err.Error()}
			return false, err
		}
		restless = violations(settling(), f)
		return len(restless) == 0, nil
	})
	if len(restless) == 0 {
		if err := a.used(f); err != nil {
			restless = []string{"rest: " + err.Error()}
		}
	}
	f.before = a.bystanders
	f.after = a.foreign()
	f.failures, f.windows, f.spans = a.load.failures(), a.windows, a.load.answered()
	a.tally.observed(f.history)
	return restless, violations(lasting(), f)
}

// used waits until what serves has answered clients since all came to rest: on a busy machine that may be before any of them
// was answered at all since the last switch.
func (a *arena) used(f facts) error {
	rest := time.Now()
	return until("an answer to the clients of every service", func() (bool, error) {
		for service, versions := range a.load.answered() {
			if !versions[f.services[service].version].last.After(rest) {
				return false, fmt.Errorf("nobody was answered by version %s of %s", f.services[service].version, service)
			}
		}
		return true, nil
	})
}

// excuses opens a window that ends when the returned function is called.
func (a *arena) excuses(e excuse, service string) (end func()) {
	from := time.Now()
	return func() { a.windows = append(a.windows, window{e, service, from, time.Now()}) }
}
