package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"go.yaml.in/yaml/v3"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
	"fisherman/server"
	"fisherman/server/config"
)

// mostLooks is how many calls to the engine a reconciliation without a change may make, of however many services that run: one
// listing, and another that is due anyway.
const mostLooks = 2

// TestFromAnyConfigurationToAnyOther is what the deployer's test of this name shows in memory, of twenty configurations on a real
// engine: the containers become what the configuration says, and then the same configuration again does nothing. The last
// one is of twenty services, and BenchmarkUnchanged has two hundred: what they cost does not grow with their number.
func TestFromAnyConfigurationToAnyOther(t *testing.T) {
	const lives, configurations = 2, 10
	app := deployertest.App(t)
	for seed := range uint64(lives) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			l := newLikeness(t, newStage(t, app, t.TempDir()))
			rng := rand.New(rand.NewPCG(seed, 7))
			l.write(anyFew(rng))
			if err := l.play(l.file); err != nil {
				t.Fatal(err)
			}
			for n := range configurations {
				if n > 0 {
					l.write(anyFew(rng))
					l.reconcile()
				}
				l.become(fmt.Sprint("configuration ", n))
				l.again()
			}
			if seed == 0 {
				l.write(many(20))
				l.reconcile()
				l.become("the last configuration")
				l.again()
			}
		})
	}
}

// anyFew are services that an engine on a small machine can keep up with.
func anyFew(rng *rand.Rand) (few []deployer.Service) {
	for len(few) == 0 { // that would be no configuration
		few = deployertest.AnyServices(rng)
	}
	rng.Shuffle(len(few), func(a, b int) { few[a], few[b] = few[b], few[a] })
	few = few[:min(len(few), 1+rng.IntN(3))]
	for i := range few {
		few[i].Replicas = min(few[i].Replicas, 2)
		few[i].Drain /= 20
	}
	return few
}

// many are small services, all alike.
func many(n int) (all []deployer.Service) {
	for i := range n {
		all = append(all, deployer.Service{
			Name: fmt.Sprint("web", i), Repository: "o/web", Image: "ghcr.io/o/web", Tag: "latest", Replicas: 1, Strategy: deployer.BlueGreen,
			Routes: []deployer.Route{{Host: fmt.Sprintf("web%d.pl", i), Prefix: "/", Port: 8080}},
		})
	}
	return all
}

// likeness compares what runs on a stage with its configuration.
type likeness struct {
	*stage
	file    string
	engine  *turnstile
	digests map[string]map[string]string // by image and tag
	want    []deployer.Service
	before  map[string]deployer.Service // what was wanted before, by name
	ran     map[string]string           // by service: the digest that ran then
	runs    map[string]string           // and what runs now
	ids     []string                    // of the containers that run
	stopped map[string]string           // of those that do not, with their services
}

func newLikeness(t *testing.T, s *stage) *likeness {
	l := &likeness{stage: s, file: filepath.Join(s.work, "fisherman.yaml"), engine: newTurnstile(t, s.docker.DaemonHost()), digests: map[string]map[string]string{}}
	for _, name := range []string{"web", "api", "job", "db", "mail"} {
		for _, image := range []string{"o/" + name, "o/" + name + "-next"} {
			tags := map[string]string{}
			for _, tag := range []string{"latest", "v1"} {
				tags[tag] = s.push(image, tag, "1", "ADMIN=8081", "IMAGE="+image+":"+tag)
			}
			l.digests[s.registry+"/"+image] = tags
		}
	}
	return l
}

// write makes services the configuration, and knows them as the server will.
func (l *likeness) write(services []deployer.Service) {
	l.t.Helper()
	l.before, l.ran, l.runs = map[string]deployer.Service{}, l.runs, map[string]string{}
	for _, s := range l.want {
		l.before[s.Name] = s
	}
	all := map[string]any{}
	for _, s := range services {
		all[s.Name] = l.written(s)
	}
	raw, err := yaml.Marshal(map[string]any{
		"github": map[string]any{"secret": "${SECRET}"}, "server": map[string]any{"listen": "127.0.0.1:0", "token": "${FISHERMAN_TOKEN}"},
		"proxy": map[string]any{"http": "127.0.0.1:0"}, "docker": map[string]any{"network": l.network, "host": "unix://" + l.engine.socket},
		"state": l.state(), "services": all,
	})
	if err = cmp.Or(err, os.WriteFile(l.file+".new", raw, 0o600), os.Rename(l.file+".new", l.file)); err != nil {
		l.t.Fatal(err)
	}
	read, err := config.Parse(raw, func(name string) (string, bool) { return alone{l.stage}.Getenv(name), true })
	if err != nil {
		l.t.Fatalf("%v\n%s", err, raw)
	}
	l.want = read.Services
}

