package docker_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
	"fisherman/deployer/docker"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

// bench is an engine on a network of its own, a registry and the test app.
type bench struct {
	*docker.Engine
	api      *client.Client
	network  string
	registry string
	app      v1.Layer
}

// newBench fails the test when Docker does not answer. Everything it makes is gone after the test.
func newBench(t *testing.T) *bench {
	t.Helper()
	api, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	b := &bench{api: api, registry: deployertest.Registry(t), app: deployertest.App(t)}
	return b.elsewhere(t)
}

// elsewhere is the same bench on another network.
func (b *bench) elsewhere(t *testing.T) *bench {
	t.Helper()
	other := *b
	other.network = "test-" + strings.ToLower(rand.Text()[:10])
	other.Engine = b.engine(t, docker.Options{Network: other.network})
	if err := other.Ready(t.Context()); err != nil {
		t.Fatalf("these tests need a Docker Engine: %v", err)
	}
	t.Cleanup(func() { other.clear(t) })
	return &other
}

// behind is the same bench with a registry of its own behind a gate.
func (b *bench) behind(t *testing.T, g *gate) *bench {
	t.Helper()
	other := *b
	other.registry = deployertest.Registry(t, g.wrap)
	return &other
}

// clear leaves nothing behind, and sees that Purge does.
func (b *bench) clear(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := b.Purge(ctx); err != nil {
		t.Errorf("purge: %v", err)
	}
	if all, err := b.Releases(ctx); err != nil || len(all) > 0 {
		t.Errorf("purged, there are still %+v, %v", all, err)
	}
	images, err := b.api.ImageList(ctx, image.ListOptions{})
	for _, i := range images {
		if slices.ContainsFunc(i.RepoTags, func(tag string) bool { return strings.HasSuffix(tag, "."+b.network) }) {
			t.Errorf("purged, there is still the image %v", i.RepoTags)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

func (b *bench) engine(t *testing.T, o docker.Options) *docker.Engine {
	t.Helper()
	o.Log = zerolog.New(zerolog.NewTestWriter(t))
	engine, err := docker.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	return engine
}

// push puts an image of the app into the registry and returns its digest.
func (b *bench) push(t *testing.T, env ...string) string {
	t.Helper()
	return deployertest.Push(t, b.image()+":latest", b.dress(deployertest.Image{Env: env}))
}

// dress completes an image, with something that keeps it apart from those of other tests.
func (b *bench) dress(i deployertest.Image) deployertest.Image {
	i.App, i.Env = b.app, append([]string{"TEST=" + rand.Text()}, i.Env...)
	i.Labels = map[string]string{"org.opencontainers.image.revision": commit}
	return i
}

func (b *bench) image() string { return b.registry + "/o/web" }

// release makes a release of a service of its own.
func (b *bench) release(digest string) deployer.Release {
	return deployer.Release{ID: ulid.Make().String(), Digest: digest, Service: deployer.Service{
		Name: "web-" + strings.ToLower(rand.Text()[:8]), Image: b.image(), Replicas: 1, Stop: 5 * time.Second,
		Routes: []deployer.Route{{Host: "web.test", Prefix: "/", Port: 8080}},
		Health: deployer.Health{Path: "/health", Port: 8080, Deadline: 30 * time.Second, Successes: 2},
	}}
}

// container is the name of a release's replica.
func (b *bench) container(r deployer.Release, n int) string {
	return fmt.Sprintf("%s-%s-%s-%d", b.network, r.Service.Name, r.ID, n)
}

func silent(deployer.Report) {}

func (b *bench) pull(t *testing.T, r deployer.Release) {
	t.Helper()
	if _, err := b.Pull(t.Context(), r, silent); err != nil {
		t.Fatalf("pull: %v", err)
	}
}

func (b *bench) start(t *testing.T, r deployer.Release) {
	t.Helper()
	b.pull(t, r)
	if err := b.Start(t.Context(), r); err != nil {
		t.Fatalf("start: %v", err)
	}
}

// live pulls, starts and awaits.
func (b *bench) live(t *testing.T, r deployer.Release) []deployer.Replica {
	t.Helper()
	b.start(t, r)
	replicas, err := b.Await(t.Context(), r, silent)
	if err != nil {
		t.Fatalf("await: %v", err)
	}
	return replicas
}

func (b *bench) inspect(t *testing.T, id string) container.InspectResponse {
	t.Helper()
	found, err := b.api.ContainerInspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// tags lists the tags of a repository on the engine.
func (b *bench) tags(t *testing.T, repository string) []string {
	t.Helper()
	all, err := b.api.ImageList(t.Context(), image.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var tags []string
	for _, i := range all {
		for _, tag := range i.RepoTags {
			if rest, ok := strings.CutPrefix(tag, repository+":"); ok {
				tags = append(tags, rest)
			}
		}
	}
	return tags
}

// drain reads a pull's stream to its end.
func drain(stream io.ReadCloser) error {
	_, err := io.Copy(io.Discard, stream)
	return errors.Join(err, stream.Close())
}

// has reports whether the engine has an image by this name.
func (b *bench) has(t *testing.T, ref string) bool {
	t.Helper()
	_, err := b.api.ImageInspect(t.Context(), ref)
	return err == nil
}
