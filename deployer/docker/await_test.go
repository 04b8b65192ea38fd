package docker_test

import (
	"cmp"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

func awaitAsksInTheContractsOrder(t *testing.T, b *bench) {
	check := []string{"CMD", "/app", "healthcheck"}
	var waits sync.WaitGroup // all at once: most of them only wait
	defer waits.Wait()
	for name, c := range map[string]struct {
		image  deployertest.Image
		change func(*deployer.Service)
		want   string // of the error; empty: it becomes healthy
		asked  string // what the progress names
	}{
		"path": {
			asked: "GET /health on port 8080",
		},
		"path that redirects": {
			image: deployertest.Image{Env: []string{"REDIRECT=https://web.test/login"}},
			asked: "GET /health", want: "it redirects (302) to https://web.test/login",
		},
		"path that is unwell": {
			image: deployertest.Image{Env: []string{"UNHEALTHY=1"}},
			asked: "GET /health", want: "it answers 503 Service Unavailable",
		},
		"path on a closed port": {
			change: func(s *deployer.Service) { s.Health.Port = 9 },
			asked:  "GET /health on port 9", want: "connection refused",
		},
		"path before HEALTHCHECK": {
			image: deployertest.Image{Healthcheck: []string{"CMD", "/none"}},
			asked: "GET /health",
		},
		"HEALTHCHECK": {
			image:  deployertest.Image{Healthcheck: check},
			change: func(s *deployer.Service) { s.Health.Path = "" },
			asked:  "HEALTHCHECK",
		},
		"HEALTHCHECK that is unwell": {
			image:  deployertest.Image{Healthcheck: check, Env: []string{"UNHEALTHY=1"}},
			change: func(s *deployer.Service) { s.Health.Path = "" },
			asked:  "HEALTHCHECK", want: "exited with code 1: /health answers 503 Service Unavailable",
		},
		"port": {
			change: func(s *deployer.Service) { s.Health.Path = "" },
			asked:  "a connection to port 8080",
		},
		"closed port": {
			change: func(s *deployer.Service) { s.Health.Path, s.Routes[0].Port = "", 9 },
			asked:  "a connection to port 9", want: "connection refused",
		},
		"worker": {
			change: func(s *deployer.Service) { s.Health, s.Routes = deployer.Health{}, nil },
			asked:  "running 5s",
		},
		"worker that exits": {
			image:  deployertest.Image{Env: []string{"EXIT=0", "LASTLINE=all \x1b[31mdone"}},
			change: func(s *deployer.Service) { s.Health, s.Routes = deployer.Health{}, nil },
			asked:  "running 5s", want: "exited with code 0",
		},
	} {
		r := b.release(deployertest.Push(t, b.image()+":latest", b.dress(c.image)))
		if c.change != nil {
			c.change(&r.Service)
		}
		if c.want != "" && r.Service.Health.Deadline > 0 {
			r.Service.Health.Deadline = 3 * time.Second
		}
		b.start(t, r)
		waits.Go(func() {
			var asked string
			_, err := b.Await(t.Context(), r, func(r deployer.Report) { asked = cmp.Or(asked, r.Text) })
			if !strings.Contains(asked, c.asked) {
				t.Errorf("%s: told %q, want %q", name, asked, c.asked)
			}
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%s: awaited with %v, want %q", name, err, c.want)
			}
			if err != nil && strings.ContainsRune(err.Error(), '\x1b') {
				t.Errorf("%s: the reason %q holds a control character", name, err)
			}
		})
	}
}

func awaitWaitsForASlowBoot(t *testing.T, b *bench) {
	r := b.release(b.push(t, "BOOT=1s"))
	begun := time.Now()
	b.live(t, r)
	if took := time.Since(begun); took < time.Second {
		t.Errorf("healthy after %s, before it listened", took)
	}
}

func awaitNamesTheReplicaThatExited(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	r.Service.Replicas = 2
	b.live(t, r)
	r.Service.Health.Successes = 1 << 20 // a wait that never ends by itself
	second := b.container(r, 1)
	kill := sync.OnceFunc(func() {
		if err := b.api.ContainerKill(context.Background(), second, "KILL"); err != nil {
			t.Error(err)
		}
	})
	_, err := b.Await(t.Context(), r, func(deployer.Report) { kill() })
	for _, want := range []string{r.Service.Name + "-1 exited with code 137 after ", "its last lines:\nlistening on [::]:8080 as version 1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("awaited with %v, want %q", err, want)
		}
	}
}
