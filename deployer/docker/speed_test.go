package docker_test

import (
	"os/exec"
	"testing"
	"time"
)

func TestSpeed(t *testing.T) {
	b := newBench(t)
	r := b.release(b.push(t))
	b.pull(t, r)
	for range 6 {
		r = b.release(r.Digest)
		b.pull(t, r)
		t0 := time.Now()
		if err := b.Start(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		t1 := time.Now()
		if _, err := b.Await(t.Context(), r, silent); err != nil {
			t.Fatal(err)
		}
		t2 := time.Now()
		_ = b.Retire(t.Context(), r.ID)
		t3 := time.Now()
		out, err := exec.Command("docker", "run", "-d", "--network", b.network, "fisherman/web:"+r.ID).CombinedOutput()
		t4 := time.Now()
		_ = exec.Command("docker", "rm", "-f", string(out[:12])).Run()
		t.Log("start", t1.Sub(t0), "await", t2.Sub(t1), "retire", t3.Sub(t2), "docker run", t4.Sub(t3), err)
	}
}
