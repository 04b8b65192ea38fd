package docker_test

import (
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

func keepsTheContract(t *testing.T, b *bench) {
	deployertest.TestRuntime(t, deployertest.Rig{
		Runtime: b, Service: b.release("").Service,
		Good: b.push(t, "VERSION=1"), Next: b.push(t, "VERSION=2"),
		Sick: b.push(t, "UNHEALTHY=1"), Exits: b.push(t, "EXIT=3", "LASTLINE=no database"),
		Task: []string{"task", "say=migrated"}, Saves: "migrated",
		Says: "listening on [::]:8080 as version 1", LastLine: "no database", Revision: commit,
		Crash:    b.crash,
		Retained: func(t *testing.T, service string) []string { return b.retained(t, service) },
		Leave:    b.leave,
		Tasks:    b.tasks,
	})
}

// leave starts a container as RunOnce would, and does not wait for it.
func (b *bench) leave(t *testing.T, r deployer.Release) {
	t.Helper()
	config := &container.Config{Image: "fisherman/" + r.Service.Name + ":" + r.ID, Labels: map[string]string{
		"fisherman.network": b.network, "fisherman.deployment": r.ID, "fisherman.service": r.Service.Name, "fisherman.once": "before",
	}}
	made, err := b.api.ContainerCreate(t.Context(), config, nil, nil, nil, b.network+"-"+r.Service.Name+"-"+r.ID+"-before")
	if err == nil {
		err = b.api.ContainerStart(t.Context(), made.ID, container.StartOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// tasks counts a service's containers that RunOnce made.
func (b *bench) tasks(t *testing.T, service string) int {
	t.Helper()
	found, err := b.api.ContainerList(t.Context(), container.ListOptions{All: true, Filters: filters.NewArgs(
		filters.Arg("label", "fisherman.network="+b.network), filters.Arg("label", "fisherman.service="+service), filters.Arg("label", "fisherman.once"),
	)})
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// crash makes a container as Start would, and does not start it.
func (b *bench) crash(t *testing.T, r deployer.Release) {
	t.Helper()
	config := &container.Config{Image: "fisherman/" + r.Service.Name + ":" + r.ID, Labels: map[string]string{
		"fisherman.network": b.network, "fisherman.deployment": r.ID, "fisherman.service": r.Service.Name,
	}}
	if _, err := b.api.ContainerCreate(t.Context(), config, nil, nil, nil, b.container(r, 0)); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) retained(t *testing.T, service string) []string {
	t.Helper()
	tags := b.tags(t, "fisherman/"+service)
	slices.Sort(tags)
	return tags
}
