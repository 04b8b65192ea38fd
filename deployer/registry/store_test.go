package registry_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	fake "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"fisherman/deployer/registry"
)

const revision = "0123456789abcdef0123456789abcdef01234567"

// wrapper puts something between a client and a registry.
type wrapper func(http.Handler) http.Handler

// store is a real registry in this process.
type store struct {
	t       *testing.T
	handler http.Handler
	host    string // where it can be reached unwrapped
}

func newStore(t *testing.T) *store {
	t.Helper()
	s := &store{t: t, handler: fake.New(fake.Logger(log.New(io.Discard, "", 0)))}
	s.host = serve(t, s.handler)
	return s
}

// behind returns an address where the same registry answers through w.
func (s *store) behind(w wrapper) string {
	s.t.Helper()
	return serve(s.t, w(s.handler))
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// push stores an image or an index as repository:latest and returns its digest.
func (s *store) push(repository string, what remote.Taggable) string {
	s.t.Helper()
	tag, err := name.NewTag(s.host+"/"+repository+":latest", name.Insecure)
	must(s.t, err)
	switch what := what.(type) {
	case v1.ImageIndex:
		must(s.t, remote.WriteIndex(tag, what))
	case v1.Image:
		must(s.t, remote.Write(tag, what))
	}
	descriptor, err := remote.Get(tag)
	must(s.t, err)
	return descriptor.Digest.String()
}

// image is an image without layers, told apart by its labels.
func image(t *testing.T, labels map[string]string) v1.Image {
	t.Helper()
	made, err := mutate.Config(empty.Image, v1.Config{Labels: labels})
	must(t, err)
	return made
}

func labelled(t *testing.T, commit string) v1.Image {
	t.Helper()
	return image(t, map[string]string{"org.opencontainers.image.revision": commit})
}

// index lists an image for each platform, "linux/amd64" say.
func index(images map[string]v1.Image) v1.ImageIndex {
	made := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for platform, image := range images {
		system, architecture, _ := strings.Cut(platform, "/")
		made = mutate.AppendManifests(made, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: system, Architecture: architecture}},
		})
	}
	return made
}

func client(t *testing.T, credentials map[string]registry.Credential) *registry.Client {
	t.Helper()
	return within(t, time.Minute, credentials)
}

// within makes a client that gives up on a registry after timeout.
func within(t *testing.T, timeout time.Duration, credentials map[string]registry.Credential) *registry.Client {
	t.Helper()
	network := &http.Transport{}
	t.Cleanup(network.CloseIdleConnections)
	made, err := registry.New(registry.Options{Credentials: credentials, Timeout: timeout, Transport: network})
	must(t, err)
	return made
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
