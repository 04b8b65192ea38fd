package docker_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

func pullRefusesAnotherPlatform(t *testing.T, b *bench) {
	var g gate
	b = b.behind(t, &g)
	pull := func(layer v1.Layer) {
		t.Helper()
		other := b.dress(deployertest.Image{})
		other.App, other.Architecture = layer, "s390x"
		digest := deployertest.Push(t, b.image()+":latest", other)
		_, err := b.Pull(t.Context(), b.release(digest), silent)
		if err == nil || errors.Is(err, deployer.ErrUnavailable) || !strings.Contains(err.Error(), "is built for linux/s390x, and this machine is linux/") {
			t.Errorf("pulled with %v, want a final error that names the platform", err)
		}
		if b.has(t, b.image()+"@"+digest) {
			t.Error("the image is on the disk")
		}
	}
	pull(b.app) // it is here before anybody knows

	layer, hold := slowLayer(t) // one that takes long is given up
	g.set(hold)
	begun := time.Now()
	pull(layer)
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("given up after %s only", took)
	}
}

// slowLayer is a layer that no engine has, and a gate's rule that keeps it back until the test ends.
func slowLayer(t *testing.T) (v1.Layer, func(http.ResponseWriter, *http.Request) bool) {
	t.Helper()
	layer, err := random.Layer(1<<10, types.DockerLayer)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layer.Digest()
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	return layer, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, digest.String()) {
			<-over
		}
		return false
	}
}

// A pull that is given up when it is nearly done leaves no image that no Clean knows.
func anInterruptedPullLeavesNothing(t *testing.T, b *bench) {
	b.pull(t, b.release(b.push(t))) // the app's layer is here
	var g gate
	b = b.behind(t, &g)
	label := "test.interrupted=" + b.network
	for range 8 {
		i := b.dress(deployertest.Image{})
		i.Labels["test.interrupted"] = b.network
		r := b.release(deployertest.Push(t, b.image()+":latest", i))
		ctx, cancel := context.WithCancel(t.Context())
		g.set(func(_ http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/blobs/") { // the config: the last that the engine asks for
				cancel()
			}
			return false
		})
		if _, err := b.Pull(ctx, r, silent); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("pulled with %v, want its context's end", err)
		}
		g.rule.Store(nil)
		if err := b.Clean(t.Context(), r.Service.Name, nil); err != nil {
			t.Error(err)
		}
	}
	left, err := b.api.ImageList(t.Context(), image.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", label))})
	if err != nil || len(left) > 0 {
		t.Errorf("interrupted pulls left %+v, %v", left, err)
	}
}

func aPullThatNobodyWantsIsCutOff(t *testing.T, b *bench) {
	var g gate
	b = b.behind(t, &g)
	i := b.dress(deployertest.Image{})
	layer, hold := slowLayer(t)
	i.App = layer
	r := b.release(deployertest.Push(t, b.image()+":latest", i))
	g.set(hold)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := b.Pull(ctx, r, silent); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("pulled with %v, want its context's end", err)
	}
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("it went on for %s", took)
	}
}
