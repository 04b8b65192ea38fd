package docker_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/docker/docker/api/types/image"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
	"fisherman/deployer/docker"
)

// counted counts the requests a registry gets.
func counted(n *atomic.Int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n.Add(1)
			next.ServeHTTP(w, r)
		})
	}
}

func TestPullTakesOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	b := newBench(t, counted(&asked))
	first := b.release(b.push(t))
	var told []string
	if _, err := b.Pull(t.Context(), first, func(text string) { told = append(told, text) }); err != nil {
		t.Fatal(err)
	}
	if last := told[len(told)-1]; !strings.HasPrefix(last, "pulled ") || !strings.HasSuffix(last, "s") {
		t.Errorf("told %q, want how much was pulled in what time", told)
	}
	pulled := asked.Load()
	if _, err := b.Pull(t.Context(), b.release(first.Digest), func(text string) { told = append(told, text) }); err != nil {
		t.Fatal(err)
	}
	if asked.Load() != pulled || told[len(told)-1] != "image is already here" {
		t.Errorf("pulled again, the registry had %d more requests; told %q", asked.Load()-pulled, told)
	}
}

func TestRollbackNeedsNoRegistry(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	old := b.release(b.push(t))
	b.pull(t, old)
	if _, err := b.api.ImageRemove(t.Context(), b.image()+"@"+old.Digest, image.RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	back := b.release(old.Digest)
	back.From, back.Service.Image = old.ID, "127.0.0.1:1/o/web"
	got, err := b.Pull(t.Context(), back, silent)
	if err != nil || got.Revision != commit {
		t.Errorf("pulled %+v, %v; want the retained image", got, err)
	}
}

func TestPullLogsIn(t *testing.T) {
	t.Parallel()
	guard := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if user, password, _ := r.BasicAuth(); r.Method == http.MethodGet || r.Method == http.MethodHead {
				if user != "me" || password != "right-password" {
					w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
					http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
	b := newBench(t)
	guarded := deployertest.Registry(t, guard)
	source := b.release(b.push(t))
	mirrored := func(password string) *docker.Engine {
		return b.engine(t, docker.Options{Network: b.network, Registries: map[string]docker.Registry{
			guarded: {Username: "me", Password: password},
		}})
	}
	// What is pushed needs no login; what is pulled does.
	source.Service.Image = guarded + "/o/web"
	source.Digest = pushOpen(t, b, guarded)
	_, err := mirrored("wrong-password").Pull(t.Context(), source, silent)
	if err == nil || errors.Is(err, deployer.ErrUnavailable) {
		t.Fatalf("with the wrong password: %v, want a final error", err)
	}
	if strings.Contains(err.Error(), "wrong-password") || !strings.Contains(err.Error(), guarded) {
		t.Errorf("the error %q must name the registry and hide the password", err)
	}
	if _, err := mirrored("right-password").Pull(t.Context(), source, silent); err != nil {
		t.Errorf("with the right password: %v", err)
	}
}
