package docker_test

import (
	"errors"
	"strings"
	"testing"

	"fisherman/deployer"
	"fisherman/deployer/docker"
)

const tooMuch = 1 << 50 // bytes that no machine of ours has

func preflightRefusesAFullDisk(t *testing.T, b *bench) {
	full := b.engine(t, docker.Options{Network: b.network, SpareDisk: tooMuch})
	r := b.release(b.push(t))
	info, err := b.api.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = full.Preflight(t.Context(), r)
	if !errors.Is(err, deployer.ErrNoSpace) || errors.Is(err, deployer.ErrUnavailable) {
		t.Errorf("refused with %v, want that there is no space", err)
	}
	for _, want := range []string{info.DockerRootDir + " has ", " free ", r.Service.Name, "about 1125.9 TB", "docker system df"} {
		if err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("the reason %q does not hold %q", err, want)
		}
	}
	b.pull(t, r)
	if err := full.Preflight(t.Context(), r); err != nil {
		t.Errorf("the image is here, and still: %v", err)
	}
}

func preflightRefusesWhatMemoryCannotHold(t *testing.T, b *bench) {
	for name, c := range map[string]struct {
		change func(*deployer.Service)
		want   []string // of the error; none: it passes
	}{
		"no limit":   {func(s *deployer.Service) { s.Replicas = 1 << 20 }, nil},
		"fits":       {func(s *deployer.Service) { s.Resources.Memory = 64 << 20 }, nil},
		"blue-green": {func(s *deployer.Service) { s.Replicas, s.Resources.Memory = 2, tooMuch }, []string{"available, and 2 more of web-", "2147483648 MiB", "strategy: recreate"}},
		"recreate": {
			func(s *deployer.Service) { s.Strategy, s.Resources.Memory = deployer.Recreate, tooMuch },
			[]string{" MiB of memory, and 1 of web-", "1073741824 MiB", "lower replicas or resources.memory"},
		},
	} {
		r := b.release(b.push(t))
		c.change(&r.Service)
		err := b.Preflight(t.Context(), r)
		if (err != nil) != (c.want != nil) || errors.Is(err, deployer.ErrUnavailable) || errors.Is(err, deployer.ErrNoSpace) {
			t.Errorf("%s: %v, want a final error: %v", name, err, c.want != nil)
		}
		for _, want := range c.want {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the reason %q does not hold %q", name, err, want)
			}
		}
	}
}

// A deployment that goes on after a crash has its containers already.
func preflightCountsWhatRunsAlready(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	b.live(t, r)
	r.Service.Resources.Memory = tooMuch
	if err := b.Preflight(t.Context(), r); err != nil {
		t.Errorf("its only container runs, and still: %v", err)
	}
}

func preflightAsksNoRegistry(t *testing.T, b *bench) {
	r := b.release("sha256:" + strings.Repeat("ab", 32))
	r.Service.Image = "127.0.0.1:1/o/web"
	if err := b.Preflight(t.Context(), r); err != nil {
		t.Errorf("the registry is away: %v", err)
	}
}
