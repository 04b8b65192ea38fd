package proxy_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"fisherman/proxy"
	"fisherman/proxy/proxytest"
)

// doors is a proxy with a public host and private ones.
type doors struct {
	*proxy.Proxy
	roots           *x509.CertPool
	staff, partners *proxytest.CA // who signs clients of staff.pl and partners.pl
	file            string        // staff's
}

func newDoors(t *testing.T) doors {
	t.Helper()
	servers := proxytest.NewCA(t, "servers")
	g := doors{roots: servers.Pool(), staff: proxytest.NewCA(t, "staff"), partners: proxytest.NewCA(t, "partners")}
	g.file = g.staff.File()
	g.Proxy = startTLS(t, proxy.Options{}, proxy.TLS{
		Routes: append(hosts("public.pl", "also.pl"),
			proxy.TLSRoute{Host: "staff.pl", Prefix: "/", ClientCA: g.file},
			proxy.TLSRoute{Host: "partners.pl", Prefix: "/", ClientCA: g.partners.File()}),
		Certificates: []proxy.KeyPair{pairFiles(t, servers.Server(nil, "public.pl", "also.pl", "staff.pl", "partners.pl", "127.0.0.1"))},
	})
	web := backend(t, says("reached"))
	point(t, g.Proxy, "web", "1", map[string][]string{"public.pl/": {web}, "also.pl/": {web}, "staff.pl/": {web}, "partners.pl/": {web}})
	return g
}

// config is of a client that makes connections for a name, and shows a certificate if there is one.
func (g doors) config(name string, shows ...tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: g.roots, ServerName: name, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if len(shows) > 0 {
			return &shows[0], nil // whatever the server asks for
		}
		return new(tls.Certificate), nil
	}}
}

// knock returns the status, 0 when the handshake was refused. In TLS 1.3 the client hears of that after its own part of it.
func knock(t *testing.T, c *http.Client, host string) int {
	t.Helper()
	res, err := c.Get("https://" + host + "/")
	if err == nil {
		_ = read(t, res)
		return res.StatusCode
	}
	for _, refusal := range []string{"remote error: tls:", "connection reset", "EOF", "broken pipe", "conn could not be established"} {
		if strings.Contains(err.Error(), refusal) {
			return 0
		}
	}
	t.Fatal(err)
	return 0
}

func TestClientCertificates(t *testing.T) {
	g := newDoors(t)
	staff, partner, stranger := g.staff.Client(nil), g.partners.Client(nil), proxytest.NewCA(t, "staff").Client(nil)
	for _, test := range []struct {
		what, name, host string
		shows            []tls.Certificate
		want             int
	}{
		{"public", "public.pl", "public.pl", nil, 200},
		{"public, another public host", "public.pl", "also.pl", nil, 200},
		{"staff", "staff.pl", "staff.pl", []tls.Certificate{staff}, 200},
		{"staff in capitals", "STAFF.pl", "Staff.PL", []tls.Certificate{staff}, 200},
		{"no certificate", "staff.pl", "staff.pl", nil, 0},
		{"another's certificate", "staff.pl", "staff.pl", []tls.Certificate{partner}, 0},
		{"one of a CA of the same name", "staff.pl", "staff.pl", []tls.Certificate{stranger}, 0},
		{"an expired one", "staff.pl", "staff.pl", []tls.Certificate{g.staff.Client(proxytest.Expired)}, 0},
		{"a server's", "staff.pl", "staff.pl", []tls.Certificate{g.staff.Server(nil, "staff.pl")}, 0},
		{"public name, private host", "public.pl", "staff.pl", nil, 421},
		{"public name, private host, a good certificate", "public.pl", "staff.pl", []tls.Certificate{staff}, 421},
		{"public name, private host with a dot", "public.pl", "staff.pl.", nil, 421},
		{"private name, public host", "staff.pl", "public.pl", []tls.Certificate{staff}, 421},
		{"private name, another private host", "staff.pl", "partners.pl", []tls.Certificate{staff}, 421},
	} {
		t.Run(test.what, func(t *testing.T) {
			bothVersions(t, func(t *testing.T, h2 bool) {
				for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
					config := g.config(test.name, test.shows...)
					config.MaxVersion = version
					if got := knock(t, clientTLS(t, g.Proxy, config, h2), test.host); got != test.want {
						t.Errorf("TLS %x: %d, want %d", version, got, test.want)
					}
				}
			})
		})
	}
	if status, _ := get(t, g.Proxy, "http://staff.pl/"); status != http.StatusPermanentRedirect {
		t.Errorf("over plain HTTP %d", status)
	}
}

