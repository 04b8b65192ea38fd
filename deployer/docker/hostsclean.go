package docker

import (
	"context"
	"os"
	"path/filepath"

	"github.com/docker/docker/api/types/container"
)

// claim counts who wanted to create a container with a hosts file, and who is done with that. It only grows: whoever finds it as it
// was knows that nobody has been at it meanwhile.
type claim struct{ begun, ended int }

// claimLocked keeps a hosts file while a container is created that has it.
func (h *hosts) claimLocked(file string) (release func()) {
	if h.claims == nil {
		h.claims = map[string]claim{}
	}
	c := h.claims[file]
	h.claims[file] = claim{c.begun + 1, c.ended}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		c := h.claims[file]
		h.claims[file] = claim{c.begun, c.ended + 1}
	}
}

// idle are the hosts files that no container is being created with.
func (h *hosts) idle() (map[string]claim, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	found, err := os.ReadDir(h.dir)
	idle := map[string]claim{}
	for _, file := range found {
		if c := h.claims[file.Name()]; file.Type().IsRegular() && c.begun == c.ended {
			idle[file.Name()] = c
		}
	}
	return idle, unless(os.IsNotExist, err)
}

// cleanHosts removes the hosts files that no container has, of whatever network: that of a service that is gone, or of extra_hosts
// that it had. A container that does not run cannot be started without its own. What a container was created with since the
// files were looked at stays, whether it was listed or not.
func (e *Engine) cleanHosts(ctx context.Context) error {
	h := &e.hosts
	idle, err := h.idle()
	if err != nil || len(idle) == 0 {
		return err
	}
	err = e.ask(ctx, "list containers", func(ctx context.Context) error {
		all, err := e.api.ContainerList(ctx, container.ListOptions{All: true})
		for _, c := range all {
			for _, m := range c.Mounts {
				if m.Destination == hostsTarget {
					delete(idle, filepath.Base(m.Source))
				}
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for file, before := range idle {
		if h.claims[file] != before {
			continue
		}
		if err := os.Remove(filepath.Join(h.dir, file)); unless(os.IsNotExist, err) != nil {
			return err
		}
	}
	return nil
}
