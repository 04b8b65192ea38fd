package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fisherman/proxy"
)

// again makes a proxy on the same file, as a restart does.
func again(t *testing.T, file, boot string, hold time.Duration) *proxy.Proxy {
	t.Helper()
	bootFile := filepath.Join(t.TempDir(), "boot_id")
	if err := os.WriteFile(bootFile, []byte(boot+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return prepare(t, proxy.Options{File: file, BootFile: bootFile, Timeouts: proxy.Timeouts{Hold: hold}})
}

func routeFile(t *testing.T) string { return filepath.Join(t.TempDir(), "routes.json") }

func TestRememberedRoutesWaitToBeConfirmed(t *testing.T) {
	file, old := routeFile(t), backend(t, says("old"))
	point(t, again(t, file, "boot", 0), "web", "1", only("a.pl/", old))
	p := again(t, file, "boot", time.Hour)
	if live := p.Live(); live["web"] != "1" {
		t.Errorf("remembers %v", live)
	}
	run(t, p)
	answers := make(chan string, 1)
	go func() { _, body := get(t, p, "http://a.pl/"); answers <- body }()
	select {
	case body := <-answers:
		t.Fatalf("answered %q before it was confirmed", body)
	case <-time.After(50 * time.Millisecond):
	}
	drain := point(t, p, "web", "1", only("a.pl/", backend(t, says("confirmed"))))
	if body := <-answers; body != "confirmed" {
		t.Errorf("a held request got %q", body)
	}
	if cut := drain(within(t), nil); cut != 0 {
		t.Errorf("cut %d", cut)
	}
}

func TestUnconfirmedRoutesServeWithinTheSameBootOnly(t *testing.T) {
	for boot, want := range map[string]int{"boot": http.StatusOK, "another": http.StatusServiceUnavailable} {
		file := routeFile(t)
		point(t, again(t, file, "boot", 0), "web", "1", only("a.pl/", backend(t, says("old"))))
		p := again(t, file, boot, time.Millisecond)
		run(t, p)
		if status, _ := get(t, p, "http://a.pl/"); status != want {
			t.Errorf("boot %q: %d, want %d", boot, status, want)
		}
	}
}

// TestPointingOneServiceVouchesForNoOther: the boot is remembered for each service.
func TestPointingOneServiceVouchesForNoOther(t *testing.T) {
	file, address := routeFile(t), backend(t, says("old"))
	point(t, again(t, file, "boot", 0), "web", "1", only("a.pl/", address))
	point(t, again(t, file, "another", 0), "api", "1", only("b.pl/", address))
	p := again(t, file, "another", time.Millisecond)
	run(t, p)
	for url, want := range map[string]int{"http://a.pl/": http.StatusServiceUnavailable, "http://b.pl/": http.StatusOK} {
		if status, _ := get(t, p, url); status != want {
			t.Errorf("%s: %d, want %d", url, status, want)
		}
	}
}

func TestATableThatCannotBeSavedDoesNotGoLive(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	p := start(t, proxy.Options{File: filepath.Join(directory, "routes.json")})
	point(t, p, "web", "1", only("a.pl/", backend(t, says("old"))))
	if err := os.RemoveAll(directory); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Point("web", "2", only("a.pl/", nobody(t))); err == nil {
		t.Error("no error")
	}
	if _, err := remove(p, "web"); err == nil {
		t.Error("no error")
	}
	if _, body := get(t, p, "http://a.pl/"); body != "old" || p.Live()["web"] != "1" {
		t.Errorf("answered %q, live %v", body, p.Live())
	}
}

// TestAReleaseThatMovedIsServedThoughItCannotBeSaved: a container is restarted while the disk is full. Mutants: record that
// always refuses; keepSaving that does nothing.
func TestAReleaseThatMovedIsServedThoughItCannotBeSaved(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(directory, "routes.json")
	p := start(t, proxy.Options{File: file, Timeouts: proxy.Timeouts{Save: time.Millisecond}})
	point(t, p, "web", "1", only("a.pl/", nobody(t)))
	if err := os.RemoveAll(directory); err != nil {
		t.Fatal(err)
	}
	moved := backend(t, says("moved"))
	point(t, p, "web", "1", only("a.pl/", moved))
	if _, body := get(t, p, "http://a.pl/"); body != "moved" {
		t.Errorf("answered %q", body)
	}
	if _, err := p.Point("web", "2", only("a.pl/", moved)); err == nil {
		t.Error("another release is live and not on disk")
	}
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	soon(t, "the address to be saved", func() bool {
		content, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(content), moved)
	})
}

// TestStoppingLosesNothing keeps asking while the proxy stops. A client may find that nobody listens any more; every
// request it could send has to be answered. The proxy lingers for longer than a busy machine keeps a client from asking.
func TestStoppingLosesNothing(t *testing.T) {
	p := prepare(t, proxy.Options{Timeouts: proxy.Timeouts{Linger: 3 * time.Second}})
	stop := run(t, p)
	point(t, p, "web", "1", only("a.pl/", backend(t, echo)))
	c := client(t, p)
	var answered atomic.Int64
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for n := 0; ; n++ {
				err := ask(c, i+n)
				if errors.Is(err, syscall.ECONNREFUSED) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				answered.Add(1)
			}
		})
	}
	soon(t, "requests", func() bool { return answered.Load() > 200 })
	stop()
	group.Wait()
}

