package proxy_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"fisherman/proxy"
)

// TestPointsPausesAndRequestsDoNotMeet keeps asking while the service is paused, moved and replaced. No request may
// fail, and none may reach a release after its drain.
func TestPointsPausesAndRequestsDoNotMeet(t *testing.T) {
	const clients, rounds = 16, 60
	p := start(t, proxy.Options{})
	var closed [rounds + 1]atomic.Bool
	app := func(release int) string {
		return backend(t, func(w http.ResponseWriter, r *http.Request) {
			if closed[release].Load() {
				t.Errorf("release %d got a request after its drain", release)
			}
			echo(w, r)
		})
	}
	address := app(0)
	point(t, p, "web", "0", only("a.pl/", address))
	stop, answered := hammer(t, p, clients)
	for n := 1; n <= rounds; n++ {
		before := answered.Load()
		soon(t, "requests", func() bool { return answered.Load() > before+clients })
		release := fmt.Sprint(n - 1)
		switch n % 3 {
		case 0:
			if cut := p.Pause("web")(within(t), nil); cut != 0 {
				t.Errorf("the pause cut %d", cut)
			}
		case 1:
			point(t, p, "web", release, only("a.pl/", address)) // again
			p.Pause("web")
			point(t, p, "web", release, only("a.pl/", address))
		}
		address = app(n)
		if cut := point(t, p, "web", fmt.Sprint(n), only("a.pl/", address))(within(t), nil); cut != 0 {
			t.Errorf("switch %d cut %d", n, cut)
		}
		closed[n-1].Store(true)
	}
	stop()
	if n := inFlight(p); n != 0 {
		t.Errorf("%d requests in flight in the end", n)
	}
	if all, failed := p.Answers("web"); all == 0 || failed != 0 {
		t.Errorf("the last release answered %d, %d of them badly", all, failed)
	}
}

// TestManyChangersAtOnce has everything happen at the same time; the race detector watches.
func TestManyChangersAtOnce(t *testing.T) {
	p := start(t, proxy.Options{})
	address := backend(t, echo)
	point(t, p, "web", "1", only("a.pl/", address))
	stop, answered := hammer(t, p, 8)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for n := range 50 {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				drain, err := p.Point("web", fmt.Sprint((i+n)%3), only("a.pl/", address))
				if err != nil {
					t.Error(err)
				}
				drain(ctx, nil)
				if i == 0 && n%2 == 0 {
					p.Pause("web")
				}
				p.Routes()
				p.Live()
				p.Answers("web")
				cancel()
			}
		})
	}
	group.Wait()
	point(t, p, "web", "last", only("a.pl/", address))
	before := answered.Load()
	soon(t, "requests at the end", func() bool { return answered.Load() > before+100 })
	stop()
}
