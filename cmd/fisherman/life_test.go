package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"go.yaml.in/yaml/v3"

	"fisherman/deployer/deployertest"
	"fisherman/proxy/proxytest"
	"fisherman/server"
	"fisherman/server/seal"
)

// estate is the author's own: testdata/life.yaml, in a file that fisherman watches.
type estate struct {
	*stage
	holder *holder // of the listeners, as systemd
	dir    string
	ca     *proxytest.CA
	people *patrons
	config map[string]any
	kept   string              // a secret that is in a file
	sealed string              // a secret that is encrypted in the configuration
	ids    map[string][]string // by service: the containers that it should have
}

// TestTheLifeOfABox changes everything that an owner changes, one thing after the other, while people use all of it. Not one
// request fails of what should have been served, and no container is replaced that did not have to be.
func TestTheLifeOfABox(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	e.start()
	e.settled(nil)
	if len(e.ids) != 13 {
		t.Fatalf("%d services run, want 13: %v", len(e.ids), e.ids)
	}
	e.arrive()
	for _, step := range []struct {
		what string
		do   func()
	}{
		{"a host is added, with a certificate of its own", e.addHost},
		{"a host is removed", e.removeHost},
		{"replicas: 1, 3, 2", e.scale},
		{"a host moves to another service", e.moveHost},
		{"a bad file", e.badFile},
		{"the source is gone, and fisherman restarts meanwhile", e.lostSource},
		{"a certificate is replaced", e.newCertificate},
		{"another environment", e.newEnvironment},
		{"another secret, in its file", e.newSecret},
		{"a service is added and another removed", e.otherServices},
	} {
		began := time.Now()
		step.do()
		e.people.more(5)
		if t.Failed() {
			t.Fatalf("after: %s", step.what)
		}
		t.Logf("%s: %s", step.what, time.Since(began).Round(10*time.Millisecond))
	}
	e.people.leave()
	e.people.complain()
	t.Logf("%d requests answered", e.people.answered())
	e.onlyWithCertificate()
	if err := e.server.end(syscall.SIGTERM, exitDone); err != nil {
		t.Error(err)
	}
}

func newEstate(t *testing.T) *estate {
	s := newStage(t, deployertest.App(t), t.TempDir())
	e := &estate{stage: s, holder: newHolder(t, socketHTTP, socketHTTPS, socketServer), dir: t.TempDir(), ca: proxytest.NewCA(t, "box")}
	e.certify("public", "blackboards.test", "lifts.test", "tracker.test", "sso.test", "tags.test", "gazette.test", "www.gazette.test")
	e.certify("admin", "admin.test")
	proxytest.WriteFile(t, e.path("clients.pem"), proxytest.PEM("CERTIFICATE", e.ca.Cert.Raw))
	raw, err := os.ReadFile("testdata/life.yaml")
	if err != nil {
		t.Fatal(err)
	}
	placed := strings.NewReplacer("@DIR@", e.dir, "@SEALED@", e.seal()).Replace(string(raw))
	if err := yaml.Unmarshal([]byte(placed), &e.config); err != nil {
		t.Fatal(err)
	}
	for name := range e.services() {
		e.push("o/"+name, "latest", name)
	}
	e.write(e.written())
	return e
}

// seal makes an identity, encrypts a secret for it and keeps another in a file.
func (e *estate) seal() string {
	e.sealed = rand.Text()
	e.lookout.add("encrypted variable", e.sealed)
	e.rotate()
	identity, recipient, err := seal.Generate("2026-01-01T00:00:00Z")
	if err != nil {
		e.t.Fatal(err)
	}
	proxytest.WriteFile(e.t, e.path("identity.txt"), identity)
	to, err := seal.ParseRecipients([]string{recipient})
	if err != nil {
		e.t.Fatal(err)
	}
	ciphertext, err := to.Seal(e.sealed)
	if err != nil {
		e.t.Fatal(err)
	}
	return ciphertext
}

// rotate puts another secret into the file.
func (e *estate) rotate() {
	e.kept = rand.Text()
	e.lookout.add("variable in a file", e.kept)
	proxytest.WriteFile(e.t, e.path("token"), []byte(e.kept+"\n"))
}

func (e *estate) path(file string) string { return filepath.Join(e.dir, file) }

// certify writes a certificate and its key into files, which may be there already.
func (e *estate) certify(file string, names ...string) tls.Certificate {
	pair := e.ca.Server(nil, names...)
	proxytest.WritePair(e.t, e.path(file+".pem"), e.path(file+".key"), pair)
	return pair
}

func (e *estate) services() map[string]any { return e.config["services"].(map[string]any) }

