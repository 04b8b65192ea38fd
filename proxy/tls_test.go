package proxy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"fisherman/proxy"
	"fisherman/proxy/proxytest"
)

// startTLS runs a proxy with TLS until the test ends.
func startTLS(t testing.TB, options proxy.Options, set proxy.TLS) *proxy.Proxy {
	t.Helper()
	options.ListenTLS = "127.0.0.1:0"
	if options.Timeouts.Reread == 0 {
		options.Timeouts.Reread = 5 * time.Millisecond
	}
	p := prepare(t, options)
	setTLS(t, p, set)
	run(t, p)
	p.Settle()
	return p
}

func setTLS(t testing.TB, p *proxy.Proxy, set proxy.TLS) {
	t.Helper()
	if err := p.SetTLS(set); err != nil {
		t.Fatal(err)
	}
}

// hosts are TLS routes for all paths of hosts.
func hosts(names ...string) (routes []proxy.TLSRoute) {
	for _, name := range names {
		routes = append(routes, proxy.TLSRoute{Host: name, Prefix: "/"})
	}
	return routes
}

// clientTLS speaks HTTPS to p, whatever the URL's host. The config's server name, if any, is what the handshake is for.
func clientTLS(t testing.TB, p *proxy.Proxy, config *tls.Config, h2 bool) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, p.AddrTLS().String())
		},
		TLSClientConfig: config.Clone(), MaxIdleConnsPerHost: 100, DisableCompression: true, Protocols: new(http.Protocols),
	}
	transport.Protocols.SetHTTP1(!h2)
	transport.Protocols.SetHTTP2(h2)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bothVersions runs a test over HTTP/1.1 and HTTP/2.
func bothVersions(t *testing.T, test func(t *testing.T, h2 bool)) {
	t.Run("HTTP/1.1", func(t *testing.T) { test(t, false) })
	t.Run("HTTP/2", func(t *testing.T) { test(t, true) })
}

func fetch(t testing.TB, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return res, read(t, res)
}

