package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"

	"fisherman/deployer/deployertest"
)

// placeBystanders makes what fisherman must never touch: a container without labels, one of another fisherman's
// network, an image, a network. They go with the test.
func (a *arena) placeBystanders() {
	a.t.Helper()
	ref := a.registry + "/foreign/app:1"
	deployertest.Push(a.t, ref, deployertest.Image{App: a.app, Env: []string{"FOREIGN=" + a.network}})
	err := a.ask(func(ctx context.Context) error {
		pulled, err := a.docker.ImagePull(ctx, ref, image.PullOptions{})
		if err != nil {
			return err
		}
		defer pulled.Close()
		_, err = io.Copy(io.Discard, pulled)
		return err
	})
	if err != nil {
		a.t.Fatalf("pull an image that is not fisherman's: %v", err)
	}
	a.t.Cleanup(a.removeBystanders)
	err = a.ask(func(ctx context.Context) error {
		if err := a.docker.ImageTag(ctx, ref, a.foreignName()+":kept"); err != nil {
			return err
		}
		if _, err := a.docker.NetworkCreate(ctx, a.foreignName(), network.CreateOptions{}); err != nil {
			return err
		}
		for name, labels := range map[string]map[string]string{
			"plain": nil,
			"other": {"fisherman.network": "other-" + a.network, "fisherman.service": web, "fisherman.deployment": "01"},
		} {
			made, err := a.docker.ContainerCreate(ctx, &container.Config{Image: ref, Labels: labels}, nil, nil, nil, a.foreignName()+"-"+name)
			if err != nil {
				return err
			}
			if err := a.docker.ContainerStart(ctx, made.ID, container.StartOptions{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		a.t.Fatalf("make what is not fisherman's: %v", err)
	}
	a.bystanders = a.foreign()
}

func (a *arena) foreignName() string { return "foreign-" + strings.ToLower(a.network) }

// foreign describes the bystanders, a line each. What an engine does to them that is itself maltreated is not
// fisherman's doing; there only their existence counts.
func (a *arena) foreign() (lines []string) {
	err := a.ask(func(ctx context.Context) error {
		for _, name := range []string{"plain", "other"} {
			c, err := a.docker.ContainerInspect(ctx, a.foreignName()+"-"+name)
			if err != nil {
				return err
			}
			line := "container " + c.ID
			if a.engine == nil {
				line += fmt.Sprint(" started ", c.State.StartedAt, " running ", c.State.Running, " restarts ", c.RestartCount)
			}
			lines = append(lines, line)
		}
		i, err := a.docker.ImageInspect(ctx, a.foreignName()+":kept")
		if err != nil {
			return err
		}
		n, err := a.docker.NetworkInspect(ctx, a.foreignName(), network.InspectOptions{})
		lines = append(lines, fmt.Sprint("image ", i.ID, " ", i.RepoTags), "network "+n.ID)
		return err
	})
	if err != nil {
		lines = append(lines, err.Error())
	}
	return lines
}

func (a *arena) removeBystanders() {
	_ = a.ask(func(ctx context.Context) error {
		for _, name := range []string{"plain", "other"} {
			_ = a.docker.ContainerRemove(ctx, a.foreignName()+"-"+name, container.RemoveOptions{Force: true})
		}
		_ = a.docker.NetworkRemove(ctx, a.foreignName())
		for _, ref := range []string{a.foreignName() + ":kept", a.registry + "/foreign/app:1"} {
			_, _ = a.docker.ImageRemove(ctx, ref, image.RemoveOptions{})
		}
		return nil
	})
}