func (e *estate) service(name string) map[string]any { return e.services()[name].(map[string]any) }

// written is the configuration as its owner would have it in a file.
func (e *estate) written() string {
	raw, err := yaml.Marshal(e.config)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(raw)
}

// write replaces the file as editors do.
func (e *estate) write(text string) {
	e.t.Helper()
	err := os.WriteFile(e.path("next"), []byte(text), 0o600)
	if err = cmp.Or(err, os.Rename(e.path("next"), e.path("fisherman.yaml"))); err != nil {
		e.t.Fatal(err)
	}
}

func (e *estate) start() {
	e.t.Helper()
	var err error
	if e.server, err = e.holder.serve(alone{e.stage}, e.path("fisherman.yaml"), "--state", e.state()); err != nil {
		e.t.Fatal(err)
	}
	if err = cmp.Or(e.server.serving(), e.server.ready()); err != nil {
		e.t.Fatal(err)
	}
	e.holder.told(e.t.(*testing.T), "READY=1")
}

// arrive sends the people, to every name.
func (e *estate) arrive() {
	e.people = sendPatrons(e.t, 4, e.ports(), e.trust())
	for url, service := range map[string]string{
		"https://blackboards.test/": "blackboards", "https://lifts.test/": "blackboards",
		"https://tracker.test/": "tracker", "https://tracker.test/apiary/": "tracker", "https://tracker.test/api/": "tracker-api",
		"https://sso.test/": "sso", "https://sso.test/tags/": "tags-api",
		"https://tags.test/": "tags", "https://tags.test/api/v2/": "tags", "https://tags.test/api/v1/": "tags-api",
		"https://gazette.test/": "gazette", "https://www.gazette.test/": "gazette",
		"http://today.test/": "today", "http://blackboards.test/": "308", "http://tags.test/api/v1/": "308",
		"https://admin.test/": "admin", "https://admin.test/api/": "admin-api",
	} {
		e.people.use(url, service)
	}
	e.people.more(5)
}

// trust is how clients trust the box, and show who they are where they are asked.
func (e *estate) trust() *tls.Config {
	return &tls.Config{RootCAs: e.ca.Pool(), Certificates: []tls.Certificate{e.ca.Client(nil)}}
}

// change writes the configuration as it is by now and returns once fisherman has applied it, by itself, and all is well; only
// these services may get other containers.
func (e *estate) change(rolled ...string) {
	e.t.Helper()
	before := e.last()
	e.write(e.written())
	now := e.next(before)
	if now.Refused != "" || len(now.Failures) > 0 || len(now.Plan.Services)+len(now.Plan.Settings) == 0 {
		e.t.Fatalf("not applied: %+v", now)
	}
	e.settled(rolled)
}

// last is what came of the last configuration.
func (e *estate) last() (last server.Reconciled) {
	e.t.Helper()
	if err := e.read("/api/v1/reconcile", &last); err != nil {
		e.t.Fatal(err)
	}
	return last
}