// TestNoWordingOpensTheDoor asks for a private host in every way there is to say so, on connections that were made for a public
// one, or for none.
func TestNoWordingOpensTheDoor(t *testing.T) {
	g := newDoors(t)
	for _, name := range []string{"public.pl", ""} {
		config := g.config(name)
		config.InsecureSkipVerify = name == "" // a client that names nobody
		for what, test := range map[string]struct{ request, want string }{
			"plainly":                    {"GET / HTTP/1.1\r\nHost: staff.pl\r\n\r\n", "421"},
			"as HTTP/1.0":                {"GET / HTTP/1.0\r\nHost: staff.pl\r\n\r\n", "421"},
			"with a port":                {"GET / HTTP/1.1\r\nHost: staff.pl:443\r\n\r\n", "421"},
			"in capitals, with a dot":    {"GET / HTTP/1.1\r\nHost: STAFF.pl.:1\r\n\r\n", "421"},
			"in absolute-form":           {"GET https://staff.pl/ HTTP/1.1\r\nHost: staff.pl\r\n\r\n", "421"},
			"over HTTP, as it says":      {"GET http://staff.pl/ HTTP/1.1\r\nHost: staff.pl\r\nX-Forwarded-Proto: https\r\n\r\n", "421"},
			"in absolute-form only":      {"GET https://staff.pl/ HTTP/1.1\r\nHost: public.pl\r\n\r\n", "400"},
			"against its absolute-form":  {"GET https://public.pl/ HTTP/1.1\r\nHost: staff.pl\r\n\r\n", "400"},
			"second":                     {"GET / HTTP/1.1\r\nHost: public.pl\r\nHost: staff.pl\r\n\r\n", "400"},
			"escaped":                    {"GET / HTTP/1.1\r\nHost: staff%2epl\r\n\r\n", "400"},
			"by a proxy's word":          {"GET / HTTP/1.1\r\nHost: public.pl\r\nX-Forwarded-Host: staff.pl\r\nForwarded: host=staff.pl\r\n\r\n", "200"},
			"as a tunnel":                {"CONNECT staff.pl:443 HTTP/1.1\r\nHost: staff.pl:443\r\n\r\n", "405"},
			"for a WebSocket":            {"GET / HTTP/1.1\r\nHost: staff.pl\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", "421"},
			"for HTTP/2":                 {"GET / HTTP/1.1\r\nHost: staff.pl\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n", "421"},
			"behind a public request":    {"GET / HTTP/1.1\r\nHost: public.pl\r\n\r\nGET / HTTP/1.1\r\nHost: staff.pl\r\n\r\n", "200 421"},
			"for a file of ACME's":       {"GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: staff.pl\r\n\r\n", "421"},
			"for all that the server is": {"OPTIONS * HTTP/1.1\r\nHost: staff.pl\r\n\r\n", "400"},
		} {
			conn := dialTLS(t, g.Proxy, config)
			if _, err := io.WriteString(conn, test.request); err != nil {
				t.Fatal(err)
			}
			answers := bufio.NewReader(conn)
			for _, want := range strings.Fields(test.want) {
				res, err := http.ReadResponse(answers, nil)
				if err != nil || !strings.HasPrefix(res.Status, want) {
					t.Errorf("for %q, %s: %v, %v; want %s", name, what, res, err, want)
					break
				}
				_ = read(t, res)
			}
		}
	}
	for what, test := range map[string]struct {
		fields string
		want   int
	}{
		"its authority":              {":method GET :scheme https :authority staff.pl :path /", 421},
		"its authority, with a port": {":method GET :scheme https :authority STAFF.PL:443 :path /", 421},
		"a host field":               {":method GET :scheme https :authority public.pl :path / host staff.pl", 400},
		"a host field alone":         {":method GET :scheme https :path / host staff.pl", 421},
		"another scheme":             {":method GET :scheme http :authority staff.pl :path /", 421},
		"a user":                     {":method GET :scheme https :authority public.pl@staff.pl :path /", 400},
		"a tunnel":                   {":method CONNECT :authority staff.pl:443", 405},
	} {
		if status, err := askHTTP2(t, g.Proxy, g.config("public.pl"), strings.Fields(test.fields)); status != test.want && (err == nil || test.want == 421) {
			t.Errorf("over HTTP/2, %s: %d, %v; want %d", what, status, err, test.want)
		}
	}
}

