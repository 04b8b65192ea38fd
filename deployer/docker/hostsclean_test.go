package docker_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"fisherman/deployer"
	"fisherman/deployer/docker"
)

// hostsFilesGoWithTheirContainers: a container keeps its own until it is removed, whether it runs or not.
func hostsFilesGoWithTheirContainers(t *testing.T, b *bench) {
	dir := filepath.Join(t.TempDir(), "hosts")
	engine := b.engine(t, docker.Options{Network: b.network, Hosts: dir})
	r := b.release(b.push(t))
	r.Service.ExtraHosts = []string{"db.test:10.9.9.9"}
	b.pull(t, r)
	if err := engine.Make(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	its := onlyFile(t, dir).Name()
	for _, gone := range []string{r.Service.Name, r.Service.Name + ".0123456789ab", "gone"} {
		if err := os.WriteFile(filepath.Join(dir, gone), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := engine.Clean(t.Context(), "other", nil); err != nil {
		t.Fatal(err)
	}
	if left := onlyFile(t, dir).Name(); left != its {
		t.Errorf("left is %s, want %s", left, its)
	}
	if err := engine.Start(t.Context(), r); err != nil {
		t.Errorf("it cannot be started any more: %v", err)
	}
	if err := engine.Retire(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if err := engine.Clean(t.Context(), "other", nil); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("its containers are gone, and left are %v, %v", left, err)
	}
}

// TestAHostsFileStaysForWhatIsCreatedMeanwhile: after the files were looked at, and too late to be listed. Mutant: cleanHosts that does
// not look at the claims again.
func TestAHostsFileStaysForWhatIsCreatedMeanwhile(t *testing.T) {
	t.Parallel()
	dir, r := hostsOfOneGone(t)
	if err := os.WriteFile(filepath.Join(dir, "web"), nil, 0o600); err != nil { // an earlier container's
		t.Fatal(err)
	}
	var e *docker.Engine
	var lists atomic.Int32
	e = standIn(t, docker.Options{Hosts: dir}, func(_ func(), w http.ResponseWriter, q *http.Request) {
		switch {
		case strings.HasSuffix(q.URL.Path, "/containers/create"):
			w.WriteHeader(http.StatusCreated)
			_, _ = fmt.Fprint(w, `{"Id":"made"}`)
			return
		case strings.HasSuffix(q.URL.Path, "/containers/json") && lists.Add(1) == 2: // the first is for the images
			if err := e.Make(t.Context(), r); err != nil {
				t.Error(err)
			}
		}
		_, _ = fmt.Fprint(w, `[]`)
	})
	if err := e.Clean(t.Context(), "other", nil); err != nil || lists.Load() != 2 {
		t.Errorf("cleaned with %v and %d listings", err, lists.Load())
	}
	if left := onlyFile(t, dir); left.Name() != "web" {
		t.Errorf("left is %s, want the container's", left.Name())
	}
}

// TestAHostsFileStaysForWhatIsBeingCreated: while the engine is at it, no listing has it. Mutant: idle that lists every file.
func TestAHostsFileStaysForWhatIsBeingCreated(t *testing.T) {
	t.Parallel()
	dir, r := hostsOfOneGone(t)
	var e *docker.Engine
	e = standIn(t, docker.Options{Hosts: dir}, func(_ func(), w http.ResponseWriter, q *http.Request) {
		if !strings.HasSuffix(q.URL.Path, "/containers/create") {
			_, _ = fmt.Fprint(w, `[]`)
			return
		}
		if err := e.Clean(t.Context(), "other", nil); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprint(w, `{"Id":"made"}`)
	})
	if err := e.Make(t.Context(), r); err != nil {
		t.Error(err)
	}
	if left := onlyFile(t, dir); left.Name() != "web" {
		t.Errorf("left is %s, want the container's", left.Name())
	}
}

// hostsOfOneGone is a directory with the hosts file of a service that is gone, and a release of another one.
func hostsOfOneGone(t *testing.T) (dir string, r deployer.Release) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "gone"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, deployer.Release{ID: "1", Service: deployer.Service{Name: "web", Replicas: 1}}
}
