package docker_test

import (
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

func keepsTheContract(t *testing.T, b *bench) {
	deployertest.TestRuntime(t, deployertest.Rig{
		Runtime: b, Service: b.release("").Service,
		Good: b.push(t, "VERSION=1"), Next: b.push(t, "VERSION=2"),
		Sick: b.push(t, "UNHEALTHY=1"), Exits: b.push(t, "EXIT=3", "LASTLINE=no database"),
		Says: "listening on [::]:8080 as version 1", LastLine: "no database", Revision: commit,
		Crash:    b.crash,
		Retained: func(t *testing.T, service string) []string { return b.retained(t, service) },
	})
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