// TestAConnectionIsReusedForPublicHostsOnly asks for a private host on a connection that has served a public one.
func TestAConnectionIsReusedForPublicHostsOnly(t *testing.T) {
	g := newDoors(t)
	bothVersions(t, func(t *testing.T, h2 bool) {
		config := g.config("public.pl", g.staff.Client(nil))
		conns := 0
		config.VerifyConnection = func(tls.ConnectionState) error { conns++; return nil }
		c := clientTLS(t, g.Proxy, config, h2)
		for _, step := range []struct {
			host string
			want int
		}{{"public.pl", 200}, {"staff.pl", 421}, {"also.pl", 200}, {"partners.pl", 421}, {"public.pl", 200}} {
			request, _ := http.NewRequest(http.MethodGet, "https://public.pl/", nil)
			request.Host = step.host
			res, err := c.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			if _ = read(t, res); res.StatusCode != step.want {
				t.Errorf("%s: %d, want %d", step.host, res.StatusCode, step.want)
			}
		}
		if conns != 1 {
			t.Errorf("%d connections", conns)
		}
	})
}

// TestASessionOpensNoOtherDoor resumes sessions of one host on another.
func TestASessionOpensNoOtherDoor(t *testing.T) {
	g := newDoors(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, from := range []string{"public.pl", "staff.pl", "partners.pl"} {
			sessions := &anySession{}
			with := func(name string, shows ...tls.Certificate) *http.Client {
				config := g.config(name, shows...)
				config.ClientSessionCache, config.MaxVersion = sessions, version
				return clientTLS(t, g.Proxy, config, false)
			}
			shows := map[string][]tls.Certificate{"staff.pl": {g.staff.Client(nil)}, "partners.pl": {g.partners.Client(nil)}}[from]
			if got := knock(t, with(from, shows...), from); got != 200 {
				t.Fatalf("%s: %d", from, got)
			}
			if held := sessions.is != nil; held != (from == "public.pl") {
				t.Errorf("TLS %x: a session of %s: %v", version, from, held)
			}
			for _, to := range []string{"staff.pl", "partners.pl"} {
				if got := knock(t, with(to), to); got != 0 {
					t.Errorf("TLS %x: a session of %s opens %s: %d", version, from, to, got)
				}
			}
		}
	}
}

// anySession offers the last session to whatever host.
type anySession struct{ is *tls.ClientSessionState }

func (s *anySession) Get(string) (*tls.ClientSessionState, bool) { return s.is, s.is != nil }
func (s *anySession) Put(_ string, is *tls.ClientSessionState)   { s.is = is }

