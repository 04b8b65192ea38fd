package proxy_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"fisherman/proxy"
	"fisherman/proxy/proxytest"
)

// coast is a proxy on its way to certificates from a real ACME server.
type coast struct {
	*proxy.Proxy
	pebble  *proxytest.Pebble
	notices *told
	store   string
	options proxy.Options
	stop    func()
}

// newCoast serves, and knows hosts only once adopt is called. Challenges arrive at the listeners of the way that is asked for.
func newCoast(t *testing.T, set proxytest.PebbleOptions, http01, alpn bool) *coast {
	t.Helper()
	plain, secure := listen(t), listen(t)
	if http01 {
		set.HTTP = plain.Addr()
	}
	if alpn {
		set.TLS = secure.Addr()
	}
	c := &coast{pebble: proxytest.NewPebble(t, set), notices: &told{}, store: t.TempDir()}
	c.options = proxy.Options{
		Listener: plain, ListenerTLS: secure, Notice: c.notices.take, Certificates: c.store, Metrics: prometheus.NewRegistry(),
		Timeouts: proxy.Timeouts{Reread: 10 * time.Millisecond, Retry: 100 * time.Millisecond, Renew: 100 * time.Millisecond},
	}
	c.begin(t)
	return c
}

func (c *coast) begin(t *testing.T) {
	t.Helper()
	c.Proxy = prepare(t, c.options)
	c.stop = run(t, c.Proxy)
	c.Settle()
}

// again is the same after a restart of the process.
func (c *coast) again(t *testing.T) {
	t.Helper()
	plain, secure := c.Addr().String(), c.AddrTLS().String()
	c.stop()
	c.options.Metrics = prometheus.NewRegistry()
	c.options.Listener, c.options.ListenerTLS = listenOn(t, plain), listenOn(t, secure)
	c.begin(t)
}

func (c *coast) acme() *proxy.ACME {
	return &proxy.ACME{Email: "me@a.test", Directory: c.pebble.Directory, Roots: c.pebble.Roots}
}

func (c *coast) adopt(t *testing.T, routes []proxy.TLSRoute, pairs ...proxy.KeyPair) {
	t.Helper()
	setTLS(t, c.Proxy, proxy.TLS{Routes: routes, Certificates: pairs, ACME: c.acme()})
}

// shows returns the certificate that a host is served with, nil when there is none. Who has signed it is pebble's affair.
func (c *coast) shows(host string) *x509.Certificate {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", c.AddrTLS().String(), &tls.Config{ServerName: host, InsecureSkipVerify: true})
	if err != nil {
		return nil
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState().PeerCertificates[0]
}

func (c *coast) await(t *testing.T, host string) *x509.Certificate {
	t.Helper()
	return c.awaitAfter(t, host, nil)
}

func (c *coast) awaitAfter(t *testing.T, host string, old *x509.Certificate) *x509.Certificate {
	t.Helper()
	for deadline := time.Now().Add(3 * patience); ; time.Sleep(20 * time.Millisecond) {
		if got := c.shows(host); got != nil && (old == nil || !got.Equal(old)) {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("no certificate for %s; told %q\n%s", host, c.notices.of("certificate of "+host), c.pebble.Log())
		}
	}
}

func listen(t testing.TB) net.Listener { return listenOn(t, "127.0.0.1:0") }

func listenOn(t testing.TB, address string) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// TestACMEMakesCertificates by each of the two ways, for hosts that want it and no file covers, and for nobody else.
func TestACMEMakesCertificates(t *testing.T) {
	for way, http01 := range map[string]bool{"HTTP-01": true, "TLS-ALPN-01": false} {
		t.Run(way, func(t *testing.T) {
			c := newCoast(t, proxytest.PebbleOptions{}, http01, !http01)
			own := proxytest.NewCA(t, "own")
			routes := append(hosts("a.test", "b.test", "file.test"),
				proxy.TLSRoute{Host: "off.test", Prefix: "/", Mode: proxy.TLSOff},
				proxy.TLSRoute{Host: "files.test", Prefix: "/", Mode: proxy.TLSFiles},
				proxy.TLSRoute{Host: "mutual.test", Prefix: "/", ClientCA: own.File()})
			c.adopt(t, routes, pairFiles(t, own.Server(nil, "file.test")))
			web := backend(t, says("reached"))
			point(t, c.Proxy, "web", "1", map[string][]string{"a.test/": {web}, "b.test/": {web}, "mutual.test/": {web}})
			for _, host := range []string{"a.test", "b.test"} {
				if got := c.await(t, host); len(got.DNSNames) != 1 || got.DNSNames[0] != host {
					t.Errorf("%s: a certificate for %q", host, got.DNSNames)
				}
				res, body := fetch(t, clientTLS(t, c.Proxy, &tls.Config{InsecureSkipVerify: true}, true), "https://"+host+"/")
				if res.StatusCode != http.StatusOK || body != "reached" {
					t.Errorf("%s %q", res.Status, body)
				}
			}
			client := own.Client(nil)
			soon(t, "the certificate of a host that asks for client certificates", func() bool {
				config := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{client}}
				res, err := clientTLS(t, c.Proxy, config, false).Get("https://mutual.test/")
				return err == nil && read(t, res) == "reached"
			})
			if got := c.shows("file.test"); got == nil || got.Issuer.CommonName != "own" {
				t.Errorf("file.test: %v", got)
			}
			for _, host := range []string{"off.test", "files.test", "stranger.test"} {
				if got := c.shows(host); got != nil {
					t.Errorf("%s has a certificate", host)
				}
			}
			for _, host := range []string{"off.test", "files.test", "file.test", "stranger.test"} {
				if strings.Contains(c.pebble.Log(), host) {
					t.Errorf("the CA was asked for %s", host)
				}
			}
			secretsAreKept(t, c.store)
		})
	}
}

