package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fisherman/proxy"
)

func TestAHoldIsBoundedInTimeAndNumber(t *testing.T) {
	registry := prometheus.NewRegistry()
	p := start(t, proxy.Options{Metrics: registry, MaxHeld: 2, Timeouts: proxy.Timeouts{Pause: 500 * time.Millisecond}})
	point(t, p, "web", "1", only("a.pl/", backend(t, says("old"))))
	p.Pause("web")
	first, second := async(t, p, "http://a.pl/"), async(t, p, "http://a.pl/")
	held(t, registry, "web", 2)
	res, err := client(t, p).Get("http://a.pl/")
	if err != nil {
		t.Fatal(err)
	}
	if read(t, res); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("one too many got %s, to be tried again after %q", res.Status, res.Header.Get("Retry-After"))
	}
	for _, answers := range []<-chan string{first, second} {
		if answer := <-answers; !strings.HasPrefix(answer, "503") {
			t.Errorf("too long: %q", answer)
		}
	}
	held(t, registry, "web", 0)
	if _, failed := p.Answers("web"); failed != 0 {
		t.Errorf("%d of the release's answers failed", failed)
	}
}

func TestAClientThatLeavesFreesItsPlace(t *testing.T) {
	registry := prometheus.NewRegistry()
	p := start(t, proxy.Options{Metrics: registry, MaxHeld: 1})
	point(t, p, "web", "1", only("a.pl/", backend(t, says("old"))))
	p.Pause("web")
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a.pl\r\nContent-Length: 5\r\n\r\nhello",
		"POST / HTTP/1.1\r\nHost: a.pl\r\nContent-Length: 5000000\r\n\r\nhello",
	} {
		conn := dial(t, p)
		_, _ = io.WriteString(conn, request)
		held(t, registry, "web", 1)
		_ = conn.Close()
		held(t, registry, "web", 0)
	}
	waiting := async(t, p, "http://a.pl/")
	held(t, registry, "web", 1)
	point(t, p, "web", "1", only("a.pl/", backend(t, says("again"))))
	if answer := <-waiting; answer != "200 again" {
		t.Errorf("held: %q", answer)
	}
}

// TestHeldUploadsAreNotRead: they stay where they are, and a client that asks first is not told to go on.
func TestHeldUploadsAreNotRead(t *testing.T) {
	registry := prometheus.NewRegistry()
	p := start(t, proxy.Options{Metrics: registry})
	point(t, p, "web", "1", only("a.pl/", backend(t, says("old"))))
	p.Pause("web")
	conn := dial(t, p)
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a.pl\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
	held(t, registry, "web", 1)
	_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Fatal("it was told something")
	}
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	point(t, p, "web", "1", only("a.pl/", backend(t, echo)))
	go func() { time.Sleep(20 * time.Millisecond); _, _ = io.WriteString(conn, "hello") }()
	if answer, err := io.ReadAll(conn); err != nil || !strings.Contains(string(answer), "100 Continue") || !strings.HasSuffix(string(answer), "hello") {
		t.Errorf("got %q, %v", answer, err)
	}
}