// TestClientCAsAreReread shuts out those whom the new file does not know, on open connections, too.
func TestClientCAsAreReread(t *testing.T) {
	g := newDoors(t)
	bothVersions(t, func(t *testing.T, h2 bool) {
		before := clientTLS(t, g.Proxy, g.config("staff.pl", g.staff.Client(nil)), h2)
		if got := knock(t, before, "staff.pl"); got != 200 {
			t.Fatalf("at first %d", got)
		}
		next := proxytest.NewCA(t, "next")
		proxytest.WriteFile(t, g.file, proxytest.PEM("CERTIFICATE", next.Cert.Raw))
		after := g.config("staff.pl", next.Client(nil))
		soon(t, "the new file to count", func() bool { return knock(t, clientTLS(t, g.Proxy, after, h2), "staff.pl") == 200 })
		if got := knock(t, before, "staff.pl"); got != 421 {
			t.Errorf("on the connection from before: %d", got)
		}
		before.CloseIdleConnections()
		if got := knock(t, before, "staff.pl"); got != 0 {
			t.Errorf("on a new connection: %d", got)
		}
		proxytest.WriteFile(t, g.file, proxytest.PEM("CERTIFICATE", g.staff.Cert.Raw))
		soon(t, "the old file to be back", func() bool { return knock(t, before, "staff.pl") == 200 })
	})
}

// TestAFileOfClientCAsThatCannotBeUsedLetsNobodyIn, and one that breaks later keeps what it said.
func TestAFileOfClientCAsThatCannotBeUsedLetsNobodyIn(t *testing.T) {
	servers, staff := proxytest.NewCA(t, "servers"), proxytest.NewCA(t, "staff")
	file := staff.File()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	var notices told
	p := startTLS(t, proxy.Options{Notice: notices.take}, proxy.TLS{
		Routes:       append(hosts("public.pl"), proxy.TLSRoute{Host: "staff.pl", Prefix: "/", ClientCA: file}),
		Certificates: []proxy.KeyPair{pairFiles(t, servers.Server(nil, "public.pl", "staff.pl"))},
	})
	web := backend(t, says("reached"))
	point(t, p, "web", "1", map[string][]string{"public.pl/": {web}, "staff.pl/": {web}})
	g := doors{Proxy: p, roots: servers.Pool()}
	c := func(name string) *http.Client { return clientTLS(t, p, g.config(name, staff.Client(nil)), true) }
	if got := []int{knock(t, c("staff.pl"), "staff.pl"), knock(t, c("public.pl"), "staff.pl"), knock(t, c("public.pl"), "public.pl")}; got[0] != 0 || got[1] != 421 || got[2] != 200 {
		t.Errorf("without the file: %v", got)
	}
	if reasons := notices.of("client CAs " + file); len(reasons) != 1 {
		t.Errorf("told %q", reasons)
	}
	proxytest.WriteFile(t, file, proxytest.PEM("CERTIFICATE", staff.Cert.Raw))
	soon(t, "the file to be read", func() bool { return knock(t, c("staff.pl"), "staff.pl") == 200 })
	proxytest.WriteFile(t, file, []byte("broken"))
	soon(t, "the trouble to be told", func() bool { return len(notices.of("client CAs "+file)) == 3 })
	if got := knock(t, c("staff.pl"), "staff.pl"); got != 200 {
		t.Errorf("with the broken file: %d", got)
	}
}

