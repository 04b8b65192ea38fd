package deployertest

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Registry serves an OCI registry on loopback until the test ends and returns its address ("127.0.0.1:41234"). Docker
// needs no configuration for it. wrap, if any, stands before it: for faults, logins and counts.
func Registry(t testing.TB, wrap ...func(http.Handler) http.Handler) string {
	t.Helper()
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	for _, w := range wrap {
		handler = w(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// App builds the test app of testdata/app, static, as the only layer that an image of it needs.
func App(t testing.TB) v1.Layer {
	t.Helper()
	gomod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatalf("find the module: %v", err)
	}
	binary := filepath.Join(t.TempDir(), "app")
	build := exec.Command("go", "build", "-ldflags=-s", "-o", binary, "./testdata/app")
	build.Dir = filepath.Dir(strings.TrimSpace(string(gomod)))
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the test app: %v\n%s", err, out)
	}
	app, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	files := archive("app", app)
	layer, err := tarball.LayerFromOpener(
		func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files)), nil },
		tarball.WithCompressionLevel(gzip.BestSpeed), tarball.WithCompressedCaching,
	)
	if err != nil {
		t.Fatalf("pack the test app: %v", err)
	}
	return layer
}

// Image is an image of the test app, which listens on port 8080; see testdata/app for what its environment does.
type Image struct {
	App          v1.Layer // from App
	Env          []string
	Labels       map[string]string
	Healthcheck  []string // as in Docker: {"CMD", "/app", "healthcheck"}
	Architecture string   // that it says it is for; default this machine's
}

// Push puts an image where ref ("127.0.0.1:41234/o/web:latest") says and returns its digest ("sha256:…").
func Push(t testing.TB, ref string, i Image) string {
	t.Helper()
	tag, err := name.ParseReference(ref, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	image, err := i.build()
	if err != nil {
		t.Fatalf("make image %s: %v", ref, err)
	}
	if err := remote.Write(tag, image); err != nil {
		t.Fatalf("push %s: %v", ref, err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

func (i Image) build() (v1.Image, error) {
	image, err := mutate.AppendLayers(empty.Image, i.App)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", cmp.Or(i.Architecture, runtime.GOARCH)
	config.Config = v1.Config{Entrypoint: []string{"/app"}, Env: i.Env, Labels: i.Labels}
	if i.Healthcheck != nil {
		config.Config.Healthcheck = &v1.HealthConfig{Test: i.Healthcheck}
	}
	return mutate.ConfigFile(image, config)
}

// archive is a tar of one executable; writing to memory does not fail.
func archive(file string, content []byte) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	_ = w.WriteHeader(&tar.Header{Name: file, Mode: 0o755, Size: int64(len(content))})
	_, _ = w.Write(content)
	_ = w.Close()
	return b.Bytes()
}
