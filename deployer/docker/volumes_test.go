package docker_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	cerrdefs "github.com/containerd/errdefs"

	"fisherman/deployer"
)

func volumesAreMountedAndKept(t *testing.T, b *bench) {
	r, dir, named := b.release(b.push(t)), t.TempDir(), "data-"+b.network
	r.Service.Volumes = []deployer.Volume{
		{Source: dir, Target: "/etc/web", ReadOnly: true},
		{Source: named, Target: "/data"},
	}
	t.Cleanup(func() { _ = b.api.VolumeRemove(context.Background(), named, true) })
	b.live(t, r)
	for _, m := range b.inspect(t, b.container(r, 0)).Mounts {
		switch m.Destination {
		case "/etc/web":
			if m.Source != dir || m.RW {
				t.Errorf("mounted %+v, want %s to be read", m, dir)
			}
		case "/data":
			if m.Name != named || !m.RW {
				t.Errorf("mounted %+v, want the volume %s to be written", m, named)
			}
		default:
			t.Errorf("mounted %+v, which nobody wants", m)
		}
	}
	if err := errors.Join(b.Retire(t.Context(), r.ID), b.Clean(t.Context(), r.Service.Name, nil)); err != nil {
		t.Fatal(err)
	}
	if kept, err := b.api.VolumeInspect(t.Context(), named); err != nil || kept.Labels["fisherman.service"] != r.Service.Name {
		t.Errorf("the volume of a retired release is %+v, %v; want it kept", kept, err)
	}
}

func aMissingPathIsNotMade(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	missing := filepath.Join(t.TempDir(), "missing")
	r.Service.Volumes = []deployer.Volume{{Source: missing, Target: "/data"}}
	b.pull(t, r)
	for _, err := range []error{b.Make(t.Context(), r), b.Start(t.Context(), r)} {
		if err == nil || errors.Is(err, deployer.ErrUnavailable) || !strings.Contains(err.Error(), missing) || !strings.Contains(err.Error(), "make that directory first") {
			t.Errorf("made or started with %v, want a final error that names %s", err, missing)
		}
	}
	if found, _ := filepath.Glob(missing); len(found) > 0 {
		t.Error("the directory was made")
	}
	if _, err := b.api.ContainerInspect(t.Context(), b.container(r, 0)); !cerrdefs.IsNotFound(err) {
		t.Errorf("a container was made all the same (%v)", err)
	}
}