// TestAHostThatBecomesPrivateIsPrivateOnOpenConnections, and one that is forgotten while it is served stays private.
func TestAHostThatBecomesPrivateIsPrivateOnOpenConnections(t *testing.T) {
	servers, staff := proxytest.NewCA(t, "servers"), proxytest.NewCA(t, "staff")
	pair := pairFiles(t, servers.Server(nil, "a.pl", "b.pl"))
	p := startTLS(t, proxy.Options{}, proxy.TLS{Routes: hosts("a.pl"), Certificates: []proxy.KeyPair{pair}})
	point(t, p, "web", "1", only("a.pl/", backend(t, says("reached"))))
	g := doors{Proxy: p, roots: servers.Pool()}
	c := clientTLS(t, p, g.config("a.pl", staff.Client(nil)), true)
	if got := knock(t, c, "a.pl"); got != 200 {
		t.Fatalf("at first %d", got)
	}
	private := []proxy.TLSRoute{{Host: "a.pl", Prefix: "/", ClientCA: staff.File()}}
	setTLS(t, p, proxy.TLS{Routes: private, Certificates: []proxy.KeyPair{pair}})
	if got := knock(t, c, "a.pl"); got != 421 {
		t.Errorf("on the open connection %d", got)
	}
	setTLS(t, p, proxy.TLS{Routes: hosts("b.pl"), Certificates: []proxy.KeyPair{pair}})
	if got := knock(t, clientTLS(t, p, g.config("a.pl"), true), "a.pl"); got != 0 {
		t.Errorf("once it is not wanted any more: %d", got)
	}
	if status, _ := get(t, p, "http://a.pl/"); status != http.StatusPermanentRedirect {
		t.Errorf("over plain HTTP %d", status)
	}
}

// TestAHeldRequestIsJudgedWhenItGoesOn makes a host private while requests that were in order wait for its service.
func TestAHeldRequestIsJudgedWhenItGoesOn(t *testing.T) {
	servers, staff := proxytest.NewCA(t, "servers"), proxytest.NewCA(t, "staff")
	pair, registry := pairFiles(t, servers.Server(nil, "a.pl")), prometheus.NewRegistry()
	p := startTLS(t, proxy.Options{Metrics: registry}, proxy.TLS{
		Routes: []proxy.TLSRoute{{Host: "a.pl", Prefix: "/", Mode: proxy.TLSOff}}, Certificates: []proxy.KeyPair{pair},
	})
	web := backend(t, says("reached"))
	point(t, p, "web", "1", only("a.pl/", web))
	p.Pause("web")
	answers := map[string]chan string{}
	g := doors{Proxy: p, roots: servers.Pool()}
	for what, ask := range map[string]*http.Client{
		"http": client(t, p), "https": clientTLS(t, p, g.config("a.pl"), false), "https of HTTP/2": clientTLS(t, p, g.config("a.pl"), true),
	} {
		scheme, _, _ := strings.Cut(what, " ")
		answer := make(chan string, 1)
		answers[what] = answer
		go func() {
			res, err := ask.Get(scheme + "://a.pl/")
			if err != nil {
				answer <- err.Error()
				return
			}
			answer <- res.Status
			_ = res.Body.Close()
		}()
	}
	held(t, registry, "web", 3)
	setTLS(t, p, proxy.TLS{Routes: []proxy.TLSRoute{{Host: "a.pl", Prefix: "/", ClientCA: staff.File()}}, Certificates: []proxy.KeyPair{pair}})
	point(t, p, "web", "2", only("a.pl/", web))
	for what, answer := range answers {
		if got := <-answer; !strings.HasPrefix(got, "421") {
			t.Errorf("%s: %s", what, got)
		}
	}
}

