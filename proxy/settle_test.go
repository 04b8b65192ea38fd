package proxy_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fisherman/proxy"
)

// TestWhatIsNotInTheTableWaitsUntilItIsSettled: the route file may be lost while the apps run.
func TestWhatIsNotInTheTableWaitsUntilItIsSettled(t *testing.T) {
	registry := prometheus.NewRegistry()
	own := proxy.Own{Host: "a.pl", Path: "/webhooks/github", Handler: says("own")}
	p := prepare(t, proxy.Options{Metrics: registry, Own: own, Timeouts: proxy.Timeouts{Hold: time.Hour}})
	run(t, p)
	if _, body := get(t, p, "http://a.pl/webhooks/github"); body != "own" {
		t.Errorf("our own path says %q", body)
	}
	known, path, unknown := async(t, p, "http://a.pl/"), async(t, p, "http://a.pl/api/x"), async(t, p, "http://b.pl/")
	held(t, registry, "", 3)
	point(t, p, "web", "1", only("a.pl/", backend(t, says("web"))))
	if answer := <-known; answer != "200 web" {
		t.Errorf("pointed to meanwhile: %q", answer)
	}
	if answer := <-path; answer != "200 web" {
		t.Errorf("pointed to meanwhile: %q", answer)
	}
	held(t, registry, "", 1)
	p.Settle()
	p.Settle()
	if answer := <-unknown; !strings.HasPrefix(answer, "404") {
		t.Errorf("unknown: %q", answer)
	}
	if status, _ := get(t, p, "http://b.pl/"); status != http.StatusNotFound {
		t.Errorf("afterwards: %d", status)
	}
}

func TestTheHoldEndsByItself(t *testing.T) {
	p := prepare(t, proxy.Options{Timeouts: proxy.Timeouts{Hold: 50 * time.Millisecond}})
	run(t, p)
	if status, _ := get(t, p, "http://b.pl/"); status != http.StatusNotFound {
		t.Errorf("got %d", status)
	}
}

// TestARouteFileThatWasSetAsideLeavesNothingUnknown: as long as nobody has looked what runs, what it named may. What waits
// for that is bounded, and what is remembered of a file that was lost in part waits no longer than ever.
func TestARouteFileThatWasSetAsideLeavesNothingUnknown(t *testing.T) {
	short, file := proxy.Timeouts{Hold: time.Millisecond, Pause: 100 * time.Millisecond}, routeFile(t)
	boot := filepath.Join(t.TempDir(), "boot_id")
	content := `{"version":1,"services":{"bad":{},"web":{"release":"1","boot":"boot","routes":{"a.pl/":["` + backend(t, says("web")) + `"]}}}}`
	if err := errors.Join(os.WriteFile(boot, []byte("boot"), 0o600), os.WriteFile(file, []byte(content), 0o600)); err != nil {
		t.Fatal(err)
	}
	p := prepare(t, proxy.Options{File: file, BootFile: boot, Timeouts: short})
	run(t, p)
	if status, body := get(t, p, "http://a.pl/"); status != http.StatusOK {
		t.Errorf("what could be read: %d %s", status, body)
	}
	if status, body := get(t, p, "http://b.pl/"); status != http.StatusServiceUnavailable {
		t.Errorf("what could not: %d %s", status, body)
	}
	p.Settle()
	if status, body := get(t, p, "http://b.pl/"); status != http.StatusNotFound {
		t.Errorf("what nothing runs of: %d %s", status, body)
	}
}

func TestStoppingRefusesWhatIsHeld(t *testing.T) {
	registry := prometheus.NewRegistry()
	p := prepare(t, proxy.Options{Metrics: registry, Timeouts: proxy.Timeouts{Hold: time.Hour}})
	stop := run(t, p)
	point(t, p, "web", "1", only("a.pl/", nobody(t)))
	p.Pause("web")
	paused, unknown := async(t, p, "http://a.pl/"), async(t, p, "http://b.pl/")
	held(t, registry, "web", 1)
	held(t, registry, "", 1)
	stop()
	for _, answers := range []<-chan string{paused, unknown} {
		if answer := <-answers; !strings.HasPrefix(answer, "503") {
			t.Errorf("held: %q", answer)
		}
	}
}

// TestWhatIsClaimedIsHeldAtOnce: who waits for a route meets none that leads nowhere.
func TestWhatIsClaimedIsHeldAtOnce(t *testing.T) {
	registry := prometheus.NewRegistry()
	p := prepare(t, proxy.Options{Metrics: registry, Timeouts: proxy.Timeouts{Hold: time.Hour}})
	run(t, p)
	for range 20 {
		early := async(t, p, "http://a.pl/")
		held(t, registry, "", 1)
		if err := p.Claim("web", "1", map[string][]string{"a.pl/": nil}); err != nil {
			t.Fatal(err)
		}
		late := async(t, p, "http://a.pl/")
		held(t, registry, "web", 2)
		point(t, p, "web", "1", only("a.pl/", backend(t, says("up"))))
		for _, answer := range []<-chan string{early, late} {
			if got := <-answer; got != "200 up" {
				t.Errorf("answered %q", got)
			}
		}
		if _, err := p.Reroute(map[string]map[string][]string{"web": nil}); err != nil {
			t.Fatal(err)
		}
	}
}
