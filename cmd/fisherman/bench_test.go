package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	dockerclient "github.com/docker/docker/client"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"fisherman/deployer/deployertest"
	"fisherman/deployer/docker"
)

// boot is how long the measured app takes to begin to listen.
const boot = "150ms"

// bench is a release binary that serves services, and all that a measurement asks it by.
type bench struct {
	b       *testing.B
	app     v1.Layer
	images  string   // host:port/o
	names   []string // of the services: web0, web1, …
	network string
	config  string
	server  string // host:port
	proxy   string
	process *exec.Cmd
}

func newBench(b *testing.B, services int) *bench {
	m := &bench{
		b:       b,
		app:     deployertest.App(b),
		network: "fisherman-bench-" + fmt.Sprintf("%x", time.Now().UnixNano()),
		images:  deployertest.Registry(b) + "/o",
	}
	m.server, m.proxy = deployertest.FreeAddress(b), deployertest.FreeAddress(b)
	dir := b.TempDir()
	m.config = filepath.Join(dir, "fisherman.yaml")
	text := fmt.Sprintf(`
github: { secret: bench }
server: { listen: %q, token: bench }
proxy: { http: %q }
docker: { network: %s }
state: %s
services:
`, m.server, m.proxy, m.network, filepath.Join(dir, "state"))
	for i := range services {
		name := fmt.Sprint("web", i)
		m.names = append(m.names, name)
		text += fmt.Sprintf(`  %s:
    repository: o/%[1]s
    image: %[2]s/%[1]s
    routes: [{ host: %[1]s.test, port: 8080, tls: "off" }]
    health: { path: /health }
`, name, m.images)
	}
	if err := os.WriteFile(m.config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	m.serve(releaseBinary(b))
	return m
}

// releaseBinary is what users run, and how large it is.
func releaseBinary(b *testing.B) string {
	path := filepath.Join(b.TempDir(), "fisherman")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build the release binary: %v\n%s", err, out)
	}
	return path
}

// serve runs the binary until the benchmark ends, and removes what it made.
func (m *bench) serve(binary string) {
	log, err := os.Create(filepath.Join(m.b.TempDir(), "log"))
	if err != nil {
		m.b.Fatal(err)
	}
	m.process = exec.Command(binary, "serve", "--config", m.config)
	m.process.Stderr = log
	if err := m.process.Start(); err != nil {
		m.b.Fatal(err)
	}
	m.b.Cleanup(func() {
		_ = m.process.Process.Signal(os.Interrupt)
		_ = m.process.Wait()
		engine, err := docker.New(docker.Options{Network: m.network})
		if err == nil {
			err = engine.Purge(context.Background())
		}
		if err != nil {
			m.b.Errorf("clear away: %v", err)
		}
	})
	m.until("the server is ready", func() bool { return m.get(m.server, "", "/readyz", "") == http.StatusOK })
}

// until waits for a condition, tightly, for a minute at most.
func (m *bench) until(what string, done func() bool) {
	for end := time.Now().Add(time.Minute); !done(); {
		if time.Now().After(end) {
			m.b.Fatalf("waited a minute in vain: %s", what)
		}
		time.Sleep(500 * time.Microsecond)
	}
}

func (m *bench) get(address, name, path, want string) int {
	request, err := http.NewRequest(http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		m.b.Fatal(err)
	}
	request.Host = name + ".test"
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if !strings.Contains(string(body), want) {
		return 0
	}
	return response.StatusCode
}

// deliver sends one signed webhook and returns when it is answered.
func (m *bench) deliver(event string, payload object) (took time.Duration) {
	body, err := json.Marshal(payload)
	if err != nil {
		m.b.Fatal(err)
	}
	d := demo{secret: "bench"}
	request, err := d.signed(context.Background(), "http://"+m.server, event, body)
	if err != nil {
		m.b.Fatal(err)
	}
	begun := time.Now()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		m.b.Fatal(err)
	}
	answer, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		m.b.Fatalf("%s answered %s: %s", event, response.Status, answer)
	}
	return time.Since(begun)
}

func (m *bench) push(name string, version int) (digest string) {
	return deployertest.Push(m.b, m.images+"/"+name+":latest", deployertest.Image{
		App: m.app, Env: []string{fmt.Sprintf("VERSION=v%d.", version), "BOOT=" + boot},
	})
}

func (m *bench) packageEvent(name string, version int, digest string) object {
	return object{
		"action": "published", "repository": object{"full_name": "o/" + name, "default_branch": "master"},
		"package": object{"namespace": "o", "name": name, "package_type": "CONTAINER", "package_version": object{
			"version": digest, "target_oid": fmt.Sprintf("%040x", version), "package_url": m.images + "/" + name + ":latest",
			"container_metadata": object{"tag": object{"name": "latest", "digest": digest}},
		}},
	}
}

