package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/docker/docker/client"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"fisherman/deployer/deployertest"
)

// The services of an arena.
const (
	web    = "web"    // blue-green, two containers, a short bake
	single = "single" // must not run twice
	frail  = "frail"  // gets the releases that do not work: little memory, a long bake
)

const chaosConfig = `
github: { secret: %q }
server: { listen: %q, token: %q }
proxy: { http: %q }
docker: { network: %s }
state: %s
defaults: { drain: 3s, stop: 2s, retain: 2, health: { path: /health, deadline: 20s } }
services:
  web:
    repository: o/web
    image: %[7]s/o/web
    routes: [{ host: web.test, port: 8080, tls: "off" }]
    replicas: 2
    bake: 300ms
  single:
    repository: o/single
    image: %[7]s/o/single
    routes: [{ host: single.test, port: 8080, tls: "off" }]
    strategy: recreate
  frail:
    repository: o/frail
    image: %[7]s/o/frail
    routes: [{ host: frail.test, port: 8080, tls: "off" }]
    bake: 6s
    resources: { memory: 64m }
`

// binaries are directories that hold a `fisherman` each.
type binaries struct{ release, failpoints string }

func buildBinaries(t *testing.T) (b binaries) {
	b = binaries{t.TempDir(), t.TempDir()}
	err := errors.Join(
		buildStatic(filepath.Join(b.release, "fisherman")),
		buildStatic(filepath.Join(b.failpoints, "fisherman"), "-tags=failpoints"),
	)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// planned is the source of a plan's choices.
func planned(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }

// arena is one fisherman with three services on an engine, and all that is done to it.
type arena struct {
	*stage
	bin        binaries
	random     *rand.Rand // of the plan's seed
	engine     *engine    // one that may be maltreated; nil: the machine's own
	host       string     // DOCKER_HOST; empty: the environment's
	source     *brittle   // the registry
	disk       *disk      // of the state directory
	replicas   map[string]int
	api, proxy string // fixed, so that clients find the next process
	ledger     ledger
	load       *hammer
	windows    []window // only the round's own goroutine writes them
	bystanders []string
	tally      *tally
	ended      []*process // those before the present one, in this round
	quoted     int        // bytes of the first one's log that are of earlier rounds
}

// newArena serves version 1 of every service.
func newArena(t *testing.T, app v1.Layer, bin binaries, seed uint64, on *engine, sum *tally) *arena {
	t.Helper()
	a := &arena{
		bin: bin, random: planned(seed), engine: on, source: &brittle{}, tally: sum,
		replicas: map[string]int{web: 2, single: 1, frail: 1}, api: deployertest.FreeAddress(t), proxy: deployertest.FreeAddress(t),
	}
	work := t.TempDir()
	if on != nil {
		a.host = "unix://" + on.socket
		a.stage = stageOn(t, on, app, work)
	} else {
		a.stage = newStage(t, app, work)
	}
	a.registry = deployertest.Registry(t, a.source.wrap)
	a.disk = mountDisk(t, a.state())
	config := fmt.Sprintf(chaosConfig, a.secret, a.api, apiToken, a.proxy, a.network, a.state(), a.registry)
	if err := os.WriteFile(a.config(), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	a.placeBystanders()
	if err := a.begin(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.load.end()
		a.server.kill() // what it said was shown with the round that went wrong
		a.server = nil
	})
	return a
}

// stageOn is a stage on an engine of the test's own, which takes everything with it when it goes.
func stageOn(t *testing.T, on *engine, app v1.Layer, work string) *stage {
	t.Helper()
	api, err := client.NewClientWithOpts(client.WithHost("unix://"+on.socket), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	s := stageWith(t, api, app, work)
	t.Cleanup(func() {
		if s.server != nil {
			s.server.kill()
		}
		_ = api.Close()
	})
	return s
}

func (a *arena) config() string { return filepath.Join(a.work, "fisherman.yaml") }

// begin deploys the first releases, and lets the clients loose once they serve.
func (a *arena) begin() error {
	a.load = beat(a.proxy) // nobody yet
	if err := a.start(""); err != nil {
		return err
	}
	if err := a.ship(web, single, frail).done(); err != nil {
		return err
	}
	if restless, _ := a.settle(); len(restless) > 0 { // nobody has used the apps yet
		return fmt.Errorf("before the first round: %q", restless)
	}
	a.load = beat(a.proxy, web, single, frail)
	return until("an answer to the clients of every service", func() (bool, error) {
		answered := a.load.answered()
		return len(answered[web]) > 0 && len(answered[single]) > 0 && len(answered[frail]) > 0, nil
	})
}
