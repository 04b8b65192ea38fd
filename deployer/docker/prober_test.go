package docker_test

import (
	"testing"
	"time"

	"github.com/docker/docker/api/types/image"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

func proberAsksWhatAwaitAsks(t *testing.T, b *bench) {
	for name, c := range map[string]struct {
		image  deployertest.Image
		change func(*deployer.Service)
		what   string
		every  time.Duration
	}{
		"path":        {what: "GET /health on port 8080", every: 5 * time.Second},
		"HEALTHCHECK": {deployertest.Image{Healthcheck: []string{"CMD", "/app", "healthcheck"}}, func(s *deployer.Service) { s.Health.Path = "" }, "the image's HEALTHCHECK", 30 * time.Second},
		"port":        {change: func(s *deployer.Service) { s.Health.Path = "" }, what: "a connection to port 8080", every: 5 * time.Second},
		"worker":      {change: func(s *deployer.Service) { s.Health, s.Routes = deployer.Health{}, nil }, what: "running 5s", every: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := b.release(deployertest.Push(t, b.image()+":latest", b.dress(c.image)))
			if c.change != nil {
				c.change(&r.Service)
			}
			probe, replica := b.probed(t, r)
			if probe.What != c.what || probe.Every != c.every {
				t.Errorf("asks for %s every %s, want %s every %s", probe.What, probe.Every, c.what, c.every)
			}
			begun := time.Now()
			for range 3 {
				if err := probe.Ask(t.Context(), replica); err != nil {
					t.Errorf("of one that is well: %v", err)
				}
			}
			if took := time.Since(begun); took > 3*time.Second {
				t.Errorf("three probes took %s", took)
			}
			if err := b.Halt(t.Context(), r.ID, 0); err != nil {
				t.Fatal(err)
			}
			b.tellsWhenItHasEnded(t, r, probe)
		})
	}
}

// probed brings a release up and finds how it is probed.
func (b *bench) probed(t *testing.T, r deployer.Release) (deployer.Probe, deployer.Replica) {
	t.Helper()
	replica := b.live(t, r)[0]
	probe, err := b.Prober(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return probe, replica
}

// Its old address may be another container's by now: only the listing tells.
func (b *bench) tellsWhenItHasEnded(t *testing.T, r deployer.Release, probe deployer.Probe) {
	t.Helper()
	all, err := b.Releases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range all {
		if found.ID != r.ID {
			continue
		}
		if err := probe.Ask(t.Context(), found.Replicas[0]); err == nil || err.Error() != "exited with code 0" {
			t.Errorf("of one that is listed as ended: %v, want how it ended", err)
		}
	}
}

// A live release whose image lost its name is still probed.
func proberNeedsNoImage(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	r.Service.Health.Path = ""
	b.live(t, r)
	if _, err := b.api.ImageRemove(t.Context(), "fisherman/"+r.Service.Name+":"+r.ID, image.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	if probe, err := b.Prober(t.Context(), r); err != nil || probe.What != "a connection to port 8080" {
		t.Errorf("asks for %q, %v; want the port", probe.What, err)
	}
}
