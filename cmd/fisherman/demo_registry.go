package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// demoRegistry is an OCI registry on loopback, with images made of this very binary.
type demoRegistry struct {
	address string
	server  *http.Server
	served  chan error
	layer   v1.Layer
}

func openDemoRegistry(ctx context.Context) (*demoRegistry, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the demo's registry: %w", err)
	}
	r := &demoRegistry{
		address: listener.Addr().String(),
		server: &http.Server{
			Handler:           registry.New(registry.Logger(log.New(io.Discard, "", 0))),
			ReadHeaderTimeout: 10 * time.Second,
		},
		served: make(chan error, 1),
	}
	go func() { r.served <- r.server.Serve(listener) }()
	if r.layer, err = ownLayer(); err != nil {
		return nil, errors.Join(fmt.Errorf("pack the demo's app: %w", err), r.close())
	}
	return r, nil
}

func (r *demoRegistry) close() error {
	err := r.server.Close()
	<-r.served //nolint:errcheck // it ends because the server was closed
	return err
}

// push puts a release there and returns its digest.
func (r *demoRegistry) push(ctx context.Context, release int) (digest string, err error) {
	image, err := mutate.AppendLayers(empty.Image, r.layer)
	if err != nil {
		return "", err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return "", err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", runtime.GOARCH
	file.Config = v1.Config{
		Entrypoint: []string{"/fisherman", demoAppName},
		Env:        []string{fmt.Sprintf("RELEASE=%d", release)},
		Labels:     map[string]string{"org.opencontainers.image.revision": demoCommit(release)},
	}
	if image, err = mutate.ConfigFile(image, file); err != nil {
		return "", err
	}
	tag, err := name.NewTag(r.address+"/"+demoOwner+":latest", name.Insecure)
	if err != nil {
		return "", err
	}
	if err := remote.Write(tag, image, remote.WithContext(ctx)); err != nil {
		return "", fmt.Errorf("push release %d: %w", release, err)
	}
	hash, err := image.Digest()
	return hash.String(), err
}

// ownLayer is an image layer of one file: this program.
func ownLayer() (v1.Layer, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	header := &tar.Header{Name: "fisherman", Mode: 0o755, Size: int64(len(program))}
	if err := w.WriteHeader(header); err != nil {
		return nil, err
	}
	if _, err := w.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithCompressionLevel(gzip.BestSpeed))
}