// dialTLS is a connection to p on which the test speaks itself.
func dialTLS(t testing.TB, p *proxy.Proxy, config *tls.Config) *tls.Conn {
	t.Helper()
	dialer := &net.Dialer{Timeout: patience}
	conn, err := tls.DialWithDialer(dialer, "tcp", p.AddrTLS().String(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

func TestHostsAreServedOverHTTPSBySNI(t *testing.T) {
	c := proxytest.NewCA(t, "test")
	p := startTLS(t, proxy.Options{}, proxy.TLS{
		Routes: hosts("a.pl", "b.pl", "deep.wild.pl"),
		Certificates: []proxy.KeyPair{
			pairFiles(t, c.Server(nil, "a.pl")), pairFiles(t, c.Server(nil, "b.pl")), pairFiles(t, c.Server(nil, "*.wild.pl")),
		},
	})
	point(t, p, "web", "1", map[string][]string{
		"a.pl/": {backend(t, echoForwarded)}, "b.pl/": {backend(t, echoForwarded)}, "deep.wild.pl/": {backend(t, echoForwarded)},
	})
	bothVersions(t, func(t *testing.T, h2 bool) {
		for host, name := range map[string]string{"a.pl": "a.pl", "B.PL": "b.pl", "deep.wild.pl": "*.wild.pl"} {
			res, body := fetch(t, clientTLS(t, p, &tls.Config{RootCAs: c.Pool()}, h2), "https://"+host+"/x?y=%zz")
			if res.StatusCode != http.StatusOK || !strings.EqualFold(body, "https "+host+" /x?y=%zz") || res.ProtoMajor == 2 != h2 {
				t.Errorf("%s: %s %q", res.Proto, res.Status, body)
			}
			if got := res.TLS.PeerCertificates[0].DNSNames[0]; got != name || res.TLS.Version != tls.VersionTLS13 {
				t.Errorf("%s: certificate of %s, version %x", host, got, res.TLS.Version)
			}
		}
	})
}

func echoForwarded(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, r.Header.Get("X-Forwarded-Proto")+" "+r.Header.Get("X-Forwarded-Host")+" "+r.RequestURI)
}

func TestHandshakesThatAreRefused(t *testing.T) {
	c := proxytest.NewCA(t, "test")
	p := startTLS(t, proxy.Options{}, proxy.TLS{
		Routes: hosts("a.pl", "bare.pl"), Certificates: []proxy.KeyPair{pairFiles(t, c.Server(nil, "a.pl"))},
	})
	for name, config := range map[string]*tls.Config{
		"TLS 1.1":             {ServerName: "a.pl", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"CBC":                 {ServerName: "a.pl", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}},
		"no forward secrecy":  {ServerName: "a.pl", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}},
		"an unknown name":     {ServerName: "c.pl"},
		"no certificate":      {ServerName: "bare.pl"},
		"an unknown protocol": {ServerName: "a.pl", NextProtos: []string{"spdy/1"}},
	} {
		t.Run(name, func(t *testing.T) {
			config.RootCAs = c.Pool()
			conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", p.AddrTLS().String(), config)
			if err == nil || !strings.Contains(err.Error(), "remote error: tls:") {
				t.Errorf("%v, %v", conn, err)
			}
		})
	}
}

func TestPlainHTTPOnTheHTTPSPortIsToldSo(t *testing.T) {
	c := proxytest.NewCA(t, "test")
	p := startTLS(t, proxy.Options{}, proxy.TLS{Routes: hosts("a.pl"), Certificates: []proxy.KeyPair{pairFiles(t, c.Server(nil, "a.pl"))}})
	conn, err := net.Dial("tcp", p.AddrTLS().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a.pl\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusBadRequest || !strings.Contains(read(t, res), "HTTPS") {
		t.Errorf("%v, %v", res, err)
	}
}

func TestFramingIsCheckedUnderTLS(t *testing.T) {
	c := proxytest.NewCA(t, "test")
	p := startTLS(t, proxy.Options{}, proxy.TLS{Routes: hosts("a.pl"), Certificates: []proxy.KeyPair{pairFiles(t, c.Server(nil, "a.pl"))}})
	point(t, p, "web", "1", only("a.pl/", backend(t, says("reached"))))
	const smuggling = "POST / HTTP/1.1\r\nHost: a.pl\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	const h2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	for name, test := range map[string]struct{ protocol, sent string }{
		"length and chunked":            {"http/1.1", smuggling},
		"the same without ALPN":         {"", smuggling},
		"the same under the name of h2": {"h2", smuggling},
		"the same after half a preface": {"h2", h2[:16] + smuggling},
		"HTTP/2 under the name of 1.1":  {"http/1.1", h2},
		"HTTP/2 without ALPN":           {"", h2},
		"HTTP/1.1 under the name of h2": {"h2", "GET / HTTP/1.1\r\nHost: a.pl\r\nConnection: close\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			config := &tls.Config{RootCAs: c.Pool(), ServerName: "a.pl"}
			if test.protocol != "" {
				config.NextProtos = []string{test.protocol}
			}
			conn := dialTLS(t, p, config)
			_, _ = io.WriteString(conn, test.sent)
			answer, _ := io.ReadAll(conn)
			if len(answer) > 0 && !strings.HasPrefix(string(answer), "HTTP/1.1 4") && !strings.HasPrefix(string(answer), "HTTP/1.1 5") {
				t.Errorf("answered %q", answer)
			}
		})
	}
}

