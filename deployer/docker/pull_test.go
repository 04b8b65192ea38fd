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

// gate stands before a registry, open until it is told what to do with a request: true is handled.
type gate struct {
	asked atomic.Int64
	rule  atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
}

func (g *gate) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.asked.Add(1)
		if rule := g.rule.Load(); rule == nil || !(*rule)(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

func (g *gate) set(rule func(http.ResponseWriter, *http.Request) bool) { g.rule.Store(&rule) }

// login lets in who knows the password.
func login(w http.ResponseWriter, r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	if user == "me" && password == "right-password" {
		return false
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
	return refuse(http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")(w, r)
}

// refuse answers everything with an error in the form of the OCI distribution-spec.
func refuse(status int, code, message string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"errors":[{"code":"` + code + `","message":"` + message + `"}]}`))
		return true
	}
}

func pullTakesOnlyWhatIsMissing(t *testing.T, b *bench) {
	var g gate
	b = b.behind(t, &g)
	first := b.release(b.push(t))
	var told []string
	tell := func(r deployer.Report) { told = append(told, r.Text) }
	if _, err := b.Pull(t.Context(), first, tell); err != nil {
		t.Fatal(err)
	}
	if last := told[len(told)-1]; !strings.HasPrefix(last, "pulled ") || !strings.HasSuffix(last, "s") {
		t.Errorf("told %q, want how much was pulled in what time", told)
	}
	before := g.asked.Load()
	if _, err := b.Pull(t.Context(), b.release(first.Digest), tell); err != nil {
		t.Fatal(err)
	}
	if more := g.asked.Load() - before; more != 0 || told[len(told)-1] != "image is already here" {
		t.Errorf("pulled again, the registry had %d more requests; told %q", more, told)
	}
}

func rollbackNeedsNoRegistry(t *testing.T, b *bench) {
	old := b.release(b.push(t))
	b.pull(t, old)
	if _, err := b.api.ImageRemove(t.Context(), b.image()+"@"+old.Digest, image.RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	back := b.release(old.Digest)
	back.From, back.Service = old.ID, old.Service
	back.Service.Image = "127.0.0.1:1/o/web"
	got, err := b.Pull(t.Context(), back, silent)
	if err != nil || got.Revision != commit {
		t.Errorf("pulled %+v, %v; want the retained image", got, err)
	}
}

func pullLogsIn(t *testing.T, b *bench) {
	var g gate
	b = b.behind(t, &g)
	r := b.release(b.push(t))
	g.set(login)
	with := func(password string) error {
		engine := b.engine(t, docker.Options{Network: b.network, Registries: map[string]docker.Registry{
			b.registry: {Username: "me", Password: deployer.Plain(password)},
		}})
		_, err := engine.Pull(t.Context(), r, silent)
		return err
	}
	err := with("wrong-password")
	if err == nil || errors.Is(err, deployer.ErrUnavailable) {
		t.Fatalf("with the wrong password: %v, want a final error", err)
	}
	if strings.Contains(err.Error(), "wrong-password") || !strings.Contains(err.Error(), b.registry+" does not let this login") {
		t.Errorf("the error %q must name the registry and hide the password", err)
	}
	if err := with("right-password"); err != nil {
		t.Errorf("with the right password: %v", err)
	}
}

func pullPrefersTheMirror(t *testing.T, b *bench) {
	var origin, mirror gate
	b = b.behind(t, &origin)
	digest := b.push(t)
	other := deployertest.Registry(t, mirror.wrap)
	engine := b.engine(t, docker.Options{Network: b.network, Registries: map[string]docker.Registry{b.registry: {Mirror: other}}})

	// The mirror has only the second image: the first comes from the origin in the end.
	var told []string
	if _, err := engine.Pull(t.Context(), b.release(digest), func(r deployer.Report) { told = append(told, r.Text) }); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(told[0], other+" failed") {
		t.Errorf("told %q, want that the mirror failed", told)
	}
	second := b.release(deployertest.Push(t, other+"/o/web:latest", b.dress(deployertest.Image{Env: []string{"VERSION=2"}})))
	before := origin.asked.Load()
	if _, err := engine.Pull(t.Context(), second, silent); err != nil {
		t.Fatal(err)
	}
	if more := origin.asked.Load() - before; more != 0 {
		t.Errorf("the mirror had it, and still the origin was asked %d times", more)
	}
}

func pullSaysWhetherAnotherTryMayHelp(t *testing.T, b *bench) {
	var g gate
	b = b.behind(t, &g)
	b.push(t)
	unknown := "sha256:" + strings.Repeat("ab", 32)
	for name, c := range map[string]struct {
		rule  func(http.ResponseWriter, *http.Request) bool
		image string
		again bool
		want  string
	}{
		"no such manifest": {nil, b.image(), false, "has no such image"},
		"no such registry": {nil, "127.0.0.1:1/o/web", true, "connection refused"},
		"too many":         {refuse(http.StatusTooManyRequests, "TOOMANYREQUESTS", "slow down"), b.image(), true, "toomanyrequests"},
		"denied":           {refuse(http.StatusForbidden, "DENIED", "denied"), b.image(), false, "does not let this login have it"},
		"broken":           {refuse(http.StatusBadGateway, "UNKNOWN", "bad gateway"), b.image(), true, "pull " + b.image()},
	} {
		t.Run(name, func(t *testing.T) {
			g.rule.Store(nil)
			if c.rule != nil {
				g.set(c.rule)
			}
			r := b.release(unknown)
			r.Service.Image = c.image
			_, err := b.Pull(t.Context(), r, silent)
			if err == nil || errors.Is(err, deployer.ErrUnavailable) != c.again || !strings.Contains(err.Error(), c.want) {
				t.Errorf("pulled with %v; want %q, another try: %v", err, c.want, c.again)
			}
		})
	}
}

func pullEndsWithItsContext(t *testing.T, b *bench) {
	var g gate
	b = b.behind(t, &g)
	r := b.release(b.push(t))
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{}) // Docker 20.10 holds on to its request to the registry
	defer close(over)
	g.set(func(http.ResponseWriter, *http.Request) bool {
		cancel()
		<-over
		return true
	})
	if _, err := b.Pull(ctx, r, silent); !errors.Is(err, context.Canceled) {
		t.Errorf("pulled with %v, want context.Canceled", err)
	}
}