// written is a service as its owner would have it. Each is asked for its health by HTTP: a worker would be watched for 5 s.
func (l *likeness) written(s deployer.Service) map[string]any {
	routes, environment := []any{}, map[string]any{}
	for _, r := range s.Routes {
		routes = append(routes, map[string]any{"host": r.Host, "prefix": r.Prefix, "port": r.Port, "tls": "off"})
	}
	for name, value := range s.Environment {
		text, err := value.Reveal()
		if err != nil {
			l.t.Fatal(err)
		}
		environment[name] = text
	}
	return map[string]any{
		"repository": s.Repository, "image": strings.Replace(s.Image, "ghcr.io", l.registry, 1), "tag": s.Tag, "replicas": s.Replicas,
		"routes": routes, "environment": environment, "args": s.Args, "strategy": s.Strategy, "retain": s.Retain, "drain": s.Drain.String(),
		"stop": "2s", "health": map[string]any{"path": "/health", "port": 8080, "successes": 1},
	}
}

// become waits until all is as the configuration says.
func (l *likeness) become(what string) {
	l.t.Helper()
	began := time.Now()
	err := until(what, func() (bool, error) {
		err := l.wrongs()
		return err == nil, err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Logf("%s: %d services in %d containers after %s", what, len(l.want), len(l.ids), time.Since(began).Round(10*time.Millisecond))
}

// again has the same configuration applied once more. Images that nobody can go back to are let go of only after a deployment has
// ended; while they are, it is tried once more.
func (l *likeness) again() {
	l.t.Helper()
	ids := l.ids
	var took time.Duration
	var calls []string
	err := until("a reconciliation that does nothing", func() (bool, error) {
		_, begun := l.engine.since(0)
		began := time.Now()
		done := l.reconcile()
		took = time.Since(began)
		calls, _ = l.engine.since(begun)
		images := func(call string) bool { return strings.Contains(call, "/images/") }
		if c := slices.DeleteFunc(changing(calls), images); len(c)+len(done.Deployments) > 0 || !done.Plan.IsEmpty() {
			l.t.Fatalf("the same again did something: %+v; %q", done, c)
		}
		calls = slices.DeleteFunc(calls, l.isOfStopped)
		return len(calls) <= mostLooks && len(changing(calls)) == 0, fmt.Errorf("calls: %q", calls)
	})
	if err = cmp.Or(err, l.wrongs()); err != nil {
		l.t.Fatal(err)
	}
	if !slices.Equal(l.ids, ids) {
		l.t.Fatalf("the same again made containers %v of %v", l.ids, ids)
	}
	l.t.Logf("the same again: %d services, %d calls to the engine, %s", len(l.want), len(calls), took.Round(100*time.Microsecond))
}

// isOfStopped reports whether a call is for a container of a service that was removed, which is kept for a day: why it ended and,
// for a minute, whether the engine itself is about to.
func (l *likeness) isOfStopped(call string) bool {
	return len(l.stopped) > 0 && call == "GET /_ping" || strings.HasSuffix(call, "/json") && l.stopped[path.Base(path.Dir(call))] != ""
}

func (l *likeness) reconcile() (done server.Reconciled) {
	l.t.Helper()
	status, body := l.reconciled(l.t)
	if err := json.Unmarshal([]byte(body), &done); err != nil || status != http.StatusOK || len(done.Failures) > 0 {
		l.t.Fatalf("reconcile: %d %s %v", status, body, err)
	}
	return done
}

// wrongs says in what the containers and routes are not those of the configuration.
func (l *likeness) wrongs() error {
	var routes []server.Route
	if err := cmp.Or(l.ended(), l.read("/api/v1/routes", &routes)); err != nil {
		return err
	}
	running, err := l.running()
	if err != nil {
		return err
	}
	is, want, wrongs := led(routes), map[string]string{}, []error{}
	for _, s := range l.want {
		for _, r := range s.Routes {
			want[r.Host+r.Prefix] = l.addresses(running[s.Name], r.Port)
		}
		wrongs = append(wrongs, l.wrong(s, running[s.Name]))
		delete(running, s.Name)
	}
	if !maps.Equal(is, want) {
		wrongs = append(wrongs, fmt.Errorf("routes are %v, want %v", is, want))
	}
	if len(running) > 0 {
		wrongs = append(wrongs, fmt.Errorf("there run, too: %v", slices.Collect(maps.Keys(running))))
	}
	return errors.Join(wrongs...)
}

// ended reports what is on its way. Nothing may fail.
func (l *likeness) ended() error {
	var all []server.Deployment
	if err := l.read("/api/v1/deployments?limit=1000", &all); err != nil {
		return err
	}
	for _, d := range all {
		if d.State == deployer.Failed || d.State == deployer.RolledBack {
			l.t.Fatalf("%+v", d)
		}
		if d.FinishedAt == nil {
			return fmt.Errorf("%s of %s is %s", d.ID, d.Service, d.State)
		}
	}
	return nil
}

// running are the containers that run, by service.
func (l *likeness) running() (map[string][]container.Summary, error) {
	which := filters.NewArgs(filters.Arg("label", "fisherman.network="+l.network))
	found, err := l.docker.ContainerList(l.t.Context(), container.ListOptions{Filters: which, All: true})
	running := map[string][]container.Summary{}
	l.ids, l.stopped = nil, map[string]string{}
	for _, c := range found {
		name := c.Labels["fisherman.service"]
		if c.State != container.StateRunning {
			l.stopped[c.ID] = name
			continue
		}
		running[name] = append(running[name], c)
		l.ids = append(l.ids, c.ID)
	}
	slices.Sort(l.ids)
	return running, err
}

// wrong says in what a service's containers are not what they should be.
func (l *likeness) wrong(s deployer.Service, containers []container.Summary) error {
	asleep := slices.Contains(slices.Collect(maps.Values(l.stopped)), s.Name) // one that is about to be started, or removed
	if len(containers) != s.Replicas || asleep {
		return fmt.Errorf("%s runs in %d containers, want %d; another does not run: %v", s.Name, len(containers), s.Replicas, asleep)
	}
	digest := containers[0].Labels["fisherman.digest"]
	if !slices.Contains(l.mayRun(s), digest) {
		return fmt.Errorf("%s runs %s, want one of %v", s.Name, digest, l.mayRun(s))
	}
	for _, c := range containers {
		image, err := l.docker.ImageInspect(l.t.Context(), c.ImageID)
		if err != nil {
			return err
		}
		if c.Labels["fisherman.spec"] != s.Spec() || c.Labels["fisherman.digest"] != digest || !slices.Contains(image.RepoDigests, s.Image+"@"+digest) {
			return fmt.Errorf("%s runs %v of %v, want spec %s and digest %s", s.Name, c.Labels, image.RepoDigests, s.Spec(), digest)
		}
	}
	l.runs[s.Name] = digest
	return nil
}

// mayRun are the digests that a service may run: what ran, unless another image or tag is configured than before. Of one that is
// new any of its image's is good: it may have run before.
func (l *likeness) mayRun(s deployer.Service) []string {
	tags := l.digests[s.Image]
	switch was, known := l.before[s.Name]; {
	case !known:
		return slices.Collect(maps.Values(tags))
	case was.Reference() != s.Reference():
		return []string{tags[s.Tag]}
	}
	return []string{l.ran[s.Name]}
}

// addresses are those of containers, with a port.
func (l *likeness) addresses(containers []container.Summary, port int) string {
	var all []string
	for _, c := range containers {
		all = append(all, fmt.Sprintf("%s:%d", c.NetworkSettings.Networks[l.network].IPAddress, port))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// led says where each route leads.
func led(routes []server.Route) map[string]string {
	to := map[string]string{}
	for _, r := range routes {
		var all []string
		for _, b := range r.Backends {
			all = append(all, b.Address)
		}
		slices.Sort(all)
		to[r.Host+r.Prefix] = strings.Join(all, " ")
	}
	return to
}