// TestALentRouteAsksForWhatItAskedFor as long as the service that had it serves it for the one whose it is by now, also after
// a restart; and not a moment longer.
func TestALentRouteAsksForWhatItAskedFor(t *testing.T) {
	servers, staff, partners := proxytest.NewCA(t, "servers"), proxytest.NewCA(t, "staff"), proxytest.NewCA(t, "partners")
	pair, old, web := []proxy.KeyPair{pairFiles(t, servers.Server(nil, "a.pl"))}, backend(t, says("old")), backend(t, says("new"))
	staffFile, partnersFile := staff.File(), partners.File()
	route := func(service, prefix, clientCA string) proxy.TLSRoute {
		return proxy.TLSRoute{Host: "a.pl", Prefix: prefix, Service: service, ClientCA: clientCA}
	}
	type answers [3]int // to nobody in particular, staff and partners
	ask := func(t *testing.T, p *proxy.Proxy, path string) (got answers) {
		t.Helper()
		g := doors{Proxy: p, roots: servers.Pool()}
		for i, shows := range [][]tls.Certificate{nil, {staff.Client(nil)}, {partners.Client(nil)}} {
			got[i] = knock(t, clientTLS(t, p, g.config("a.pl", shows...), i == 1), "a.pl"+path)
		}
		return got
	}
	for what, test := range map[string]struct {
		clientCA         string // of all routes, by now
		lent, own, after answers
	}{
		"to a public one":           {"", answers{0, 200, 0}, answers{0, 200, 0}, answers{200, 200, 200}},
		"to one for other clients":  {partnersFile, answers{0, 200, 421}, answers{0, 421, 200}, answers{0, 0, 200}},
		"to one for the same as it": {staffFile, answers{0, 200, 0}, answers{0, 200, 0}, answers{0, 200, 0}},
	} {
		t.Run(what, func(t *testing.T) {
			file := routeFile(t)
			now := proxy.TLS{Routes: []proxy.TLSRoute{route("new", "/", test.clientCA), route("old", "/own", test.clientCA)}, Certificates: pair}
			check := func(p *proxy.Proxy, when string) {
				t.Helper()
				if lent, own := ask(t, p, "/"), ask(t, p, "/own"); lent != test.lent || own != test.own {
					t.Errorf("%s: lent %v, want %v; own %v, want %v", when, lent, test.lent, own, test.own)
				}
				if status, _ := get(t, p, "http://a.pl/"); status != http.StatusPermanentRedirect {
					t.Errorf("%s, over plain HTTP: %d", when, status)
				}
			}
			p := startTLS(t, proxy.Options{File: file}, proxy.TLS{
				Routes: []proxy.TLSRoute{route("old", "/", staffFile), route("old", "/own", staffFile)}, Certificates: pair,
			})
			routes := map[string][]string{"a.pl/": {old}, "a.pl/own": {old}}
			point(t, p, "old", "1", routes)
			setTLS(t, p, now)
			check(p, "at first")
			point(t, p, "old", "2", routes)
			check(p, "with another release")
			p = startTLS(t, proxy.Options{File: file}, now)
			check(p, "after a restart")
			setTLS(t, p, now)
			check(p, "with the same again")
			point(t, p, "old", "2", only("a.pl/own", old))
			point(t, p, "new", "1", only("a.pl/", web))
			if got := ask(t, p, "/"); got != test.after {
				t.Errorf("after the switch: %v, want %v", got, test.after)
			}
			if got := ask(t, startTLS(t, proxy.Options{File: file}, now), "/"); got != test.after {
				t.Errorf("after the switch and a restart: %v, want %v", got, test.after)
			}
		})
	}
}

// TestWhatIsServedForNobodyAfterARestartStaysPrivate: the route file has a host that is configured no more.
func TestWhatIsServedForNobodyAfterARestartStaysPrivate(t *testing.T) {
	servers, staff := proxytest.NewCA(t, "servers"), proxytest.NewCA(t, "staff")
	pair, file := []proxy.KeyPair{pairFiles(t, servers.Server(nil, "a.pl"))}, routeFile(t)
	p := startTLS(t, proxy.Options{File: file}, proxy.TLS{Certificates: pair})
	point(t, p, "web", "1", only("a.pl/", backend(t, says("reached"))))
	setTLS(t, p, proxy.TLS{Routes: []proxy.TLSRoute{{Host: "a.pl", Prefix: "/", Service: "web", ClientCA: staff.File()}}, Certificates: pair})
	for _, certificates := range [][]proxy.KeyPair{pair, nil} {
		p = startTLS(t, proxy.Options{File: file}, proxy.TLS{Routes: hosts("b.pl"), Certificates: certificates})
		want := map[bool]int{true: http.StatusPermanentRedirect, false: http.StatusMisdirectedRequest}[certificates != nil]
		if status, _ := get(t, p, "http://a.pl/"); status != want {
			t.Errorf("over plain HTTP %d, want %d", status, want)
		}
	}
}
