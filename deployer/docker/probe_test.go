package docker

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fisherman/deployer"
)

func TestProbesLookLikeTheOutside(t *testing.T) {
	seen := make(chan *http.Request, 1)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r }))
	defer app.Close()
	where, _ := url.Parse(app.URL)
	port, _ := strconv.Atoi(where.Port())
	for _, c := range []struct {
		routes      []deployer.Route
		host, proto string
	}{
		{nil, where.Host, ""},
		{[]deployer.Route{{Host: "a.pl"}, {Host: "b.pl", TLS: deployer.TLSOff}}, "a.pl", "https"},
		{[]deployer.Route{{Host: "b.pl", TLS: deployer.TLSOff}}, "b.pl", ""},
	} {
		probe := probeHTTP(deployer.Service{Routes: c.routes, Health: deployer.Health{Path: "/up?x=1", Port: port}})
		if err := probe(t.Context(), target{address: where.Hostname()}); err != nil {
			t.Fatal(err)
		}
		r := <-seen
		if r.Host != c.host || r.Header.Get("X-Forwarded-Proto") != c.proto || r.RequestURI != "/up?x=1" || r.Method != http.MethodGet {
			t.Errorf("asked %s %s of %s with X-Forwarded-Proto %q; want GET /up?x=1 of %s with %q",
				r.Method, r.RequestURI, r.Host, r.Header.Get("X-Forwarded-Proto"), c.host, c.proto)
		}
	}
}

func TestProbingStartsFastAndBacksOff(t *testing.T) {
	const well, ill = true, false
	for name, c := range map[string]struct {
		answers []bool // the last one repeats
		wanted  int
		at      []time.Duration // of the first probes, since the start
		healthy bool
	}{
		"well at once": {[]bool{well}, 2, []time.Duration{0, ms(25)}, true},
		"well later":   {[]bool{ill, ill, ill, well}, 2, []time.Duration{0, ms(25), ms(55), ms(91), ms(116)}, true},
		"a streak that breaks begins anew": {
			[]bool{well, ill, well}, 2, []time.Duration{0, ms(25), ms(55), ms(80)}, true,
		},
		"never well": {[]bool{ill}, 1, []time.Duration{0, ms(25), ms(55), ms(91)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var at []time.Duration
				begun := time.Now()
				k := check{first: ms(25), most: time.Second, limit: time.Second, wanted: c.wanted, ask: func(context.Context, target) error {
					at = append(at, time.Since(begun))
					if c.answers[min(len(at), len(c.answers))-1] {
						return nil
					}
					return errors.New("ill")
				}}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := k.until(ctx, target{}, func(int, error) {}); (err == nil) != c.healthy {
					t.Errorf("ended with %v, want healthy: %v", err, c.healthy)
				}
				for i, want := range c.at {
					if i >= len(at) || (at[i]-want).Abs() > time.Millisecond {
						t.Fatalf("probed at %v, want %v", at[:min(len(at), 8)], c.at)
					}
				}
				if last := len(at) - 1; !c.healthy && at[last]-at[last-1] != time.Second {
					t.Errorf("in the end it probed every %s, want every second", at[last]-at[last-1])
				}
			})
		})
	}
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func TestAnUnansweredProbeKeepsWhatWasKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		k := check{first: ms(25), most: time.Second, limit: time.Minute, wanted: 1, ask: func(ctx context.Context, _ target) error {
			if asked++; asked == 1 {
				return errors.New("it answers 503")
			}
			<-ctx.Done()
			return ctx.Err()
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := k.until(ctx, target{}, func(int, error) {}); err == nil || err.Error() != "it answers 503" {
			t.Errorf("ended with %v, want the last answer", err)
		}
	})
}

func TestAStuckEngineIsUnavailable(t *testing.T) {
	e, err := New(Options{Host: "unix:///nowhere"})
	if err != nil {
		t.Fatal(err)
	}
	e.agreed.Store(true) // there is nobody to agree with on a version
	stuck := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	err = e.askWithin(t.Context(), time.Millisecond, "inspect container web", stuck)
	if !errors.Is(err, deployer.ErrUnavailable) || !strings.Contains(err.Error(), "inspect container web: Docker did not answer within 1ms") {
		t.Errorf("asked with %v, want unavailable and the call's name", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.ask(ctx, "inspect container web", stuck); !errors.Is(err, context.Canceled) || errors.Is(err, deployer.ErrUnavailable) {
		t.Errorf("asked with %v, want context.Canceled", err)
	}
}

// TestProbesReadWhatAppsAnswer: only a final 2xx is well, whatever comes before and after it.
func TestProbesReadWhatAppsAnswer(t *testing.T) {
	for answer, want := range map[string]string{
		"HTTP/1.1 204 No Content\r\n\r\n":                                           "",
		"HTTP/1.0 200 OK\r\n\r\nuntil the end":                                      "",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n": "",
		"HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 2*probeMost):                "",
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n":     "",
		"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 Service Unavailable\r\n\r\n":  "it answers 503",
		"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n":       "it redirects (302) to /login",
		"SSH-2.0-OpenSSH_9.2\r\n":                                                   "it answers no HTTP",
		"":                                                                          "it answers no HTTP",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*probeMost):                 "it answers no HTTP",
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if conn, err := l.Accept(); err == nil {
				_, _ = http.ReadRequest(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, answer)
				_ = conn.Close()
			}
		}()
		probe := probeHTTP(deployer.Service{Health: deployer.Health{Path: "/", Port: l.Addr().(*net.TCPAddr).Port}})
		err = probe(t.Context(), target{address: "127.0.0.1"})
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want)) {
			t.Errorf("%.60q: got %v, want %q", answer, err, want)
		}
		_ = l.Close()
	}
}

// TestAProbeOfASilentAppEndsInTime and leaves nothing behind.
func TestAProbeOfASilentAppEndsInTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	probe := probeHTTP(deployer.Service{Health: deployer.Health{Path: "/", Port: l.Addr().(*net.TCPAddr).Port}})
	k := check{limit: 50 * time.Millisecond, ask: probe}
	if err := k.once(t.Context(), target{address: "127.0.0.1"}); err == nil || err.Error() != "no answer within 50ms" {
		t.Errorf("got %v", err)
	}
}
