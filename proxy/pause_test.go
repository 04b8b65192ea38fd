package proxy_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fisherman/proxy"
)

// async asks p and returns what will be the status and the body.
func async(t *testing.T, p *proxy.Proxy, url string) <-chan string {
	t.Helper()
	answers, c := make(chan string, 1), client(t, p)
	go func() {
		res, err := c.Get(url)
		if err != nil {
			answers <- err.Error()
			return
		}
		answers <- fmt.Sprint(res.StatusCode, " ", read(t, res))
	}()
	return answers
}

func held(t *testing.T, registry *prometheus.Registry, service string, want float64) {
	t.Helper()
	soon(t, fmt.Sprintf("%v held requests of %q", want, service), func() bool {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			if family.GetName() != "fisherman_proxy_requests_held" {
				continue
			}
			for _, metric := range family.GetMetric() {
				if metric.GetLabel()[0].GetValue() == service {
					return metric.GetGauge().GetValue() == want
				}
			}
		}
		return want == 0
	})
}

func TestAPauseIsAPauseAndNoError(t *testing.T) {
	registry := prometheus.NewRegistry()
	p := start(t, proxy.Options{Metrics: registry})
	old := newGate(t)
	point(t, p, "web", "1", only("a.pl/", old.address))
	point(t, p, "other", "1", only("b.pl/", backend(t, says("other"))))
	under := async(t, p, "http://a.pl/")
	<-old.entered
	drain := p.Pause("web")
	waiting := async(t, p, "http://a.pl/")
	held(t, registry, "web", 1)
	if live := p.Live()["web"]; live != "1" {
		t.Errorf("%q is live during the pause", live)
	}
	if _, body := get(t, p, "http://b.pl/"); body != "other" {
		t.Errorf("another service says %q", body)
	}
	close(old.open)
	if cut := drain(within(t), nil); cut != 0 {
		t.Errorf("cut %d", cut)
	}
	if answer := <-under; answer != "200 old" {
		t.Errorf("under way: %q", answer)
	}
	if p.Pause("web")(within(t), nil) != 0 || p.Pause("nobody")(within(t), nil) != 0 {
		t.Error("pausing what is paused or unknown cuts something")
	}
	held(t, registry, "web", 1)
	point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))
	if answer := <-waiting; answer != "200 new" {
		t.Errorf("held: %q", answer)
	}
	held(t, registry, "web", 0)
}

func TestAPauseEndsWithTheSameRelease(t *testing.T) {
	p := start(t, proxy.Options{})
	routes := only("a.pl/", backend(t, says("same")))
	point(t, p, "web", "1", routes)
	p.Pause("web")
	waiting := async(t, p, "http://a.pl/")
	if cut := point(t, p, "web", "1", routes)(over(), nil); cut != 0 {
		t.Errorf("cut %d", cut)
	}
	if answer := <-waiting; answer != "200 same" {
		t.Errorf("held: %q", answer)
	}
	if _, body := get(t, p, "http://a.pl/"); body != "same" {
		t.Errorf("afterwards: %q", body)
	}
}

// TestWhatOutlastsAPauseOfTheSameReleaseStaysInFlight: it is still drained by the switch.
func TestWhatOutlastsAPauseOfTheSameReleaseStaysInFlight(t *testing.T) {
	p := start(t, proxy.Options{})
	slow := newGate(t)
	point(t, p, "web", "1", only("a.pl/", slow.address))
	under := async(t, p, "http://a.pl/")
	<-slow.entered
	paused := make(chan int, 1)
	drain := p.Pause("web")
	go func() { paused <- drain(within(t), nil) }()
	point(t, p, "web", "1", only("a.pl/", slow.address))
	if cut := <-paused; cut != 0 {
		t.Errorf("a drain that is no longer wanted cut %d", cut)
	}
	drained := make(chan int, 1)
	drain = point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))
	go func() { drained <- drain(within(t), nil) }()
	close(slow.open)
	if answer := <-under; answer != "200 old" {
		t.Errorf("under way: %q", answer)
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("cut %d", cut)
	}
}

func TestRemovingAPausedServiceLetsGoOfItsRequests(t *testing.T) {
	registry := prometheus.NewRegistry()
	p := start(t, proxy.Options{Metrics: registry})
	point(t, p, "web", "1", only("a.pl/", nobody(t)))
	p.Pause("web")
	waiting := async(t, p, "http://a.pl/")
	held(t, registry, "web", 1)
	if _, err := remove(p, "web"); err != nil {
		t.Fatal(err)
	}
	if answer := <-waiting; !strings.HasPrefix(answer, "404") {
		t.Errorf("held: %q", answer)
	}
}

// TestWhatALostRouteFileHadIsHeldNotRefused, until one look at the containers is over. Mutant: detain that asks for a route.
func TestWhatALostRouteFileHadIsHeldNotRefused(t *testing.T) {
	for name, c := range map[string]struct {
		then func(*proxy.Proxy)
		want string
	}{
		"it is pointed to again": {func(p *proxy.Proxy) { point(t, p, "web", "1", only("a.pl/", backend(t, says("here")))) }, "200 here"},
		"there is nothing":       {(*proxy.Proxy).Settle, "404 "},
	} {
		t.Run(name, func(t *testing.T) {
			file, registry := routeFile(t), prometheus.NewRegistry()
			if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
				t.Fatal(err)
			}
			p := prepare(t, proxy.Options{File: file, Metrics: registry, Timeouts: proxy.Timeouts{Hold: time.Hour}})
			run(t, p)
			waiting := async(t, p, "http://a.pl/")
			held(t, registry, "", 1)
			c.then(p)
			if answer := <-waiting; !strings.HasPrefix(answer, c.want) {
				t.Errorf("held: %q, want %q", answer, c.want)
			}
		})
	}
}