// secretsAreKept looks that nobody else may read the keys.
func secretsAreKept(t *testing.T, store string) {
	t.Helper()
	keys := 0
	_ = filepath.WalkDir(store, func(name string, entry fs.DirEntry, _ error) error {
		if info, err := entry.Info(); err == nil && !entry.IsDir() {
			if info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: %v", name, info.Mode())
			}
			if strings.HasSuffix(name, ".key") {
				keys++
			}
		}
		return nil
	})
	if keys < 2 {
		t.Errorf("%d keys in the store", keys)
	}
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// TestARestartAsksNobody serves what the store has, also while the CA is away, waits for what cannot be read, and makes anew what is
// damaged.
func TestARestartAsksNobody(t *testing.T) {
	c := newCoast(t, proxytest.PebbleOptions{}, true, false)
	c.adopt(t, hosts("a.test", "b.test"))
	a, b := c.await(t, "a.test"), c.await(t, "b.test")
	c.pebble.Stop()
	c.again(t)
	c.adopt(t, hosts("a.test", "b.test"))
	if got := c.shows("a.test"); got == nil || !got.Equal(a) {
		t.Errorf("after a restart: %v", got)
	}
	for _, name := range crtOf(t, c.store, "a.test") {
		move(t, name, name+".away")
		if err := os.Mkdir(name, 0o700); err != nil { // it is there, and reading it fails
			t.Fatal(err)
		}
		c.again(t)
		c.adopt(t, hosts("a.test", "b.test"))
		soon(t, "what cannot be read to be told", func() bool {
			return slices.ContainsFunc(c.notices.of("certificate of a.test"), func(reason string) bool { return strings.Contains(reason, "cannot be read") })
		})
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		move(t, name+".away", name)
		soon(t, "it to be read at last", func() bool { got := c.shows("a.test"); return got != nil && got.Equal(a) })
		proxytest.WriteFile(t, name, []byte("damaged"))
	}
	c.again(t)
	c.adopt(t, hosts("a.test", "b.test"))
	if got := c.shows("b.test"); got == nil || !got.Equal(b) || c.shows("a.test") != nil {
		t.Errorf("beside a damaged one: %v", got)
	}
	soon(t, "the trouble to be told", func() bool { return len(c.notices.of("certificate of a.test")) > 0 })
	c.pebble.Start()
	c.awaitAfter(t, "a.test", a)
	soon(t, "the end of it to be told", func() bool {
		reasons := c.notices.of("certificate of a.test")
		return reasons[len(reasons)-1] == ""
	})
}

func crtOf(t *testing.T, store, host string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(store, "certificates", "*", host, host+".crt"))
	if err != nil || len(names) != 1 {
		t.Fatalf("%v, %v", names, err)
	}
	return names
}