func TestPlainHTTPIsRedirected(t *testing.T) {
	c := proxytest.NewCA(t, "test")
	routes := append(hosts("a.pl", "hook.pl", "bare.pl"),
		proxy.TLSRoute{Host: "a.pl", Prefix: "/plain", Mode: proxy.TLSOff}, proxy.TLSRoute{Host: "off.pl", Prefix: "/", Mode: proxy.TLSOff})
	p := startTLS(t, proxy.Options{
		Own: proxy.Own{Host: "hook.pl", Path: "/webhooks/github", Handler: says("own")},
	}, proxy.TLS{Routes: routes, Certificates: []proxy.KeyPair{pairFiles(t, c.Server(nil, "a.pl"))}})
	web := backend(t, says("reached"))
	point(t, p, "web", "1", map[string][]string{"a.pl/": {web}, "hook.pl/": {web}, "off.pl/": {web}, "other.pl/": {web}})
	_, port, _ := net.SplitHostPort(p.AddrTLS().String())
	for request, want := range map[string]string{
		"GET / a.pl":                         "https://a.pl:PORT/",
		"GET /x%2Fy;z//?q=%zz&a+b=/../ a.pl": "https://a.pl:PORT/x%2Fy;z//?q=%zz&a+b=/../",
		"POST /? A.PL:80":                    "https://a.pl:PORT/?",
		"DELETE //evil.pl/ a.pl.":            "https://a.pl:PORT//evil.pl/",
		"GET http://a.pl/x?y a.pl":           "https://a.pl:PORT/x?y",
		"GET http://a.pl?y a.pl":             "https://a.pl:PORT/?y",
		"GET /webhooks/github hook.pl":       "own",
		"POST /webhooks/github hook.pl":      "own",
		"GET /webhooks/github/ hook.pl":      "https://hook.pl:PORT/webhooks/github/",
		"GET /plain/x a.pl":                  "reached",
		"GET /plain/../x a.pl":               "https://a.pl:PORT/plain/../x",
		"GET /plain%2F..%2Fx a.pl":           "https://a.pl:PORT/plain%2F..%2Fx",
		"GET /plainer a.pl":                  "https://a.pl:PORT/plainer",
		"GET / off.pl":                       "reached",
		"GET / other.pl":                     "reached",
		"GET / unknown.pl":                   "404",
		"GET / bare.pl":                      "https://bare.pl:PORT/",
	} {
		parts := strings.Split(request, " ")
		answer := raw(t, p, parts[0]+" "+parts[1]+" HTTP/1.1\r\nHost: "+parts[2]+"\r\nConnection: close\r\n\r\n")
		status, location := "HTTP/1.1 200", ""
		if strings.HasPrefix(want, "https:") {
			status, location = "HTTP/1.1 308", "\r\nLocation: "+strings.Replace(want, "PORT", port, 1)+"\r\n"
		}
		if want == "404" {
			status = "HTTP/1.1 404"
		}
		if !strings.HasPrefix(answer, status) || !strings.Contains(answer, location) || location == "" && strings.Contains(answer, "Location") {
			t.Errorf("%s: answered %q, want %s", request, answer, want)
		}
	}
}

func TestATrustedProxyThatTerminatesTLSIsNotRedirected(t *testing.T) {
	c := proxytest.NewCA(t, "test")
	set := proxy.TLS{
		Routes:       append(hosts("a.pl"), proxy.TLSRoute{Host: "in.pl", Prefix: "/", ClientCA: c.File()}),
		Certificates: []proxy.KeyPair{pairFiles(t, c.Server(nil, "a.pl", "in.pl"))},
	}
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	p, web := startTLS(t, proxy.Options{TrustedProxies: loopback}, set), backend(t, says("reached"))
	point(t, p, "web", "1", map[string][]string{"a.pl/": {web}, "in.pl/": {web}})
	for _, trusted := range []bool{true, false, true} {
		if p.SetTrustedProxies(nil); trusted {
			p.SetTrustedProxies(loopback)
		}
		for host, want := range map[string]int{"a.pl": http.StatusOK, "in.pl": http.StatusMisdirectedRequest} {
			if !trusted {
				want = http.StatusPermanentRedirect
			}
			request, _ := http.NewRequest(http.MethodGet, "http://"+host+"/", nil)
			request.Header.Set("X-Forwarded-Proto", "https")
			res, err := client(t, p).Do(request)
			if err != nil || res.StatusCode != want {
				t.Errorf("%s, trusted %v: %v, %v", host, trusted, res, err)
				continue
			}
			_ = read(t, res)
		}
	}
}

