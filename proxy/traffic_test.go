package proxy_test

import (
	"fmt"
	"net/http"
	"testing"

	"fisherman/proxy"
)

// TestTrafficIsCountedAcrossASwitch: what is in flight on the old release counts when it ends, once, and so does what the
// proxy answers itself.
func TestTrafficIsCountedAcrossASwitch(t *testing.T) {
	p := start(t, proxy.Options{})
	if unknown := p.Traffic("web"); unknown != (proxy.Traffic{}) {
		t.Errorf("an unknown service has %+v", unknown)
	}
	slow := newGate(t)
	point(t, p, "web", "1", map[string][]string{"a.pl/": {backend(t, says("old"))}, "a.pl/slow": {slow.address}})
	get(t, p, "http://a.pl/")
	answers := make(chan string, 1)
	go func() { _, body := get(t, p, "http://a.pl/slow"); answers <- body }()
	<-slow.entered
	failing := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	point(t, p, "web", "2", map[string][]string{"a.pl/": {backend(t, failing)}, "a.pl/none": {}})
	get(t, p, "http://a.pl/")
	get(t, p, "http://a.pl/none")
	expectTraffic(t, p, 3, 2)
	close(slow.open)
	<-answers
	expectTraffic(t, p, 4, 2)
}

func expectTraffic(t *testing.T, p *proxy.Proxy, all, failed uint64) {
	t.Helper()
	soon(t, fmt.Sprintf("traffic of %d, %d failed", all, failed), func() bool {
		now := p.Traffic("web")
		return now.All == all && now.Failed == failed && now.Over > 0
	})
}
