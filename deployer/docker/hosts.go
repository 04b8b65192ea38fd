package docker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"

	"fisherman/deployer"
)

// hosts are the files that containers have as /etc/hosts (hosts(5)): one for each service, and for each set of its
// extra_hosts. A file is mounted, so it is written in place: another file of its name would be seen by new containers only.
type hosts struct {
	dir string // empty: containers have Docker's own

	mu     sync.Mutex
	names  map[string][]string // service → addresses
	claims map[string]claim    // by file name
}

var _ deployer.Names = (*Engine)(nil)

const (
	hostsTarget = "/etc/hosts"
	hostsHead   = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\n" +
		"ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n"
	// hostsMark divides what a service has of its own from what fisherman keeps up to date.
	hostsMark = "# services, as they are live:\n"
	// hostsBlock is a page of memory: what is within one is read as it was before a write or as it is after it.
	hostsBlock = 4096
)

// SetNames implements deployer.Names: every file is brought up to date.
func (e *Engine) SetNames(addresses map[string][]string) error {
	h := &e.hosts
	if h.dir == "" {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.names = maps.Clone(addresses)
	found, err := os.ReadDir(h.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("list hosts files: %w", err)
	}
	err = nil
	for _, file := range found {
		if !file.Type().IsRegular() {
			continue
		}
		err = errors.Join(err, h.refresh(filepath.Join(h.dir, file.Name())))
	}
	return err
}

// refresh gives a file today's names and leaves what is before them. Nothing is waited for: whatever becomes of the machine, what is
// before the names is as it was, and a start brings them up to date.
func (h *hosts) refresh(path string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read hosts file: %w", err)
	}
	own, _, _ := strings.Cut(string(old), hostsMark)
	text := h.text(own, len(old))
	if bytes.Equal(text, old) {
		return nil
	}
	return writeHosts(path, text, func(*os.File) error { return nil })
}

// text is a file's: its own lines and the names. Behind them are line ends, so that nothing is left of what was longer.
func (h *hosts) text(own string, least int) []byte {
	text := own + hostsMark + hostsLines(h.names, own)
	size := max(least, (len(text)+hostsBlock-1)/hostsBlock*hostsBlock)
	return append([]byte(text), bytes.Repeat([]byte("\n"), size-len(text))...)
}

// writeHosts puts a text into a file, in one piece and in place, so that nobody reads half of it.
func writeHosts(path string, text []byte, keep func(*os.File) error) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("write hosts file: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err = file.WriteAt(text, 0); err == nil {
		err = errors.Join(file.Chmod(0o644), keep(file)) // whatever the umask is
	}
	if err != nil {
		return fmt.Errorf("write hosts file %s: %w", path, err)
	}
	return nil
}

// hostsLines are the names of services, but those that a service has given an address of its own.
func hostsLines(names map[string][]string, own string) string {
	taken := map[string]bool{}
	for line := range strings.Lines(own) {
		for _, name := range strings.Fields(line)[min(1, len(strings.Fields(line))):] {
			taken[name] = true
		}
	}
	var b strings.Builder
	for _, service := range slices.Sorted(maps.Keys(names)) {
		for _, address := range names[service] {
			if !taken[service] {
				fmt.Fprintf(&b, "%s\t%s\n", address, service)
			}
		}
	}
	return b.String()
}

// hostsMount is the file that a service's containers get as /etc/hosts, made when it is missing; none where the service
// mounts one of its own, or nobody keeps any. It stays at least until release is called.
func (e *Engine) hostsMount(ctx context.Context, s deployer.Service) (mounts []mount.Mount, release func(), err error) {
	theirs := slices.ContainsFunc(s.Volumes, func(v deployer.Volume) bool { return v.Target == hostsTarget || v.Target == "/etc" })
	h := &e.hosts
	if h.dir == "" || theirs {
		return nil, func() {}, nil
	}
	extra, err := e.extraHosts(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	file := hostsFile(s)
	path := filepath.Join(h.dir, file)
	if err := os.MkdirAll(h.dir, 0o755); err != nil {
		return nil, nil, fmt.Errorf("make the directory of hosts files: %w; move away what is no directory there, and let this user write beside it", err)
	}
	own := hostsHead + extra
	if old, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(old), own+hostsMark) {
		if err := writeHosts(path, h.text(own, len(old)), (*os.File).Sync); err != nil {
			return nil, nil, err
		}
	}
	return []mount.Mount{{Type: mount.TypeBind, Source: path, Target: hostsTarget, ReadOnly: true}}, h.claimLocked(file), nil
}

// hostsFile is the name of a service's hosts file.
func hostsFile(s deployer.Service) string {
	if len(s.ExtraHosts) == 0 {
		return s.Name
	}
	sum := sha256.Sum256([]byte(strings.Join(s.ExtraHosts, "\n")))
	return fmt.Sprintf("%s.%x", s.Name, sum[:6])
}

// make creates a container with the service's hosts file. Where the engine does not see that, since fisherman is in a container and
// its state directory is elsewhere there, the container has Docker's own.
func (e *Engine) make(ctx context.Context, config *container.Config, host *container.HostConfig, s deployer.Service, name string) (made container.CreateResponse, err error) {
	file, release, err := e.hostsMount(ctx, s)
	if err != nil {
		return made, fmt.Errorf("create container %s: %w", name, err)
	}
	defer release()
	host.Mounts = append(host.Mounts, file...)
	create := func(ctx context.Context) (err error) {
		made, err = e.api.ContainerCreate(ctx, config, host, nil, nil, name)
		return err
	}
	err = e.ask(context.WithoutCancel(ctx), "create container "+name, create)
	if err == nil || e.hosts.dir == "" || !strings.Contains(err.Error(), "bind source path does not exist: "+e.hosts.dir) {
		return made, err
	}
	e.log.Warn().Str("container", name).Str("directory", e.hosts.dir).
		Msg("Docker does not see the hosts files, so the names of services do not resolve in this container; mount the state directory at the same path on the machine")
	host.Mounts = slices.DeleteFunc(host.Mounts, func(m mount.Mount) bool { return m.Target == hostsTarget })
	err = e.ask(context.WithoutCancel(ctx), "create container "+name, create)
	return made, err
}

// extraHosts are the lines that Docker would make of a service's extra_hosts.
func (e *Engine) extraHosts(ctx context.Context, s deployer.Service) (string, error) {
	var b strings.Builder
	for _, entry := range s.ExtraHosts {
		name, address, _ := strings.Cut(entry, ":")
		if address == "host-gateway" {
			var err error
			if address, err = e.hostGateway(ctx); err != nil {
				return "", err
			}
		}
		fmt.Fprintf(&b, "%s\t%s\n", strings.Trim(address, "[]"), name)
	}
	return b.String(), nil
}

// hostGateway is what Docker takes host-gateway for: the machine's address on the bridge named "bridge" (dockerd,
// --host-gateway-ip). Where that is not there, it is the one on our own.
func (e *Engine) hostGateway(ctx context.Context) (address string, err error) {
	for _, name := range []string{"bridge", e.network} {
		var found network.Inspect
		err = e.ask(ctx, "inspect network "+name, func(ctx context.Context) (err error) {
			found, err = e.api.NetworkInspect(ctx, name, network.InspectOptions{})
			return err
		})
		for _, c := range found.IPAM.Config {
			if c.Gateway != "" {
				return c.Gateway, nil
			}
		}
	}
	return "", errors.Join(err, errors.New("extra_hosts: host-gateway: no bridge of this engine has an address; write the address itself"))
}
