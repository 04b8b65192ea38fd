package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	dockerevents "github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
)

// containers describes every container with this label, a line each, the oldest deployment first.
func (s *stage) containers(label string) ([]string, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	found, err := s.docker.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", label))})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b container.Summary) int {
		return cmp.Or(cmp.Compare(a.Labels["fisherman.deployment"], b.Labels["fisherman.deployment"]), slices.Compare(a.Names, b.Names))
	})
	var lines []string
	for _, c := range found {
		inspected, err := s.docker.ContainerInspect(ctx, c.ID)
		if cerrdefs.IsNotFound(err) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		line := fmt.Sprintf("state=%s policy=%s", inspected.State.Status, inspected.HostConfig.RestartPolicy.Name)
		for _, name := range []string{"service", "deployment", "digest", "network", "spec"} {
			line += fmt.Sprintf(" %s=%s", name, c.Labels["fisherman."+name])
		}
		lines = append(lines, line+" id="+c.ID)
	}
	return lines, nil
}

// tags lists the tags on the engine that begin so, sorted.
func (s *stage) tags(prefix string) ([]string, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	images, err := s.docker.ImageList(ctx, image.ListOptions{})
	var tags []string
	for _, i := range images {
		for _, tag := range i.RepoTags {
			if strings.HasPrefix(tag, prefix) {
				tags = append(tags, tag)
			}
		}
	}
	slices.Sort(tags)
	return tags, err
}

// events records what happens to containers, from the moment watch returned.
type events struct {
	cancel context.CancelFunc
	done   chan struct{}
	mu     sync.Mutex // guards seen and failed
	seen   []dockerevents.Message
	failed error
}

// watch records what happens to the containers with a label.
func (s *stage) watch(label string) *events {
	ctx, cancel := context.WithCancel(context.Background())
	e := &events{cancel: cancel, done: make(chan struct{})}
	which := filters.NewArgs(filters.Arg("type", "container"), filters.Arg("label", label))
	messages, failed := s.docker.Events(ctx, dockerevents.ListOptions{Filters: which}) // returns once the engine has answered
	go func() {
		defer close(e.done)
		for {
			select {
			case m := <-messages:
				e.add(m, nil)
			case err := <-failed:
				if ctx.Err() == nil {
					e.add(dockerevents.Message{}, err)
				}
				return
			}
		}
	}()
	return e
}

func (e *events) add(m dockerevents.Message, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen, e.failed = append(e.seen, m), errors.Join(e.failed, err)
}

// lines are the events of one kind or several, such as "start" and "die", with an attribute's value each.
func (e *events) lines(attribute string, kinds ...string) ([]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var lines []string
	for _, m := range e.seen {
		if slices.Contains(kinds, string(m.Action)) {
			lines = append(lines, fmt.Sprintf("%s %s", m.Action, m.Actor.Attributes[attribute]))
		}
	}
	return lines, e.failed
}

func (e *events) close() {
	e.cancel()
	<-e.done
}

// leftovers is what a demo left behind whose images have these digests, or beginnings of them. Its network is known by
// the containers that were seen on it.
func (s *stage) leftovers(digests []string) ([]string, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	networks := s.events.networks(digests)
	if len(networks) == 0 {
		return nil, fmt.Errorf("no container of %v was ever made", digests)
	}
	var left []string
	for name := range networks {
		containers, err := s.containers("fisherman.network=" + name)
		if err != nil {
			return nil, err
		}
		left = append(left, containers...)
		if _, err := s.docker.NetworkInspect(ctx, name, network.InspectOptions{}); !cerrdefs.IsNotFound(err) {
			left = append(left, "network "+name)
		}
	}
	images, err := s.docker.ImageList(ctx, image.ListOptions{})
	for _, i := range images {
		references := strings.Join(i.RepoDigests, " ")
		if slices.ContainsFunc(digests, func(digest string) bool { return strings.Contains(references, "@"+digest) }) {
			left = append(left, "image "+i.ID)
		}
	}
	return left, err
}

// networks are those that containers of these digests were made on.
func (e *events) networks(digests []string) map[string]bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	networks := map[string]bool{}
	for _, m := range e.seen {
		of := m.Actor.Attributes["fisherman.digest"]
		if slices.ContainsFunc(digests, func(digest string) bool { return strings.HasPrefix(of, digest) }) {
			networks[m.Actor.Attributes["fisherman.network"]] = true
		}
	}
	return networks
}