// TestCertificatesAreRenewedInTime, neither before that nor so late that nobody could see to it. They come of age at once, and have 20
// minutes to go then, so that it matters to none how fast the machine is.
func TestCertificatesAreRenewedInTime(t *testing.T) {
	const life = time.Hour
	c := newCoast(t, proxytest.PebbleOptions{}, false, true)
	own := proxytest.NewCA(t, "own")
	var due time.Time
	comesOfAge := func() *x509.Certificate {
		t.Helper()
		due = time.Now().Add(2 * time.Second).Truncate(time.Second)
		old := own.Server(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = due.Add(-life*2/3), due.Add(life/3) }, "a.test")
		shelve(t, c.store, c.pebble.Directory, "a.test", old)
		c.again(t)
		c.adopt(t, hosts("a.test"))
		point(t, c.Proxy, "web", "1", only("a.test/", backend(t, says("reached"))))
		return old.Leaf
	}
	inTime := func(what string) {
		t.Helper()
		if early, left := time.Until(due), time.Until(due)+life/3; early > 0 || left < life/6 {
			t.Errorf("%s %v before the end", what, left)
		}
	}
	c.adopt(t, hosts("a.test"))
	c.await(t, "a.test")
	first := comesOfAge()
	c.awaitAfter(t, "a.test", first)
	inTime("renewed")
	c.pebble.Stop()
	second := comesOfAge()
	told := func() string {
		reasons := c.notices.of("certificate of a.test")
		return strings.Join(reasons[max(0, len(reasons)-1):], "")
	}
	soon(t, "the failure to be told", func() bool { return told() != "" })
	inTime("told")
	if res, _ := fetch(t, clientTLS(t, c.Proxy, &tls.Config{InsecureSkipVerify: true}, true), "https://a.test/"); res.StatusCode != http.StatusOK {
		t.Errorf("while the CA is away: %s", res.Status)
	}
	c.pebble.Start()
	c.awaitAfter(t, "a.test", second)
	soon(t, "the end of it to be told", func() bool { return told() == "" })
}

// TestACAThatRefusesOrIsGoneStopsNobody else from being served or having certificates made.
func TestACAThatRefusesOrIsGoneStopsNobody(t *testing.T) {
	c := newCoast(t, proxytest.PebbleOptions{Refuses: []string{"refused.test"}}, true, false)
	own := proxytest.NewCA(t, "own")
	c.adopt(t, append(hosts("refused.test", "a.test", "file.test"), proxy.TLSRoute{Host: "off.test", Prefix: "/", Mode: proxy.TLSOff}),
		pairFiles(t, own.Server(nil, "file.test")))
	web := backend(t, says("reached"))
	point(t, c.Proxy, "web", "1", map[string][]string{"file.test/": {web}, "off.test/": {web}})
	c.await(t, "a.test")
	soon(t, "the refusal to be told", func() bool { return len(c.notices.of("certificate of refused.test")) > 0 })
	if reason := c.notices.of("certificate of refused.test")[0]; !strings.Contains(reason, "cannot be obtained") || len(reason) > 1000 {
		t.Errorf("told %q", reason)
	}
	if failuresOf(t, c.options.Metrics.(*prometheus.Registry), "refused.test") == 0 {
		t.Error("not counted")
	}
	c.pebble.Stop()
	c.adopt(t, append(hosts("refused.test", "late.test", "a.test", "file.test"), proxy.TLSRoute{Host: "off.test", Prefix: "/", Mode: proxy.TLSOff}),
		pairFiles(t, own.Server(nil, "file.test")))
	soon(t, "the absence to be told", func() bool { return len(c.notices.of("certificate of late.test")) > 0 })
	if res, body := fetch(t, clientTLS(t, c.Proxy, &tls.Config{RootCAs: own.Pool()}, true), "https://file.test/"); body != "reached" {
		t.Errorf("%s %q", res.Status, body)
	}
	if status, _ := get(t, c.Proxy, "http://off.test/"); status != http.StatusOK {
		t.Errorf("over plain HTTP %d", status)
	}
	c.pebble.Start()
	c.await(t, "late.test")
}

