package proxy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"fisherman/proxy"
)

func TestAnswersAreCountedByRelease(t *testing.T) {
	p := start(t, proxy.Options{Timeouts: proxy.Timeouts{Response: time.Second}})
	routes := map[string][]string{
		"a.pl/":     {backend(t, says("well"))},
		"a.pl/500":  {backend(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })},
		"a.pl/404":  {backend(t, http.NotFound)},
		"a.pl/none": {},
		"a.pl/gone": {nobody(t)},
		"a.pl/slow": {newGate(t).address},
		"a.pl/half": {wire(t, func(_ []string, conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart")
		})},
	}
	point(t, p, "web", "1", routes)
	expectAnswers := func(all, failed uint64) {
		t.Helper()
		soon(t, fmt.Sprintf("%d answers, %d failed", all, failed), func() bool {
			a, f := p.Answers("web")
			return a == all && f == failed
		})
	}
	for _, path := range []string{"/", "/404", "/500", "/none", "/gone", "/slow"} {
		get(t, p, "http://a.pl"+path)
	}
	expectAnswers(6, 4)
	raw(t, p, "GET /half HTTP/1.1\r\nHost: a.pl\r\n\r\n")
	expectAnswers(7, 5)
	routes["a.pl/"] = []string{backend(t, says("moved"))}
	point(t, p, "web", "1", routes)
	get(t, p, "http://a.pl/")
	expectAnswers(8, 5)
	point(t, p, "web", "2", routes)
	expectAnswers(0, 0)
	if all, failed := p.Answers("nobody"); all != 0 || failed != 0 {
		t.Errorf("nobody answered %d, %d", all, failed)
	}
}

// TestClientsThatLeaveAreNoFailures of the release.
func TestClientsThatLeaveAreNoFailures(t *testing.T) {
	p := start(t, proxy.Options{})
	endless := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<10)); err != nil {
				return
			}
		}
	}
	slow := newGate(t)
	point(t, p, "web", "1", map[string][]string{"a.pl/": {backend(t, endless)}, "a.pl/slow": {slow.address}})
	for _, path := range []string{"/", "/slow"} {
		conn := dial(t, p)
		_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: a.pl\r\n\r\n")
		soon(t, "the request", func() bool { return inFlight(p) == 1 })
		_ = conn.Close()
		soon(t, "its end", func() bool { return inFlight(p) == 0 })
	}
	if _, failed := p.Answers("web"); failed != 0 {
		t.Errorf("%d failed", failed)
	}
}