// BenchmarkWebhookToLive measures, turn by turn in one run, the time from a webhook to the new release's first answer
// through the proxy, and the floor: Docker's create and start, the app's own boot and its first answer.
func BenchmarkWebhookToLive(b *testing.B) {
	m := newBench(b, 1)
	m.live(1, m.names) // its layers are here from now on
	var floors, lives []time.Duration
	for i := range max(b.N, 7) {
		floors = append(floors, m.floor())
		lives = append(lives, m.live(i+2, m.names))
	}
	floor, live := median(floors), median(lives)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(floor), "floor-ms")
	b.ReportMetric(ms(live), "live-ms")
	b.ReportMetric(ms(live-floor), "over-floor-ms")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// live deploys a version of services at once and returns the time from the first webhook to the last one's first answer.
func (m *bench) live(version int, names []string) time.Duration {
	digests := map[string]string{}
	for _, name := range names {
		digests[name] = m.push(name, version)
	}
	begun := time.Now()
	for _, name := range names {
		m.deliver("package", m.packageEvent(name, version, digests[name]))
	}
	m.answer(version, names)
	took := time.Since(begun)
	m.settle(names)
	return took
}

// answer waits until all of the services serve a version.
func (m *bench) answer(version int, names []string) {
	for _, name := range names {
		m.until("the new release of "+name+" answers", func() bool { return m.get(m.proxy, name, "/", fmt.Sprintf("v%d.", version)) == http.StatusOK })
	}
}

// settle waits until the newest deployment of each service has succeeded.
func (m *bench) settle(names []string) {
	for _, name := range names {
		m.until("the deployment of "+name+" has ended", func() bool { return m.settled(name) })
	}
}

func (m *bench) settled(name string) bool {
	request, err := http.NewRequest(http.MethodGet, "http://"+m.server+"/api/v1/deployments?limit=1&service="+name, nil)
	if err != nil {
		m.b.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer bench")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return bytes.Contains(body, []byte(`"state":"succeeded"`)) || bytes.Contains(body, []byte(`"state": "succeeded"`))
}

// BenchmarkSideBySide deploys ten services at once and one alone, turn by turn, and does the same with bare containers.
func BenchmarkSideBySide(b *testing.B) {
	m := newBench(b, 10)
	m.live(1, m.names)
	var one, ten, bareOne, bareTen []time.Duration
	for i := range max(b.N, 3) {
		bareOne = append(bareOne, m.floors(1))
		bareTen = append(bareTen, m.floors(len(m.names)))
		one = append(one, m.live(2*i+2, m.names[:1]))
		ten = append(ten, m.live(2*i+3, m.names))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(median(one)), "one-ms")
	b.ReportMetric(ms(median(ten)), "ten-ms")
	b.ReportMetric(ms(median(ten))/ms(median(one)), "ratio")
	b.ReportMetric(ms(median(bareTen))/ms(median(bareOne)), "bare-ratio")
}

// floors starts several bare containers at once and returns the time until the last of them answers.
func (m *bench) floors(count int) (last time.Duration) {
	times := make([]time.Duration, count)
	var all sync.WaitGroup
	for i := range times {
		all.Go(func() { times[i] = m.floor() })
	}
	all.Wait()
	return slices.Max(times)
}

// BenchmarkIdleCPU reports what a server with twenty services uses of one core in a minute in which nothing happens.
func BenchmarkIdleCPU(b *testing.B) {
	const minute = time.Minute
	m := newBench(b, 20)
	m.live(1, m.names)
	time.Sleep(15 * time.Second) // the last containers have gone, and probes have found their pace
	begun, before := time.Now(), m.cpu()
	time.Sleep(minute)
	used := m.cpu() - before
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(100*used.Seconds()/time.Since(begun).Seconds(), "%")
}

// cpu is the CPU time that the server has used so far (proc(5), /proc/pid/stat).
func (m *bench) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", m.process.Process.Pid))
	if err != nil {
		m.b.Fatal(err)
	}
	const tick = time.Second / 100 // sysconf(_SC_CLK_TCK) on Linux
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	var user, system time.Duration
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], (*int64)(&user), (*int64)(&system)); err != nil {
		m.b.Fatal(err)
	}
	return (user + system) * tick
}