func failuresOf(t *testing.T, registry *prometheus.Registry, host string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == "fisherman_certificate_failures_total" && m.GetLabel()[0].GetValue() == host {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// TestAFileTakesOverFromACME and back, without a request that fails.
func TestAFileTakesOverFromACME(t *testing.T) {
	c := newCoast(t, proxytest.PebbleOptions{}, true, false)
	own := proxytest.NewCA(t, "own")
	pair := pairFiles(t, own.Server(nil, "other.test"))
	c.adopt(t, hosts("a.test"), pair)
	point(t, c.Proxy, "web", "1", only("a.test/", backend(t, says("reached"))))
	c.await(t, "a.test")
	var stop atomic.Bool
	ended := make(chan error, 1)
	go func() {
		for !stop.Load() {
			one := clientTLS(t, c.Proxy, &tls.Config{InsecureSkipVerify: true}, true)
			res, err := one.Get("https://a.test/")
			if err != nil || read(t, res) != "reached" {
				ended <- errors.Join(err, errors.New("not reached"))
				return
			}
			one.CloseIdleConnections()
		}
		ended <- nil
	}()
	writePair(t, pair, own.Server(nil, "a.test"))
	soon(t, "the file to count", func() bool { return c.shows("a.test").Issuer.CommonName == "own" })
	writePair(t, pair, own.Server(nil, "other.test"))
	soon(t, "ACME to count", func() bool { return c.shows("a.test").Issuer.CommonName != "own" })
	stop.Store(true)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestChallengesPrecedeEverything but are only answered when they are ours.
func TestChallengesPrecedeEverything(t *testing.T) {
	c := newCoast(t, proxytest.PebbleOptions{}, true, false)
	c.adopt(t, hosts("a.test"))
	point(t, c.Proxy, "web", "1", map[string][]string{"off.test/": {backend(t, says("the app's own"))}})
	c.await(t, "a.test")
	if status, body := get(t, c.Proxy, "http://off.test/.well-known/acme-challenge/token"); status != http.StatusOK || body != "the app's own" {
		t.Errorf("an app's own: %d %q", status, body)
	}
	if status, _ := get(t, c.Proxy, "http://a.test/.well-known/acme-challenge/token"); status != http.StatusPermanentRedirect {
		t.Errorf("an unknown one: %d", status)
	}
	conn, err := tls.Dial("tcp", c.AddrTLS().String(), &tls.Config{ServerName: "a.test", NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true})
	if err == nil {
		_ = conn.Close()
		t.Error("a handshake for a challenge that nobody has begun")
	}
	conn, err = tls.Dial("tcp", c.AddrTLS().String(), &tls.Config{ServerName: "a.test", NextProtos: []string{"acme-tls/1", "http/1.1"}, InsecureSkipVerify: true})
	if err != nil || conn.ConnectionState().NegotiatedProtocol != "http/1.1" {
		t.Errorf("%v, %v", conn, err)
	}
}

// TestStrangersFillNoLog by handshakes and requests that look as if they were a CA's.
func TestStrangersFillNoLog(t *testing.T) {
	log, store := &lines{}, t.TempDir()
	c := proxytest.NewCA(t, "test")
	if err := os.MkdirAll(filepath.Join(store, "acme", "127.0.0.1-1-dir", "challenge_tokens"), 0o700); err != nil {
		t.Fatal(err)
	}
	p := startTLS(t, proxy.Options{Log: zerolog.New(log).Level(zerolog.InfoLevel), AccessLog: proxy.AccessLog{Writer: io.Discard}, Certificates: store}, proxy.TLS{
		Routes: hosts("a.pl", "b.pl"), ACME: &proxy.ACME{Directory: "https://127.0.0.1:1/dir"}, Certificates: []proxy.KeyPair{pairFiles(t, c.Server(nil, "a.pl"))},
	})
	log.find(t, "it cannot be obtained") // of b.pl, and the last line about it
	written := func() int {
		log.mu.Lock()
		defer log.mu.Unlock()
		return log.buf.Len()
	}
	before := written()
	for _, name := range []string{"a.pl", "b.pl", "c.pl", "..", strings.Repeat("x", 250) + ".pl"} {
		config := &tls.Config{ServerName: name, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true}
		if conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", p.AddrTLS().String(), config); err == nil {
			t.Errorf("a handshake for %q", name)
			_ = conn.Close()
		}
		_ = raw(t, p, "GET /.well-known/acme-challenge/token HTTP/1.1\r\nHost: "+name+"\r\nConnection: close\r\n\r\n")
	}
	if written() != before {
		t.Errorf("the log says\n%s", log.buf.String()[before:])
	}
}

// TestAHostThatComesBackBeginsAnew: why it had no certificate once is not told again.
func TestAHostThatComesBackBeginsAnew(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	var notices told
	with := func(directory string, names ...string) proxy.TLS {
		return proxy.TLS{Routes: hosts(names...), ACME: &proxy.ACME{Directory: "https://" + directory + "/dir"}}
	}
	p := startTLS(t, proxy.Options{Notice: notices.take, Certificates: t.TempDir()}, with("127.0.0.1:1", "a.pl"))
	soon(t, "the trouble to be told", func() bool { return len(notices.of("certificate of a.pl")) == 1 })
	setTLS(t, p, with("127.0.0.1:1", "b.pl"))
	setTLS(t, p, with(silent.Addr().String(), "a.pl", "b.pl"))
	if got := notices.of("certificate of a.pl"); strings.Join(got[1:], "") != "" {
		t.Errorf("told %q", got)
	}
}

// TestAHostThatIsGoneIsNobodysBusinessOnceItsRoutesAreGone: while they live it is served as before. Mutant: keep it for good.
func TestAHostThatIsGoneIsNobodysBusinessOnceItsRoutesAreGone(t *testing.T) {
	var notices told
	with := func(names ...string) proxy.TLS {
		return proxy.TLS{Routes: hosts(names...), ACME: &proxy.ACME{Directory: "https://127.0.0.1:1/dir"}}
	}
	p := startTLS(t, proxy.Options{Notice: notices.take, Certificates: t.TempDir()}, with("a.pl", "b.pl"))
	point(t, p, "a", "1", only("a.pl/", nobody(t)))
	point(t, p, "b", "1", only("b.pl/", nobody(t)))
	setTLS(t, p, with("a.pl"))
	for _, host := range []string{"a.pl", "b.pl"} {
		soon(t, "the trouble to be told", func() bool { return len(notices.of("certificate of "+host)) == 1 })
	}
	if status, _ := get(t, p, "http://b.pl/"); status != http.StatusPermanentRedirect {
		t.Errorf("while its routes live: %d", status)
	}
	if _, err := p.Reroute(map[string]map[string][]string{"b": nil}); err != nil {
		t.Fatal(err)
	}
	if status, _ := get(t, p, "http://b.pl/"); status != http.StatusNotFound {
		t.Errorf("afterwards: %d", status)
	}
	if got := notices.of("certificate of b.pl"); got[len(got)-1] != "" {
		t.Errorf("afterwards it is still told %q", got)
	}
	if got := notices.of("certificate of a.pl"); got[len(got)-1] == "" {
		t.Errorf("of the other one it is told %q", got)
	}
}

// TestFailuresOutliveARestart: neither is a CA asked again before its time nor is a host well meanwhile. Another way of asking does
// not wait. Mutant: begin with no failures.
func TestFailuresOutliveARestart(t *testing.T) {
	var notices told
	store, by := t.TempDir(), proxy.ACME{Directory: "https://127.0.0.1:1/dir"}
	begin := func() (*proxy.Proxy, *prometheus.Registry, func()) {
		registry := prometheus.NewRegistry()
		p := prepare(t, proxy.Options{
			ListenTLS: "127.0.0.1:0", Certificates: store, Notice: notices.take, Metrics: registry, Timeouts: proxy.Timeouts{Retry: time.Hour},
		})
		return p, registry, run(t, p)
	}
	p, _, stop := begin()
	setTLS(t, p, proxy.TLS{Routes: hosts("a.pl"), ACME: &by})
	soon(t, "the trouble to be told", func() bool { return len(notices.of("certificate of a.pl")) > 0 })
	stop()
	p, registry, _ := begin()
	setTLS(t, p, proxy.TLS{Routes: hosts("a.pl", "b.pl"), ACME: &by})
	soon(t, "another host to fail", func() bool { return failuresOf(t, registry, "b.pl") == 1 })
	for _, reason := range notices.of("certificate of a.pl") {
		if reason == "" {
			t.Error("after a restart it is told that all is well")
		}
	}
	if n := failuresOf(t, registry, "a.pl"); n != 0 {
		t.Errorf("after a restart: %v attempts", n)
	}
	by.Email = "me@a.pl"
	setTLS(t, p, proxy.TLS{Routes: hosts("a.pl", "b.pl"), ACME: &by})
	soon(t, "it to be tried another way", func() bool { return failuresOf(t, registry, "a.pl") == 1 })
}

// TestAnotherCAThatIsGoneStopsNobody: what one before it has made is served on, also after a restart and when it is the CA again;
// and it is asked, unless it has made a good one. Mutant: look only for what the present one has made.
func TestAnotherCAThatIsGoneStopsNobody(t *testing.T) {
	c := proxytest.NewCA(t, "test")
	const one, other, third = "https://127.0.0.1:1/one", "https://127.0.0.1:1/other", "https://127.0.0.1:1/third"
	certs := map[string]tls.Certificate{
		"good": c.Server(proxytest.Lasting(time.Hour), "a.pl"), "longer": c.Server(nil, "a.pl"), "over": c.Server(proxytest.Expired, "a.pl"),
	}
	type made map[string]string // by CA
	for what, test := range map[string]struct {
		made made
		cas  []string // one after the other
		want string
	}{
		"another":                         {made{one: "good"}, []string{one, other}, "good"},
		"one that once made another":      {made{one: "good", other: "over"}, []string{one, other}, "good"},
		"back to one that did":            {made{one: "good", other: "over"}, []string{other, one, other}, "good"},
		"back to one whose is shorter":    {made{one: "good", other: "longer"}, []string{one, other, one}, "good"},
		"a third":                         {made{one: "good", other: "longer"}, []string{third}, "longer"},
		"a third, while one's is over":    {made{one: "over", other: "good"}, []string{third}, "good"},
		"nothing but its own, and late":   {made{one: "over"}, []string{one}, "over"},
		"nothing but another's, and late": {made{one: "over"}, []string{other}, ""},
	} {
		t.Run(what, func(t *testing.T) {
			var notices told
			store := t.TempDir()
			for ca, name := range test.made {
				shelve(t, store, ca, "a.pl", certs[name])
			}
			shows := func(p *proxy.Proxy, when string) {
				t.Helper()
				got := ""
				for name, cert := range certs {
					if is := (&coast{Proxy: p}).shows("a.pl"); is != nil && is.Equal(cert.Leaf) {
						got = name
					}
				}
				if got != test.want {
					t.Errorf("%s: %q, want %q", when, got, test.want)
				}
			}
			with := func(ca string) proxy.TLS {
				return proxy.TLS{Routes: hosts("a.pl"), ACME: &proxy.ACME{Directory: ca}}
			}
			p := startTLS(t, proxy.Options{Certificates: store}, with(test.cas[0]))
			for _, ca := range test.cas[1:] {
				setTLS(t, p, with(ca))
			}
			shows(p, "at once")
			last := test.cas[len(test.cas)-1]
			p = startTLS(t, proxy.Options{Certificates: store, Notice: notices.take}, with(last))
			shows(p, "after a restart")
			if has := test.made[last]; has == "" || has == "over" {
				soon(t, "the CA to be asked", func() bool { return len(notices.of("certificate of a.pl")) > 0 })
				shows(p, "once it was asked in vain")
			}
		})
	}
}

// TestAnotherCAsCertificateIsReadyForTheEnd of the present one's, though that was good when they were looked for. Mutant: look only
// for those of others when none is good.
func TestAnotherCAsCertificateIsReadyForTheEnd(t *testing.T) {
	c, store := proxytest.NewCA(t, "test"), t.TempDir()
	good, brief := c.Server(nil, "a.pl"), c.Server(proxytest.Lasting(3*time.Second), "a.pl")
	shelve(t, store, "https://127.0.0.1:1/one", "a.pl", good)
	shelve(t, store, "https://127.0.0.1:1/other", "a.pl", brief)
	p := startTLS(t, proxy.Options{Certificates: store}, proxy.TLS{
		Routes: hosts("a.pl"), ACME: &proxy.ACME{Directory: "https://127.0.0.1:1/other"},
	})
	shows := func(want tls.Certificate) bool {
		got := (&coast{Proxy: p}).shows("a.pl")
		return got != nil && got.Equal(want.Leaf)
	}
	if !shows(brief) && time.Now().Before(brief.Leaf.NotAfter) {
		t.Error("another one while the present CA's is good")
	}
	soon(t, "the other one to be shown", func() bool { return shows(good) })
}

// TestWhatCannotBeReadLeavesWhatAnotherCAHasMade to be served, and is told.
func TestWhatCannotBeReadLeavesWhatAnotherCAHasMade(t *testing.T) {
	var notices told
	store, good := t.TempDir(), proxytest.NewCA(t, "test").Server(nil, "a.pl")
	shelve(t, store, "https://127.0.0.1:1/one", "a.pl", good)
	if err := os.MkdirAll(shelfName(store, "https://127.0.0.1:1/other", certmagic.StorageKeys.SiteCert, "a.pl"), 0o700); err != nil {
		t.Fatal(err)
	}
	p := startTLS(t, proxy.Options{Certificates: store, Notice: notices.take}, proxy.TLS{
		Routes: hosts("a.pl"), ACME: &proxy.ACME{Directory: "https://127.0.0.1:1/other"},
	})
	if got := (&coast{Proxy: p}).shows("a.pl"); got == nil || !got.Equal(good.Leaf) {
		t.Errorf("got %v", got)
	}
	if told := notices.of("certificate of a.pl"); len(told) != 1 || !strings.Contains(told[0], "cannot be read") || !strings.Contains(told[0], "served instead") {
		t.Errorf("told %q", told)
	}
}

// TestALentHostShowsTheCertificateItHad until the service whose it is by now, and which wants none, serves it; also after a restart.
func TestALentHostShowsTheCertificateItHad(t *testing.T) {
	store, file, good := t.TempDir(), routeFile(t), proxytest.NewCA(t, "test").Server(nil, "a.pl")
	const ca = "https://127.0.0.1:1/dir"
	shelve(t, store, ca, "a.pl", good)
	owned := func(by string, mode proxy.TLSMode) proxy.TLS {
		return proxy.TLS{Routes: []proxy.TLSRoute{{Host: "a.pl", Prefix: "/", Service: by, Mode: mode}}, ACME: &proxy.ACME{Directory: ca}}
	}
	for _, mode := range []proxy.TLSMode{proxy.TLSOff, proxy.TLSFiles} {
		p := startTLS(t, proxy.Options{File: file, Certificates: store}, owned("old", proxy.TLSAuto))
		point(t, p, "old", "1", only("a.pl/", nobody(t)))
		shows := func(when string, want bool) {
			t.Helper()
			if got := (&coast{Proxy: p}).shows("a.pl"); want != (got != nil) || want && !got.Equal(good.Leaf) {
				t.Errorf("%s, %s: %v", mode, when, got)
			}
		}
		setTLS(t, p, owned("new", mode))
		shows("at first", true)
		point(t, p, "old", "2", only("a.pl/", nobody(t)))
		shows("with another release", true)
		p = startTLS(t, proxy.Options{File: file, Certificates: store}, owned("new", mode))
		shows("after a restart", true)
		if _, err := p.Reroute(map[string]map[string][]string{"old": nil}); err != nil {
			t.Fatal(err)
		}
		point(t, p, "new", "1", only("a.pl/", nobody(t)))
		shows("after the switch", false)
		if _, err := p.Reroute(map[string]map[string][]string{"new": nil}); err != nil {
			t.Fatal(err)
		}
	}
}

// shelve puts a certificate where one that a CA has made is kept.
func shelve(t *testing.T, store, ca, host string, cert tls.Certificate) {
	t.Helper()
	crt := shelfName(store, ca, certmagic.StorageKeys.SiteCert, host)
	if err := os.MkdirAll(filepath.Dir(crt), 0o700); err != nil {
		t.Fatal(err)
	}
	proxytest.WritePair(t, crt, shelfName(store, ca, certmagic.StorageKeys.SitePrivateKey, host), cert)
}

// shelfName is the file of one.
func shelfName(store, ca string, key func(issuer, host string) string, host string) string {
	return filepath.Join(store, key((&certmagic.ACMEIssuer{CA: ca}).IssuerKey(), host))
}
