package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
)

// tenants are the processes behind the addresses of our network. An engine that comes back deals addresses anew before it
// answers anybody; the kernel tells at any time whether the process that had one is still there, and until it has ended
// nobody else gets its address.
type tenants struct {
	mu sync.Mutex
	at map[string]tenant // by address; as many as the network has, at most
}

type tenant struct {
	service, container string
	process            *os.Process
}

// here reports whether the process has not ended, or has not been reaped yet. A process that this user may not signal is
// one that is there.
func (t tenant) here() bool {
	return !errors.Is(t.process.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// Owns reports whether a service's container still has the address ("172.18.0.3:8080"), as far as the kernel can tell:
// one that Releases and Await have not seen, or whose processes are hidden from this one, is taken at its word.
func (e *Engine) Owns(service, address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return true
	}
	e.tenants.mu.Lock()
	defer e.tenants.mu.Unlock()
	t, known := e.tenants.at[host]
	return !known || t.service == service && t.here()
}

// moveIn learns which process is behind a container's address.
func (e *Engine) moveIn(ctx context.Context, c container.Summary) error {
	address := e.address(c)
	if address == "" || e.tenants.knows(address, c.ID) {
		return nil
	}
	found, err := e.inspect(ctx, c.ID)
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if at := found.NetworkSettings.Networks[e.network]; !found.State.Running || at == nil || at.IPAddress != address {
		return nil // it has moved since the listing; the next one tells
	}
	t := tenant{service: c.Labels[labelService], container: c.ID}
	if t.process, err = os.FindProcess(found.State.Pid); err != nil {
		return nil
	}
	// To a fisherman in a container processes have other numbers, and any number may have been given away since: a
	// container's process is in a control group with the container's id in its name (cgroups(7)).
	group, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", found.State.Pid))
	e.tenants.put(address, t, err == nil && strings.Contains(string(group), c.ID))
	return nil
}

// knows reports whether the container is known to be behind the address.
func (ts *tenants) knows(address, container string) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t, known := ts.at[address]
	return known && t.container == container && t.here()
}

// put notes who is behind an address. Who is not certain is not noted, and neither is who has left meanwhile.
func (ts *tenants) put(address string, t tenant, certain bool) {
	if !t.here() {
		return
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if before, known := ts.at[address]; known {
		_ = before.process.Release()
		delete(ts.at, address)
	}
	if !certain {
		_ = t.process.Release()
		return
	}
	if ts.at == nil {
		ts.at = map[string]tenant{}
	}
	ts.at[address] = t
}