// floor creates and starts the same image through the same API and waits for its first answer.
func (m *bench) floor() time.Duration {
	api, err := dockerclient.NewClientWithOpts(dockerclient.FromEnv, dockerclient.WithAPIVersionNegotiation())
	if err != nil {
		m.b.Fatal(err)
	}
	defer api.Close()
	ctx := context.Background()
	if _, err := api.Ping(ctx); err != nil {
		m.b.Fatal(err)
	}
	begun := time.Now()
	made, err := api.ContainerCreate(ctx, &container.Config{Image: m.running(api)},
		nil, &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{m.network: {}}}, nil, "")
	if err != nil {
		m.b.Fatal(err)
	}
	defer func() {
		if err := api.ContainerRemove(ctx, made.ID, container.RemoveOptions{Force: true}); err != nil {
			m.b.Error(err)
		}
	}()
	if err := api.ContainerStart(ctx, made.ID, container.StartOptions{}); err != nil {
		m.b.Fatal(err)
	}
	found, err := api.ContainerInspect(ctx, made.ID)
	if err != nil {
		m.b.Fatal(err)
	}
	address := found.NetworkSettings.Networks[m.network].IPAddress + ":8080"
	m.until("the bare container answers", func() bool { return m.get(address, "", "/", "v") == http.StatusOK })
	return time.Since(begun)
}

// running is the image of the live container.
func (m *bench) running(api *dockerclient.Client) string {
	all, err := api.ContainerList(context.Background(), container.ListOptions{})
	if err != nil {
		m.b.Fatal(err)
	}
	for _, c := range all {
		if c.Labels["fisherman.network"] == m.network {
			return c.ImageID
		}
	}
	m.b.Fatal("nothing runs")
	return ""
}

// BenchmarkUnchanged reports how long it takes to apply a configuration of two hundred services again, all of which run and none of
// which has changed, and how many calls to the engine that takes.
func BenchmarkUnchanged(b *testing.B) {
	const services, atOnce = 200, 20
	api, err := dockerclient.NewClientWithOpts(dockerclient.FromEnv)
	if err != nil {
		b.Fatal(err)
	}
	engine := newTurnstile(b, api.DaemonHost())
	b.Setenv("DOCKER_HOST", "unix://"+engine.socket)
	m := newBench(b, services)
	for some := range slices.Chunk(m.names, atOnce) {
		m.live(1, some)
	}
	apply := func() (took time.Duration, calls int) {
		_, before := engine.since(0)
		begun := time.Now()
		m.reconcile()
		took = time.Since(begun)
		since, _ := engine.since(before)
		return took, len(since)
	}
	m.until("the last old images have been looked for", func() bool { _, calls := apply(); return calls <= mostLooks })
	var times []time.Duration
	calls := 0
	for range max(b.N, 7) {
		took, asked := apply()
		times, calls = append(times, took), max(calls, asked)
	}
	if calls > mostLooks {
		b.Errorf("%d calls to the engine, want %d at most", calls, mostLooks)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(median(times)), "ms")
	b.ReportMetric(float64(calls), "calls")
}

// reconcile has the server apply its configuration.
func (m *bench) reconcile() {
	request, err := http.NewRequest(http.MethodPost, "http://"+m.server+"/api/v1/reconcile", nil)
	if err != nil {
		m.b.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer bench")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		m.b.Fatal(err)
	}
	answer, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if response.StatusCode != http.StatusOK || !bytes.Contains(answer, []byte(`"deployments":[]`)) {
		m.b.Fatalf("reconcile answered %s: %s", response.Status, answer)
	}
}

// BenchmarkDeliveries sends 200 pushes within one second and reports the answers' 99th percentile.
func BenchmarkDeliveries(b *testing.B) {
	m := newBench(b, 1)
	const deliveries = 200
	times := make([]time.Duration, deliveries)
	var senders sync.WaitGroup
	pace := time.NewTicker(time.Second / deliveries)
	defer pace.Stop()
	for i := range deliveries {
		<-pace.C
		senders.Go(func() {
			times[i] = m.deliver("push", object{
				"ref": "refs/heads/master", "before": fmt.Sprintf("%040x", i+1), "after": fmt.Sprintf("%040x", i+2),
				"head_commit": object{"message": "m"}, "repository": object{"full_name": "o/web0", "default_branch": "master"},
			})
		})
	}
	senders.Wait()
	slices.Sort(times)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(times[deliveries*99/100]), "p99-ms")
	b.ReportMetric(ms(times[deliveries/2]), "p50-ms")
}

// BenchmarkIdle reports the resident memory of a server with one live service, the same without pages of files, and the size of
// the binary.
func BenchmarkIdle(b *testing.B) {
	m := newBench(b, 1)
	m.live(1, m.names)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.process.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	mebibytes := func(field string) (amount float64) {
		_, rest, _ := strings.Cut(string(status), field)
		if _, err := fmt.Sscan(rest, &amount); err != nil {
			b.Fatal(err)
		}
		return amount / 1024
	}
	binary, err := os.Stat(m.process.Path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(mebibytes("VmRSS:"), "resident-MiB")
	b.ReportMetric(mebibytes("RssAnon:"), "own-MiB")
	b.ReportMetric(float64(binary.Size())/1e6, "binary-MB")
}
