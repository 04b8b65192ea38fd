package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docker/docker/client"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"fisherman/deployer/deployertest"
	"fisherman/deployer/docker"
	"fisherman/server"
	"fisherman/server/config/source/sourcetest"
)

// patience is how long a test waits for what must come. It is not a measure of anything.
const patience = 3 * time.Minute

// stage is a world of its own for one test: a registry, a Docker network, a state directory and the server on them.
type stage struct {
	t        testing.TB
	docker   *client.Client
	app      v1.Layer // nil for tests that push no images
	registry string
	away     atomic.Bool // the registry breaks every connection
	locked   atomic.Bool // the registry wants a login
	network  string
	secret   string
	login    string // to the registry: the password
	password string // of the app, in its environment
	kept     string // another one, for a file
	sealed   string // another one, to be encrypted
	bot      string // Discord's token
	discord  *discordStandIn
	lookout  *lookout
	work     string
	server   *process // the one that runs, or ran last
	upload   *upload
	events   *events
	s3       *sourcetest.Gateway // nil: none yet

	seat      *seat      // the last one at a terminal; nil: none yet
	answering *answering // in place of a server; nil: none
}

// newStage fails the test when no Docker Engine answers. Everything made on it is gone after the test.
func newStage(t testing.TB, app v1.Layer, work string) *stage {
	t.Helper()
	api, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	if _, err := api.Ping(ctx); err != nil {
		t.Fatalf("these tests need a Docker Engine: %v", err)
	}
	s := stageWith(t, api, app, work)
	s.registry = deployertest.Registry(t, s.fickle)
	t.Cleanup(s.clear)
	return s
}

// stageWith is a stage on an engine, with secrets of its own and without a registry.
func stageWith(t testing.TB, api *client.Client, app v1.Layer, work string) *stage {
	t.Helper()
	s := &stage{
		t: t, docker: api, app: app, work: work,
		network: "test-" + strings.ToLower(rand.Text()[:10]), secret: rand.Text(),
		login: rand.Text() + "/+&", password: rand.Text() + " ?ü", bot: rand.Text(),
		kept: rand.Text() + " ?ü", sealed: rand.Text() + " ?ü",
	}
	s.lookout = lookOut(map[string]string{
		"webhook secret": s.secret, "API token": apiToken, "registry password": s.login,
		"variable of an app": s.password, "Discord token": s.bot, "secret of a file": s.kept, "encrypted secret": s.sealed,
	})
	s.discord = newDiscordStandIn(t, s.bot)
	return s
}

// fickle breaks connections while the registry is away.
func (s *stage) fickle(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.away.Load() {
			panic(http.ErrAbortHandler)
		}
		if s.locked.Load() && !s.mayRead(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="stage"`)
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"errors":[{"code":"UNAUTHORIZED","message":"not with %s"}]}`, r.Header.Get("Authorization"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// mayRead lets through who has logged in, and those that push.
func (s *stage) mayRead(r *http.Request) bool {
	_, password, _ := r.BasicAuth()
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return password == s.login || !reads || !strings.Contains(r.URL.Path, "/manifests/") && r.URL.Path != "/v2/"
}

// vars are what a configuration and a script may refer to.
func (s *stage) vars() []string {
	vars := []string{
		"REGISTRY=" + s.registry, "NETWORK=" + s.network, "SECRET=" + s.secret, "STATE=" + s.state(),
		"REGISTRY_PASSWORD=" + s.login, "APP_PASSWORD=" + s.password, "KEPT=" + s.kept, "SEALED=" + s.sealed, "DISCORD=" + s.discord.URL, "DISCORD_TOKEN=" + s.bot,
		"FISHERMAN_TOKEN=" + apiToken, "FISHERMAN_SERVER=http://127.0.0.1:1", // until there is one
		"DOCKER_SOCKET=" + strings.TrimPrefix(s.docker.DaemonHost(), "unix://"),
	}
	for _, name := range []string{"DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION"} {
		if value, ok := os.LookupEnv(name); ok {
			vars = append(vars, name+"="+value)
		}
	}
	return vars
}

func (s *stage) state() string { return filepath.Join(s.work, "state") }

// defaultConfig is what a script runs with that brings none of its own.
func (s *stage) defaultConfig() error {
	file := filepath.Join(s.work, "fisherman.yaml")
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	config, err := os.ReadFile("testdata/fisherman.yaml")
	if err != nil {
		return err
	}
	config = bytes.ReplaceAll(config, []byte("@REGISTRY@"), []byte(s.registry))
	return os.WriteFile(file, config, 0o600)
}

// push puts a version of the test app into the registry and returns its digest. Its digest is this stage's alone.
func (s *stage) push(name, tag, version string, env ...string) string {
	s.t.Helper()
	return deployertest.Push(s.t, fmt.Sprintf("%s/%s:%s", s.registry, name, tag), deployertest.Image{
		App:    s.app,
		Env:    append([]string{"STAGE=" + s.network, "VERSION=" + version}, env...),
		Labels: map[string]string{"org.opencontainers.image.revision": commit(version)},
	})
}

// commit is the commit that a version is built from: "2cccccc…".
func commit(version string) string { return version + strings.Repeat("c", 40-len(version)) }

// clear removes what a test has made, however it ended.
func (s *stage) clear() {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	if s.upload != nil {
		s.upload.drop()
	}
	if s.events != nil {
		s.events.close()
	}
	if s.seat != nil {
		s.seat.rise()
	}
	if s.answering != nil {
		_ = s.answering.leave()
	}
	if s.server != nil {
		s.askAll()
		s.server.kill()
		if log := s.server.log(); strings.Contains(log, "DATA RACE") {
			s.t.Errorf("the server has a data race:\n%s", log)
		} else if s.t.Failed() {
			s.t.Logf("the server's log:\n%s", log)
		}
	}
	s.findSecrets()
	if s.network == "" {
		return
	}
	engine, err := docker.New(docker.Options{Network: s.network})
	if err != nil {
		s.t.Error(err)
		return
	}
	if err := engine.Purge(ctx); err != nil {
		s.t.Errorf("purge: %v", err)
	}
	_ = engine.Close()
}

// askAll asks a server that still runs for all it has to say, for the lookout.
func (s *stage) askAll() {
	if s.server.over() {
		return
	}
	var past []server.Deployment
	if _, body, err := get(s.server.api, "", "/api/v1/deployments?limit=1000"); err == nil {
		_ = json.Unmarshal([]byte(body), &past) // a script may have another token: then there are none
	}
	paths := []string{"/metrics", "/readyz", "/api/v1/routes"}
	for _, d := range past {
		paths = append(paths, "/api/v1/deployments/"+d.ID+"/log")
	}
	for _, path := range paths {
		_, _, _ = get(s.server.api, "", path) // is searched, whatever it is
	}
}

// findSecrets fails the test when a secret was seen anywhere. A server without a configured token has made one.
func (s *stage) findSecrets() {
	if made, err := os.ReadFile(filepath.Join(s.state(), tokenFile)); err == nil {
		s.lookout.add("token of the state directory", strings.TrimSpace(string(made)))
		if s.server != nil {
			s.lookout.look("the server's log", s.server.log())
		}
	}
	if err := s.lookout.files(s.state(), tokenFile); err != nil {
		s.t.Error(err)
	}
	for _, found := range s.lookout.end() {
		s.t.Error(found)
	}
}

// until asks again and again until the answer is yes.
func until(what string, yes func() (bool, error)) error {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		ok, err := yes()
		if ok {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: not within %s: %w", what, patience, cmp.Or(err, errNotYet))
		}
	}
}