// next waits for what comes of another configuration.
func (e *estate) next(before server.Reconciled) (last server.Reconciled) {
	e.t.Helper()
	err := until("another configuration", func() (bool, error) {
		last = e.last()
		return last.At != nil && (before.At == nil || last.At.After(*before.At)), nil
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return last
}

// settled waits until every service of the configuration runs with the replicas that it should have, and nothing else does.
// Only those of rolled may have other containers than before.
func (e *estate) settled(rolled []string) {
	e.t.Helper()
	var ids map[string][]string
	err := until("every service to run", func() (bool, error) {
		var current []server.Deployment
		var services []server.Service
		if err := cmp.Or(e.read("/api/v1/deployments?current=true", &current), e.read("/api/v1/services", &services)); err != nil {
			return false, err
		}
		var err error
		if ids, err = e.running(); err != nil {
			return false, err
		}
		return e.asConfigured(services, current, ids)
	})
	if err != nil {
		e.t.Fatal(err)
	}
	for name, was := range e.ids {
		if is, stays := ids[name]; stays && !slices.Contains(rolled, name) && !slices.Equal(was, is) {
			e.t.Errorf("%s had containers %v and has %v", name, was, is)
		}
	}
	e.ids = ids
}

// asConfigured reports whether what runs is what the configuration says, and nothing is on its way.
func (e *estate) asConfigured(services []server.Service, current []server.Deployment, ids map[string][]string) (bool, error) {
	for _, d := range current {
		if d.FinishedAt == nil {
			return false, fmt.Errorf("%s is %s", d.Service, d.State)
		}
	}
	if len(services) != len(e.services()) || len(ids) != len(services) {
		return false, fmt.Errorf("%d services, of which %d run", len(services), len(ids))
	}
	for _, s := range services {
		want, set := e.service(s.Name)["replicas"].(int)
		if !set {
			want = 1
		}
		if s.State != "running" || len(s.Replicas) != want || len(ids[s.Name]) != want {
			return false, fmt.Errorf("%s is %s with %d replicas, %d running", s.Name, s.State, len(s.Replicas), len(ids[s.Name]))
		}
	}
	return true, nil
}

// running are the containers that run, by service, sorted.
func (e *estate) running() (map[string][]string, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	found, err := e.docker.ContainerList(ctx, container.ListOptions{Filters: filters.NewArgs(filters.Arg("label", "fisherman.network="+e.network))})
	ids := map[string][]string{}
	for _, c := range found {
		name := c.Labels["fisherman.service"]
		ids[name] = append(ids[name], c.ID)
		slices.Sort(ids[name])
	}
	return ids, err
}

func (e *estate) addHost() {
	e.certify("notes", "notes.test")
	proxy := e.config["proxy"].(map[string]any)
	proxy["certificates"] = append(proxy["certificates"].([]any), map[string]any{"cert": e.path("notes.pem"), "key": e.path("notes.key")})
	e.route("gazette", "notes.test")
	e.change()
	e.people.use("https://notes.test/", "gazette")
	e.people.use("http://notes.test/", "308")
}

// route adds a route to a service.
func (e *estate) route(service, host string) {
	s := e.service(service)
	s["routes"] = append(s["routes"].([]any), map[string]any{"host": host, "port": 8080})
}

// unroute takes a host from it.
func (e *estate) unroute(service, host string) {
	s := e.service(service)
	s["routes"] = slices.DeleteFunc(slices.Clone(s["routes"].([]any)), func(r any) bool { return r.(map[string]any)["host"] == host })
}

func (e *estate) removeHost() {
	e.people.shun("www.gazette.test")
	e.unroute("gazette", "www.gazette.test")
	e.change()
	if status, _, err := e.ask("https://www.gazette.test/"); status == http.StatusOK {
		e.t.Errorf("www.gazette.test is still served: %d %v", status, err)
	}
}

func (e *estate) client() *http.Client { return clientOf(e.ports(), e.trust(), false) }

// ports are where the box's are really served.
func (e *estate) ports() map[string]string {
	return map[string]string{":80": e.holder.at[socketHTTP], ":443": e.holder.at[socketHTTPS]}
}

// ask asks once, as people do.
func (e *estate) ask(url string) (int, *tls.ConnectionState, error) {
	response, err := e.client().Get(url)
	if err != nil {
		return 0, nil, err
	}
	return response.StatusCode, response.TLS, response.Body.Close()
}

func (e *estate) scale() {
	first := e.ids["tags"]
	e.service("tags")["replicas"] = 3
	e.change("tags")
	three := e.ids["tags"]
	if !slices.Contains(three, first[0]) {
		e.t.Errorf("from 1 to 3: %v became %v", first, three)
	}
	e.people.more(5)
	e.service("tags")["replicas"] = 2
	e.change("tags")
	if two := e.ids["tags"]; !isSubset(two, three) || !slices.Contains(two, first[0]) {
		e.t.Errorf("from 3 to 2: %v became %v; the first was %v", three, two, first)
	}
}

func isSubset(some, of []string) bool {
	return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(of, one) })
}

func (e *estate) moveHost() {
	e.unroute("blackboards", "lifts.test")
	e.route("tracker", "lifts.test")
	e.people.use("https://lifts.test/", "blackboards", "tracker")
	e.change()
	e.people.use("https://lifts.test/", "tracker")
}

// badFile: a file with mistakes changes nothing and is told once, for all that it stays there.
func (e *estate) badFile() {
	const told = "the new configuration cannot be used"
	before := e.last()
	e.write(strings.Replace(e.written(), "replicas: 2", "replicas: many\n        imagen: none", 1))
	refused := e.next(before).Refused
	for _, want := range []string{`services.tags.replicas: "many"`, "services.tags.imagen: unknown key"} {
		if !strings.Contains(refused, want) {
			e.t.Errorf("refused, but not for %q: %s", want, refused)
		}
	}
	const alarm = "the configuration: needs attention"
	if err := until("Discord: "+alarm, func() (bool, error) { return e.discord.has(alarm) > 0, nil }); err != nil {
		e.t.Error(err)
	}
	e.people.more(20)
	if n, discord := strings.Count(e.server.log(), told), e.discord.has(alarm); n != 1 || discord != 1 {
		e.t.Errorf("told %d times in the log and %d on Discord, want once each", n, discord)
	}
	e.settled(nil)
	before = e.last()
	e.write(e.written())
	if again := e.next(before); again.Refused != "" || len(again.Plan.Services) > 0 {
		e.t.Errorf("what runs was applied again: %+v", again)
	}
	if err := until("Discord: all is well", func() (bool, error) { return e.discord.has("the configuration: well again") > 0, nil }); err != nil {
		e.t.Error(err)
	}
	e.settled(nil)
}

