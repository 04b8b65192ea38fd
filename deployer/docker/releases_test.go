package docker_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/docker"
)

// TestAContainerThatCannotBeDescribedHidesNoOther: it is listed as what does not run, and as nothing that has been stopped for long.
// Unless the engine takes no new connections any more: then it is that which is told. Mutants: endOf without onItsWayOut, or with a
// zero time.
func TestAContainerThatCannotBeDescribedHidesNoOther(t *testing.T) {
	t.Parallel()
	refuses := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = fmt.Fprint(w, `{"message":"RWLayer of container broken is unexpectedly nil"}`)
	}
	one := func(id, state string) string {
		return fmt.Sprintf(`{"Id":%q,"State":%q,"Labels":{"fisherman.network":"fisherman","fisherman.service":"web","fisherman.deployment":%[1]q}}`, id, state)
	}
	hangs := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, c := range map[string]struct {
		inspect http.HandlerFunc
		leaves  bool
		want    string
	}{
		"refuses":            {refuses, false, "does not run, and Docker cannot tell why (inspect container broken: Error response from daemon: RWLayer of container broken is unexpectedly nil)"},
		"hangs":              {hangs, false, "does not run, and Docker cannot tell why (inspect container broken: Docker did not answer within 2s)"},
		"refuses and leaves": {refuses, true, ""},
		"hangs and leaves":   {hangs, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := standIn(t, docker.Options{}, func(leave func(), w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/containers/json") {
					_, _ = fmt.Fprintf(w, "[%s,%s]", one("well", "running"), one("broken", "exited"))
					return
				}
				if c.leaves {
					leave()
				}
				c.inspect(w, r)
			})
			begun := time.Now()
			all, err := e.Releases(t.Context())
			if c.leaves {
				if !errors.Is(err, deployer.ErrUnavailable) {
					t.Errorf("listed %+v, %v; want unavailable", all, err)
				}
				return
			}
			if err != nil || len(all) != 2 || !all[1].Up(1) {
				t.Fatalf("listed %+v, %v; want both, and the second up", all, err)
			}
			if broken := all[0]; broken.Up(1) || broken.Replicas[0].Ended != c.want || broken.StoppedAt.Before(begun) {
				t.Errorf("listed %+v, want that it ended just now and %q", broken, c.want)
			}
		})
	}
}

// standIn is an Engine before a server that answers in Docker's place; leave has new connections refused.
func standIn(t *testing.T, o docker.Options, answer func(leave func(), w http.ResponseWriter, r *http.Request)) *docker.Engine {
	t.Helper()
	dir, err := os.MkdirTemp("", "engine") // t.TempDir may be longer than a socket's path can be
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "docker.sock"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("Content-Type", "application/json")
		if !strings.HasSuffix(r.URL.Path, "/_ping") {
			answer(func() { _ = listener.Close() }, w, r)
		}
	})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
		_ = os.RemoveAll(dir)
	})
	o.Host = "unix://" + listener.Addr().String()
	return (&bench{}).engine(t, o)
}

// A container that the engine is busy with is told as one that does not run, and only that one.
func aStuckEndHidesNoOther(t *testing.T, b *bench) {
	running, stuck := b.release(b.push(t)), b.release(b.push(t))
	b.live(t, running)
	b.live(t, stuck)
	if err := b.Halt(t.Context(), stuck.ID, time.Second); err != nil {
		t.Fatal(err)
	}
	behind, wire := b.behindWire(t)
	if err := behind.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	wire.stick("/containers/" + b.inspect(t, b.container(stuck, 0)).ID + "/json ")
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second) // as the deployer's
	defer stop()
	all, err := behind.Releases(ctx)
	if err != nil {
		t.Fatal(err)
	}
	find := func(id string) deployer.Running {
		i := slices.IndexFunc(all, func(r deployer.Running) bool { return r.ID == id })
		if i < 0 {
			t.Fatalf("%s is missing in %+v", id, all)
		}
		return all[i]
	}
	if !find(running.ID).Up(1) || find(stuck.ID).Up(1) || find(stuck.ID).StoppedAt.IsZero() ||
		!strings.Contains(find(stuck.ID).Replicas[0].Ended, "Docker cannot tell why") {
		t.Errorf("listed %+v and %+v; want that the second does not run and Docker cannot tell why", find(running.ID), find(stuck.ID))
	}
}