func TestStoppingWaitsForRequestsAndThenCuts(t *testing.T) {
	for name, shutdown := range map[string]time.Duration{"waits": patience, "cuts": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			p := prepare(t, proxy.Options{Timeouts: proxy.Timeouts{Shutdown: shutdown}})
			stop := run(t, p)
			slow := newGate(t)
			point(t, p, "web", "1", map[string][]string{"a.pl/slow": {slow.address}, "a.pl/": {backend(t, webSockets(t))}})
			socket := connect(t, p)
			talk(t, socket, "hello")
			conn := dial(t, p)
			_, _ = io.WriteString(conn, "GET /slow HTTP/1.1\r\nHost: a.pl\r\n\r\n")
			<-slow.entered
			stopped := make(chan struct{})
			go func() { stop(); close(stopped) }()
			if name == "waits" {
				soon(t, "a closed listener", func() bool { return refuses(p) })
				close(slow.open)
			}
			answer, _ := io.ReadAll(conn)
			if complete := strings.HasSuffix(string(answer), "old"); complete != (name == "waits") {
				t.Errorf("got %q", answer)
			}
			<-stopped
			if _, _, err := socket.Read(within(t)); err == nil {
				t.Error("a WebSocket outlived the proxy")
			}
		})
	}
}

// TestAStopAsksClientsToConnectAnew also those whose answer has an interim one, which takes the fields along that are there before.
func TestAStopAsksClientsToConnectAnew(t *testing.T) {
	p := prepare(t, proxy.Options{Timeouts: proxy.Timeouts{Linger: 5 * time.Second}}) // a busy machine asks twice in that time, too
	stop := run(t, p)
	p.Settle()
	point(t, p, "web", "1", only("a.pl/", backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/early" {
			w.WriteHeader(http.StatusEarlyHints)
		}
		_, _ = io.WriteString(w, "answer")
	})))
	plain, early := keepAlive(t, p, "/"), keepAlive(t, p, "/early")
	if plain().Close || early().Close {
		t.Error("asked to leave before the stop")
	}
	over := make(chan struct{})
	go func() { defer close(over); stop() }()
	soon(t, "clients to be asked to connect anew", func() bool { return plain().Close })
	if !early().Close {
		t.Error("not asked after an interim answer")
	}
	<-over
}

// keepAlive asks for a path again and again on one connection, and returns the final answers.
func keepAlive(t *testing.T, p *proxy.Proxy, path string) (next func() *http.Response) {
	conn := dial(t, p)
	reader := bufio.NewReader(conn)
	return func() *http.Response {
		t.Helper()
		_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: a.pl\r\n\r\n")
		for {
			res, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			if read(t, res); res.StatusCode >= http.StatusOK {
				return res
			}
		}
	}
}

func refuses(p *proxy.Proxy) bool {
	conn, err := net.Dial("tcp", p.Addr().String())
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

func TestAListenerMayBeGiven(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	p := start(t, proxy.Options{Listener: server.Listener})
	if p.Addr().String() != server.Listener.Addr().String() {
		t.Errorf("listens on %s", p.Addr())
	}
	if status, _ := get(t, p, "http://a.pl/"); status != http.StatusNotFound {
		t.Errorf("answered %d", status)
	}
}
