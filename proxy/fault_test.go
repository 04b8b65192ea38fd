package proxy_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rs/zerolog"

	"fisherman/proxy"
)

// nobody is an address that refuses connections.
func nobody(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func TestFaultsSayWhatIsWrongAndNothingInternal(t *testing.T) {
	p, hasty := start(t, proxy.Options{}), start(t, proxy.Options{Timeouts: proxy.Timeouts{Response: 50 * time.Millisecond}})
	slow := newGate(t)
	refused := nobody(t)
	point(t, hasty, "web-internal", "release-7", only("a.pl/slow", slow.address))
	point(t, p, "web-internal", "release-7", map[string][]string{
		"a.pl/none":    {},
		"a.pl/refused": {refused},
		"a.pl/reset":   {wire(t, func(_ []string, conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) })},
		"a.pl/closed":  {wire(t, func([]string, net.Conn) {})},
		"a.pl/zero":    {wire(t, func(_ []string, conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 000 None\r\n\r\n") })},
		"a.pl/low":     {wire(t, func(_ []string, conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 099 Low\r\n\r\n") })},
		"a.pl/noise":   {wire(t, func(_ []string, conn net.Conn) { _, _ = io.WriteString(conn, "noise\r\n\r\n") })},
	})
	for path, want := range map[string]string{
		"/none":    "503 Service Unavailable\nThe service is not running",
		"/refused": "502 Bad Gateway\nThe service could not be reached",
		"/slow":    "504 Gateway Timeout\nThe service did not answer in time",
		"/reset":   "502 Bad Gateway\n",
		"/closed":  "502 Bad Gateway\n",
		"/zero":    "502 Bad Gateway\n",
		"/low":     "502 Bad Gateway\n",
		"/noise":   "502 Bad Gateway\n",
		"/":        "404 Not Found\nNothing is served under this path",
	} {
		at := p
		if path == "/slow" { // on a busy machine 50 ms are short for the others, too
			at = hasty
		}
		status, body := get(t, at, "http://a.pl"+path)
		if !strings.HasPrefix(body, want) || !strings.HasPrefix(want, strconv.Itoa(status)) {
			t.Errorf("%s: %d %q, want %q", path, status, body, want)
		}
		for _, secret := range []string{refused, "127.0.0.1", "web-internal", "release-7", "dial"} {
			if strings.Contains(body, secret) {
				t.Errorf("%s: %q names %q", path, body, secret)
			}
		}
	}
	answer := raw(t, p, "GET /none HTTP/1.1\r\nHost: a.pl\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
	if !strings.Contains(answer, "text/html") || !strings.Contains(answer, "<h1>503 Service Unavailable</h1>") {
		t.Errorf("for a browser: %q", answer)
	}
}

func TestABrokenUploadIsTheClientsFault(t *testing.T) {
	p := start(t, proxy.Options{})
	point(t, p, "web", "1", only("a.pl/", backend(t, echo)))
	answer := raw(t, p, "POST / HTTP/1.1\r\nHost: a.pl\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n")
	if strings.HasPrefix(answer, "HTTP/1.1 5") || strings.HasSuffix(answer, "0\r\n\r\n") {
		t.Errorf("answered %q", answer)
	}
}

// lines collects log lines.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) find(t *testing.T, text string) (line map[string]any) {
	t.Helper()
	soon(t, "a log line with "+text, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for one := range strings.Lines(l.buf.String()) {
			if strings.Contains(one, text) {
				return json.Unmarshal([]byte(one), &line) == nil
			}
		}
		return false
	})
	return line
}

func TestEveryRequestIsLoggedAndCounted(t *testing.T) {
	log, registry := &lines{}, prometheus.NewRegistry()
	p := start(t, proxy.Options{Log: zerolog.New(log), Metrics: registry})
	address, slow := backend(t, says("hello")), newGate(t)
	point(t, p, "web", "1", map[string][]string{"a.pl/": {address}, "a.pl/slow": {slow.address}})
	get(t, p, "http://a.pl/x?secret=1")
	get(t, p, "http://b.pl/y")
	conn := dial(t, p)
	_, _ = io.WriteString(conn, "GET /slow HTTP/1.1\r\nHost: a.pl\r\n\r\n")
	<-slow.entered
	expect(t, registry, "fisherman_proxy_requests_in_flight", `
		fisherman_proxy_requests_in_flight{service=""} 0
		fisherman_proxy_requests_in_flight{service="web"} 1`)
	_ = conn.Close()
	for _, c := range []struct {
		path, service, backend string
		status, bytes          float64
	}{{"/x", "web", address, 200, 5}, {"/y", "", "", 404, 54}, {"/slow", "web", slow.address, 499, 0}} {
		line := log.find(t, `"`+c.path+`"`)
		if line["method"] != "GET" || text(line["service"]) != c.service || text(line["backend"]) != c.backend ||
			line["status"] != c.status || line["bytes"] != c.bytes || line["duration"] == nil || line["level"] != "info" {
			t.Errorf("%s: logged %v", c.path, line)
		}
	}
	log.mu.Lock()
	if strings.Contains(log.buf.String(), "secret") {
		t.Error("the log has a query")
	}
	log.mu.Unlock()
	expect(t, registry, "fisherman_proxy_requests_total", totals("", 0, 1)+totals("web", 1, 1))
	if _, err := remove(p, "web"); err != nil {
		t.Fatal(err)
	}
	expect(t, registry, "fisherman_proxy_requests_total", totals("", 0, 1))
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func totals(service string, twos, fours int) string {
	counts := [...]int{1: 0, 2: twos, 3: 0, 4: fours, 5: 0}
	out := ""
	for class := 1; class <= 5; class++ {
		out += "\nfisherman_proxy_requests_total{class=\"" + string(rune('0'+class)) + "xx\",service=\"" + service + "\"} " +
			string(rune('0'+counts[class]))
	}
	return out
}

func expect(t *testing.T, registry *prometheus.Registry, name, want string) {
	t.Helper()
	all := "\n" + strings.TrimSpace(strings.ReplaceAll(want, "\t", "")) + "\n"
	var last error
	soon(t, name, func() bool {
		last = testutil.GatherAndCompare(registry, strings.NewReader(withHelp(t, registry, name)+all), name)
		return last == nil
	})
}

// withHelp is the preamble of a metric as the registry has it, so that tests compare values only.
func withHelp(t *testing.T, registry *prometheus.Registry, name string) string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return "# HELP " + name + " " + family.GetHelp() + "\n# TYPE " + name + " " + strings.ToLower(family.GetType().String())
		}
	}
	return ""
}
