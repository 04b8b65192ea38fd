package proxy_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fisherman/proxy"
)

// reborn is a proxy that remembers that a.pl is at an address, and has waited in vain for anybody to confirm it.
func reborn(t *testing.T, address string, o proxy.Options) (*proxy.Proxy, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewRegistry()
	boot := filepath.Join(t.TempDir(), "boot_id")
	if err := os.WriteFile(boot, []byte("boot"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.File, o.BootFile, o.Timeouts.Hold = routeFile(t), boot, time.Millisecond
	point(t, prepare(t, o), "web", "1", only("a.pl/", address))
	o.Metrics = registry
	p := prepare(t, o)
	run(t, p)
	return p, registry
}

// TestARememberedAddressWhereNobodyIsWaitsToBeConfirmed: fisherman was killed, the container ended, and the engine takes its
// time to say so.
func TestARememberedAddressWhereNobodyIsWaitsToBeConfirmed(t *testing.T) {
	p, registry := reborn(t, nobody(t), proxy.Options{})
	reader := async(t, p, "http://a.pl/")
	held(t, registry, "web", 1)
	expect(t, registry, "fisherman_proxy_requests_in_flight", `
		fisherman_proxy_requests_in_flight{service=""} 0
		fisherman_proxy_requests_in_flight{service="web"} 0`)
	written := make(chan string, 1)
	go func() {
		written <- raw(t, p, "POST / HTTP/1.1\r\nHost: a.pl\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
	}()
	held(t, registry, "web", 2)
	drain := p.Pause("web") // it does not run, the engine says
	if cut := drain(within(t), nil); cut != 0 {
		t.Errorf("cut %d that nobody had taken", cut)
	}
	p.Settle()
	held(t, registry, "web", 2)
	point(t, p, "web", "1", only("a.pl/", backend(t, echo)))
	if answer := <-reader; !strings.HasPrefix(answer, "200") {
		t.Errorf("a request that nobody had taken: %q", answer)
	}
	if answer := <-written; !strings.HasPrefix(answer, "HTTP/1.1 200") || !strings.Contains(answer, "hello") {
		t.Errorf("an upload that nobody had taken: %q", answer)
	}
	held(t, registry, "web", 0)
	expect(t, registry, "fisherman_proxy_requests_in_flight", `
		fisherman_proxy_requests_in_flight{service=""} 0
		fisherman_proxy_requests_in_flight{service="web"} 0`)
}

// TestTheWaitForConfirmationEnds: with the time for it, with the client, and with the news that the address is the right one.
func TestTheWaitForConfirmationEnds(t *testing.T) {
	t.Run("in time", func(t *testing.T) {
		p, _ := reborn(t, nobody(t), proxy.Options{Timeouts: proxy.Timeouts{Pause: 100 * time.Millisecond}})
		if status, body := get(t, p, "http://a.pl/"); status != http.StatusServiceUnavailable {
			t.Errorf("got %d %s", status, body)
		}
	})
	t.Run("confirmed", func(t *testing.T) {
		p, registry := reborn(t, nobody(t), proxy.Options{})
		answer := async(t, p, "http://a.pl/")
		held(t, registry, "web", 1)
		p.Settle()
		if got := <-answer; !strings.HasPrefix(got, "502") {
			t.Errorf("got %q", got)
		}
		held(t, registry, "web", 0)
	})
	t.Run("alone", func(t *testing.T) {
		p, registry := reborn(t, nobody(t), proxy.Options{})
		conn := dial(t, p)
		if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: a.pl\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		held(t, registry, "web", 1)
		_ = conn.Close()
		held(t, registry, "web", 0)
	})
}

// TestWhatNobodyTookGoesWhereTheServiceIsByNow: a replica ends, and the table knows its successor before the attempt to
// connect has failed.
func TestWhatNobodyTookGoesWhereTheServiceIsByNow(t *testing.T) {
	left, successor := backend(t, says("old")), backend(t, says("successor"))
	var p *proxy.Proxy
	p = start(t, proxy.Options{Owns: func(_, address string) bool {
		if address == left {
			point(t, p, "web", "1", only("a.pl/", successor))
		}
		return address != left
	}})
	point(t, p, "web", "1", only("a.pl/", left))
	if status, body := get(t, p, "http://a.pl/"); status != http.StatusOK || body != "successor" {
		t.Errorf("got %d %q", status, body)
	}
}
