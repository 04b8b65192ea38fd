package docker

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/docker/docker/api/types/container"

	"fisherman/deployer"
)

// containerConfig is what runs. The image's HEALTHCHECK is switched off: Await runs it at its own cadence, and Docker's
// would only cost from then on.
func (e *Engine) containerConfig(r deployer.Release, n int) *container.Config {
	stop := seconds(r.Service.Stop)
	return &container.Config{
		Image:       retained(r.Service.Name, r.ID),
		Env:         environ(r.Service.Environment),
		Cmd:         r.Service.Args,
		Labels:      e.labels(r, n),
		StopTimeout: &stop,
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
	}
}

// hostConfig is how it runs. There is no restart policy yet: a release that cannot start shall be seen to end.
func (e *Engine) hostConfig() *container.HostConfig {
	return &container.HostConfig{
		NetworkMode:   container.NetworkMode(e.network),
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyDisabled},
		LogConfig: container.LogConfig{
			Type:   "json-file",
			Config: map[string]string{"max-size": "10m", "max-file": "3"},
		},
	}
}

func environ(vars map[string]string) []string {
	env := make([]string, 0, len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		env = append(env, fmt.Sprintf("%s=%s", name, vars[name]))
	}
	return env
}

// seconds rounds up: Docker counts stop times in whole seconds, and 0 would be SIGKILL at once.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
