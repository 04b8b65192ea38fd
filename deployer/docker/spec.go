package docker

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"fisherman/deployer"
)

// containerConfig is what runs. The image's HEALTHCHECK is switched off: Await runs it at its own cadence, and Docker's
// would only cost from then on.
func (e *Engine) containerConfig(r deployer.Release, n int) (*container.Config, error) {
	if err := possible(r.Service); err != nil {
		return nil, err
	}
	env, err := environ(r.Service)
	if err != nil {
		return nil, err
	}
	stop := seconds(r.Service.Stop)
	return &container.Config{
		Image:       retained(r.Service.Name, r.ID),
		Env:         env,
		Entrypoint:  r.Service.Entrypoint,
		Cmd:         r.Service.Args,
		User:        r.Service.User,
		Labels:      e.labels(r, n),
		StopTimeout: &stop,
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},

		ExposedPorts: exposed(r.Service.Ports),
	}, nil
}

// hostConfig is how it runs. There is no restart policy yet: a release that cannot start shall be seen to end.
func (e *Engine) hostConfig(s deployer.Service) *container.HostConfig {
	return &container.HostConfig{
		NetworkMode:   container.NetworkMode(e.network),
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyDisabled},
		LogConfig: container.LogConfig{
			Type:   "json-file",
			Config: map[string]string{"max-size": "10m", "max-file": "3"},
		},
		Resources:    limits(s.Resources),
		Mounts:       e.mounts(s),
		PortBindings: bindings(s.Ports),

		ExtraHosts:     s.ExtraHosts,
		CapAdd:         s.CapAdd,
		CapDrop:        s.CapDrop,
		ReadonlyRootfs: s.ReadOnly,
		Tmpfs:          inMemory(s.Tmpfs),
	}
}

// possible reports whether containers of a service can be made at all.
func possible(s deployer.Service) error {
	if s.Lacks == "" {
		return nil
	}
	return fmt.Errorf("%s: %w", s.Lacks, deployer.ErrUnavailable)
}

func inMemory(all []deployer.Tmpfs) map[string]string {
	options := make(map[string]string, len(all))
	for _, t := range all {
		options[t.Target] = t.Options
	}
	return options
}

// limits bound one container. Swap counts as memory, as the service's limit does: what would only be swapped out is killed
// instead, and seen to be.
func limits(r deployer.Resources) container.Resources {
	l := container.Resources{Memory: r.Memory, MemorySwap: r.Memory, NanoCPUs: int64(r.CPUs * 1e9)}
	if r.PIDs > 0 {
		l.PidsLimit = &r.PIDs
	}
	return l
}

// environ opens what is sealed: here, and nowhere before. So what is inside shows only here, too.
func environ(s deployer.Service) ([]string, error) {
	env := make([]string, 0, len(s.Environment))
	for _, name := range slices.Sorted(maps.Keys(s.Environment)) {
		text, err := s.Environment[name].Reveal()
		if err == nil && strings.ContainsRune(text, 0) {
			err = errors.New("holds a NUL character, which no process can be given; encrypt the value without, or its base64")
		}
		if err != nil {
			return nil, fmt.Errorf("open services.%s.environment.%s: it %w", s.Name, name, err)
		}
		env = append(env, name+"="+text)
	}
	return env, nil
}

// seconds rounds up: Docker counts stop times in whole seconds, and 0 would be SIGKILL at once.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