// lostSource: while the file is gone everything goes on, and a restart goes on with the last good configuration.
func (e *estate) lostSource() {
	if err := os.Remove(e.path("fisherman.yaml")); err != nil {
		e.t.Fatal(err)
	}
	e.says("cannot be read; all goes on as it was last known")
	e.people.more(5)
	if err := e.server.end(syscall.SIGTERM, exitDone); err != nil {
		e.t.Fatal(err)
	}
	e.holder.told(e.t.(*testing.T), "STOPPING=1")
	e.start()
	e.says("starting with the last good configuration")
	e.settled(nil)
	e.people.more(5)
	e.write(e.written())
	e.says("can be read again")
	e.settled(nil)
}

// says waits until the server's log does.
func (e *estate) says(what string) {
	e.t.Helper()
	if err := until("log: "+what, func() (bool, error) { return strings.Contains(e.server.log(), what), nil }); err != nil {
		e.t.Fatal(err)
	}
}

func (e *estate) newCertificate() {
	pair := e.certify("public", "blackboards.test", "lifts.test", "tracker.test", "sso.test", "tags.test", "gazette.test")
	for _, host := range []string{"blackboards.test", "sso.test", "gazette.test"} {
		err := until("the new certificate of "+host, func() (bool, error) {
			_, state, err := e.ask("https://" + host + "/")
			return err == nil && state.PeerCertificates[0].Equal(pair.Leaf), err
		})
		if err != nil {
			e.t.Error(err)
		}
	}
	e.settled(nil)
}

func (e *estate) newEnvironment() {
	was := slices.Clone(e.ids["sso"])
	e.service("sso")["environment"].(map[string]any)["VERSION"] = "sso/2"
	e.change("sso")
	if slices.Equal(was, e.ids["sso"]) {
		e.t.Errorf("another environment, and the same container %v", was)
	}
}

// newSecret: the configuration is the same text as before, and what it refers to is not.
func (e *estate) newSecret() {
	was, before := e.ids, e.last()
	e.rotate()
	e.next(before)
	e.settled([]string{"sso", "gazette"})
	for _, name := range []string{"sso", "gazette"} {
		if slices.Equal(was[name], e.ids[name]) {
			e.t.Errorf("another secret for %s, and the same container %v", name, was[name])
		}
	}
	sum := func(secret string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(secret))) }
	for path, want := range map[string]string{
		"sso.test/environment/TOKEN": sum(e.kept), "tags.test/environment/KEY": sum(e.sealed),
		"gazette.test/file?path=/run/secrets/token": "400 0:0 " + e.kept + "\n",
	} {
		response, err := e.client().Get("https://" + path)
		if err != nil {
			e.t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		if err = cmp.Or(err, response.Body.Close()); err != nil || string(got) != want {
			e.t.Errorf("%s is not what it should be: %v", path, err)
		}
	}
}

func (e *estate) otherServices() {
	e.push("o/wiki", "latest", "wiki")
	wiki := maps.Clone(e.service("today"))
	wiki["repository"], wiki["image"], wiki["routes"] = "o/wiki", "${REGISTRY}/o/wiki", []any{}
	delete(e.services(), "today")
	e.services()["wiki"] = wiki
	e.route("wiki", "tags.test")
	e.service("wiki")["routes"].([]any)[0].(map[string]any)["prefix"] = "/wiki"
	e.people.shun("today.test")
	e.change()
	e.people.use("https://tags.test/wiki/", "wiki")
	if status, _, err := e.ask("http://today.test/"); err != nil || status != http.StatusNotFound {
		e.t.Errorf("what is gone answers %d, %v", status, err)
	}
}

// onlyWithCertificate: after all of that, mutual TLS is what it was.
func (e *estate) onlyWithCertificate() {
	config := e.trust()
	config.Certificates = nil
	client := clientOf(e.ports(), config, false)
	if response, err := client.Get("https://admin.test/"); err == nil {
		_ = response.Body.Close()
		e.t.Errorf("admin.test answers %s without a certificate", response.Status)
	}
}
