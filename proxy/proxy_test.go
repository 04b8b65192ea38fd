package proxy_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fisherman/proxy"
)

// patience bounds every wait of a test; nothing is expected to take that long.
const patience = 10 * time.Second

func TestMain(m *testing.M) {
	if asProxy() {
		return
	}
	// certmagic has one for each CA, for ever.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).loop"))
}

// start runs a proxy until the test ends, its routes settled from the start.
func start(t testing.TB, options proxy.Options) *proxy.Proxy {
	t.Helper()
	p := prepare(t, options)
	run(t, p)
	p.Settle()
	return p
}

func prepare(t testing.TB, options proxy.Options) *proxy.Proxy {
	t.Helper()
	options.Listen = "127.0.0.1:0"
	if options.File == "" {
		options.File = filepath.Join(t.TempDir(), "routes.json")
	}
	if options.Timeouts.Linger == 0 {
		options.Timeouts.Linger = time.Millisecond
	}
	p, err := proxy.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run serves until the test ends or the returned stop is called.
func run(t testing.TB, p *proxy.Proxy) (stop func()) {
	t.Helper()
	if err := p.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// backend serves an app and returns its address.
func backend(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// says answers with a word, and with the request's path.
func says(word string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, word) }
}

func point(t testing.TB, p *proxy.Proxy, service, release string, routes map[string][]string) func(context.Context, func(int)) int {
	t.Helper()
	drain, err := p.Point(service, release, routes)
	if err != nil {
		t.Fatal(err)
	}
	return drain
}

// remove takes a service out of the table.
func remove(p *proxy.Proxy, service string) (drain func(context.Context, func(int)) int, err error) {
	drains, err := p.Reroute(map[string]map[string][]string{service: nil})
	return drains[service], err
}

// only is the routes of a service with one route and one backend.
func only(key, address string) map[string][]string { return map[string][]string{key: {address}} }

// client is an HTTP client of the test's own, which always speaks to p, whatever the URL's host.
func client(t testing.TB, p *proxy.Proxy) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, p.Addr().String())
		},
		MaxIdleConnsPerHost: 100,
		DisableCompression:  true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get asks p and returns status and body.
func get(t testing.TB, p *proxy.Proxy, url string) (int, string) {
	t.Helper()
	res, err := client(t, p).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, read(t, res)
}

func read(t testing.TB, res *http.Response) string {
	t.Helper()
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// raw sends bytes as they are and returns everything that comes back until the connection ends.
func raw(t testing.TB, p *proxy.Proxy, request string) string {
	t.Helper()
	conn := dial(t, p)
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil && len(answer) == 0 && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
	return string(answer)
}

func dial(t testing.TB, p *proxy.Proxy) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", p.Addr().String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// soon waits for a condition.
func soon(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// inFlight is what the live table says about all backends together.
func inFlight(p *proxy.Proxy) (n int64) {
	for _, route := range p.Routes() {
		for _, backend := range route.Backends {
			n += backend.InFlight
		}
	}
	return n
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// over is a context that has ended.
func over() context.Context {
	ctx, cancel := context.WithDeadline(context.Background(), time.Now())
	cancel()
	return ctx
}
