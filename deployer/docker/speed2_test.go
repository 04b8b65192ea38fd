package docker_test

import (
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
)

func TestPieces(t *testing.T) {
	b := newBench(t)
	r := b.release(b.push(t))
	for range 5 {
		r = b.release(r.Digest)
		b.pull(t, r)
		if err := b.Start(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		t0 := time.Now()
		l, _ := b.Releases(t.Context())
		t1 := time.Now()
		_, _ = b.api.ContainerUpdate(t.Context(), l[len(l)-1].Replicas[0].Container, container.UpdateConfig{RestartPolicy: container.RestartPolicy{Name: "unless-stopped"}})
		t2 := time.Now()
		t.Log("list", t1.Sub(t0), "update", t2.Sub(t1))
	}
}