// TestTLSComesAndGoesWhileItRuns begins with plain HTTP.
func TestTLSComesAndGoesWhileItRuns(t *testing.T) {
	c := proxytest.NewCA(t, "test")
	p := startTLS(t, proxy.Options{}, proxy.TLS{Routes: hosts("a.pl")})
	point(t, p, "web", "1", only("a.pl/", backend(t, says("reached"))))
	if status, _ := get(t, p, "http://a.pl/"); status != http.StatusOK || p.AddrTLS() != nil {
		t.Fatalf("at first %d, listening on %v", status, p.AddrTLS())
	}
	setTLS(t, p, proxy.TLS{Routes: hosts("a.pl"), Certificates: []proxy.KeyPair{pairFiles(t, c.Server(nil, "a.pl"))}})
	if status, _ := get(t, p, "http://a.pl/"); status != http.StatusPermanentRedirect {
		t.Errorf("over HTTP %d", status)
	}
	if res, _ := fetch(t, clientTLS(t, p, &tls.Config{RootCAs: c.Pool()}, true), "https://a.pl/"); res.StatusCode != http.StatusOK {
		t.Errorf("over HTTPS %d", res.StatusCode)
	}
	setTLS(t, p, proxy.TLS{Routes: hosts("a.pl")})
	if status, _ := get(t, p, "http://a.pl/"); status != http.StatusOK {
		t.Errorf("in the end %d", status)
	}
}

func TestAnHTTPSPortThatIsTakenLeavesPlainHTTP(t *testing.T) {
	c := proxytest.NewCA(t, "test")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	p := prepare(t, proxy.Options{ListenTLS: taken.Addr().String()})
	run(t, p)
	p.Settle()
	web := backend(t, says("reached"))
	point(t, p, "web", "1", map[string][]string{"a.pl/": {web}, "in.pl/": {web}})
	routes := append(hosts("a.pl"), proxy.TLSRoute{Host: "in.pl", Prefix: "/", ClientCA: c.File()})
	if err := p.SetTLS(proxy.TLS{Routes: routes, Certificates: []proxy.KeyPair{pairFiles(t, c.Server(nil, "a.pl"))}}); err == nil {
		t.Error("no error")
	}
	if status, _ := get(t, p, "http://in.pl/"); status != http.StatusMisdirectedRequest {
		t.Errorf("a host that asks for client certificates answered %d", status)
	}
	if status, _ := get(t, p, "http://a.pl/"); status != http.StatusOK {
		t.Errorf("answered %d", status)
	}
}

// told collects notices.
type told struct {
	mu  sync.Mutex
	all []proxy.Notice
}

func (n *told) take(notice proxy.Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, notice)
}

// of returns what was told about something, in order, from the first trouble on.
func (n *told) of(about string) (reasons []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, notice := range n.all {
		if notice.About == about && (notice.Reason != "" || len(reasons) > 0) {
			reasons = append(reasons, notice.Reason)
		}
	}
	return reasons
}

// pairFiles writes a certificate and its key into files of a directory.
func pairFiles(t testing.TB, cert tls.Certificate) (pair proxy.KeyPair) {
	t.Helper()
	pair.Cert, pair.Key = proxytest.PairFiles(t, cert)
	return pair
}

func writePair(t testing.TB, pair proxy.KeyPair, cert tls.Certificate) {
	t.Helper()
	proxytest.WritePair(t, pair.Cert, pair.Key, cert)
}
