package proxy_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fisherman/proxy"
	"fisherman/proxy/proxytest"
)

// TestACertificateIsReplacedUnderLoad loses no request, and new connections get the new one.
func TestACertificateIsReplacedUnderLoad(t *testing.T) {
	c := proxytest.NewCA(t, "test")
	pair := pairFiles(t, c.Server(nil, "a.pl"))
	p := startTLS(t, proxy.Options{}, proxy.TLS{Routes: hosts("a.pl"), Certificates: []proxy.KeyPair{pair}})
	point(t, p, "web", "1", only("a.pl/", backend(t, says("reached"))))
	var stop atomic.Bool
	var asked, failed atomic.Int64
	var load sync.WaitGroup
	for n := range 8 {
		load.Go(func() {
			one := clientTLS(t, p, &tls.Config{RootCAs: c.Pool()}, n%2 == 0)
			for i := 0; !stop.Load(); i++ {
				asked.Add(1)
				res, err := one.Get("https://a.pl/")
				if err != nil || res.StatusCode != http.StatusOK {
					failed.Add(1)
					t.Error(res, err)
					return
				}
				_ = read(t, res)
				if i%5 == 0 {
					one.CloseIdleConnections()
				}
			}
		})
	}
	for range 10 {
		next := c.Server(nil, "a.pl")
		writePair(t, pair, next)
		soon(t, "the new certificate", func() bool {
			conn := dialTLS(t, p, &tls.Config{RootCAs: c.Pool(), ServerName: "a.pl"})
			defer func() { _ = conn.Close() }()
			return conn.ConnectionState().PeerCertificates[0].Equal(next.Leaf)
		})
	}
	stop.Store(true)
	load.Wait()
	if failed.Load() != 0 || asked.Load() < 50 {
		t.Errorf("%d of %d requests failed", failed.Load(), asked.Load())
	}
}

// TestOneBadCertificateTouchesNoOther has every way in which one can be bad, at the start and later.
func TestOneBadCertificateTouchesNoOther(t *testing.T) {
	c := proxytest.NewCA(t, "test")
	good, other := c.Server(nil, "bad.pl"), c.Server(nil, "bad.pl")
	for name, spoil := range map[string]func(proxy.KeyPair){
		"missing certificate": func(p proxy.KeyPair) { _ = os.Remove(p.Cert) },
		"missing key":         func(p proxy.KeyPair) { _ = os.Remove(p.Key) },
		"a directory":         func(p proxy.KeyPair) { _ = os.Remove(p.Cert); _ = os.Mkdir(p.Cert, 0o700) },
		"a pipe":              func(p proxy.KeyPair) { _ = os.Remove(p.Key); _ = syscall.Mkfifo(p.Key, 0o600) },
		"without an end":      func(p proxy.KeyPair) { _ = os.Remove(p.Cert); _ = os.Symlink("/dev/zero", p.Cert) },
		"not PEM":             func(p proxy.KeyPair) { proxytest.WriteFile(t, p.Cert, []byte("nothing")) },
		"empty":               func(p proxy.KeyPair) { proxytest.WriteFile(t, p.Cert, nil); proxytest.WriteFile(t, p.Key, nil) },
		"another's key": func(p proxy.KeyPair) {
			key, _ := os.ReadFile(pairFiles(t, other).Key)
			proxytest.WriteFile(t, p.Key, key)
		},
		"expired": func(p proxy.KeyPair) { writePair(t, p, c.Server(proxytest.Expired, "bad.pl")) },
		"not valid yet": func(p proxy.KeyPair) {
			writePair(t, p, c.Server(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }, "bad.pl"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var notices told
			bad, fine := pairFiles(t, good), pairFiles(t, c.Server(nil, "good.pl"))
			set := proxy.TLS{Routes: hosts("bad.pl", "good.pl"), Certificates: []proxy.KeyPair{bad, fine}}
			spoil(bad)
			p := startTLS(t, proxy.Options{Notice: notices.take}, set)
			web := backend(t, says("reached"))
			point(t, p, "web", "1", map[string][]string{"bad.pl/": {web}, "good.pl/": {web}})
			isFine := func(host string) bool {
				res, err := clientTLS(t, p, &tls.Config{RootCAs: c.Pool()}, true).Get("https://" + host + "/")
				return err == nil && read(t, res) == "reached"
			}
			if !isFine("good.pl") || isFine("bad.pl") {
				t.Errorf("at the start: the good one %v, the bad one %v", isFine("good.pl"), isFine("bad.pl"))
			}
			soon(t, "the trouble to be told", func() bool { return len(notices.of("certificate of bad.pl")) == 1 })

			_, _ = os.RemoveAll(bad.Cert), os.Remove(bad.Key)
			writePair(t, bad, good)
			soon(t, "the good certificate to be read", func() bool { return isFine("bad.pl") })
			soon(t, "the end of it to be told", func() bool { return len(notices.of("certificate of bad.pl")) == 2 })
			about := bad.String()
			before := len(notices.of(about))
			spoil(bad)
			soon(t, "the trouble with the new file to be told", func() bool { return len(notices.of(about)) == before+1 })
			if reasons := notices.of(about); !strings.Contains(reasons[before], bad.Cert) || !strings.Contains(reasons[before], "served on") {
				t.Errorf("told %q", reasons[before])
			}
			if !isFine("good.pl") || !isFine("bad.pl") {
				t.Errorf("with the new file: the good one %v, the one that was good %v", isFine("good.pl"), isFine("bad.pl"))
			}
		})
	}
}

func TestTheBestCertificateIsChosen(t *testing.T) {
	c := proxytest.NewCA(t, "test")
	for name, test := range map[string]struct{ all []tls.Certificate }{
		"valid before expired": {[]tls.Certificate{c.Server(proxytest.Expired, "a.pl"), c.Server(nil, "a.pl"), c.Server(proxytest.Expired, "a.pl")}},
		"the longer one":       {[]tls.Certificate{c.Server(proxytest.Lasting(time.Hour), "a.pl"), c.Server(nil, "a.pl"), c.Server(proxytest.Lasting(2*time.Hour), "a.pl")}},
		"the one for the name": {[]tls.Certificate{c.Server(nil, "b.pl"), c.Server(proxytest.Lasting(time.Hour), "*.pl"), c.Server(nil, "x.a.pl")}},
	} {
		t.Run(name, func(t *testing.T) {
			set := proxy.TLS{Routes: hosts("a.pl")}
			for _, cert := range test.all {
				set.Certificates = append(set.Certificates, pairFiles(t, cert))
			}
			p := startTLS(t, proxy.Options{}, set)
			conn := dialTLS(t, p, &tls.Config{RootCAs: c.Pool(), ServerName: "a.pl"})
			if got := conn.ConnectionState().PeerCertificates[0]; !got.Equal(test.all[1].Leaf) {
				t.Errorf("got one for %v until %v", got.DNSNames, got.NotAfter)
			}
		})
	}
}

func TestTheAddressChoosesWhereThereIsNoName(t *testing.T) {
	c := proxytest.NewCA(t, "test")
	p := startTLS(t, proxy.Options{}, proxy.TLS{Routes: hosts("127.0.0.1"), Certificates: []proxy.KeyPair{pairFiles(t, c.Server(nil, "127.0.0.1"))}})
	point(t, p, "web", "1", only("127.0.0.1/", backend(t, says("reached"))))
	if res, body := fetch(t, clientTLS(t, p, &tls.Config{RootCAs: c.Pool()}, true), "https://127.0.0.1/"); body != "reached" {
		t.Errorf("%s %q", res.Status, body)
	}
}

// TestTheEndOfACertificateIsToldBeforehand tells three weeks ahead, one week ahead, and when it is over.
func TestTheEndOfACertificateIsToldBeforehand(t *testing.T) {
	c := proxytest.NewCA(t, "test")
	const days = 24 * time.Hour
	for left, want := range map[time.Duration]string{
		22 * days: "", 20 * days: "it expires on", 8 * days: "it expires on", 6 * days: "very soon", -time.Hour: "it expired on",
	} {
		var notices told
		from := func(c *x509.Certificate) { c.NotBefore, c.NotAfter = time.Now().Add(-300*days), time.Now().Add(left) }
		registry := prometheus.NewRegistry()
		cert := c.Server(from, "a.pl")
		startTLS(t, proxy.Options{Notice: notices.take, Metrics: registry}, proxy.TLS{
			Routes: append(hosts("a.pl"), proxy.TLSRoute{Host: "off.pl", Prefix: "/", Mode: proxy.TLSOff}), Certificates: []proxy.KeyPair{pairFiles(t, cert)},
		})
		reasons := notices.of("certificate of a.pl")
		if want == "" && len(reasons) != 0 || want != "" && (len(reasons) != 1 || !strings.Contains(reasons[0], want)) {
			t.Errorf("%v before the end: told %q", left, reasons)
		}
		got, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range got {
			if family.GetName() == "fisherman_certificate_expiry_timestamp_seconds" {
				if m := family.GetMetric(); len(m) != 1 || m[0].GetLabel()[0].GetValue() != "a.pl" || m[0].GetGauge().GetValue() != float64(cert.Leaf.NotAfter.Unix()) {
					t.Errorf("metric %v", m)
				}
			}
		}
	}
}

// TestOneCertificateWithTwoKeysIsToldOnce: one of the keys is another's.
func TestOneCertificateWithTwoKeysIsToldOnce(t *testing.T) {
	c := proxytest.NewCA(t, "test")
	var notices told
	good, other, later := pairFiles(t, c.Server(nil, "a.pl")), pairFiles(t, c.Server(nil, "a.pl")), pairFiles(t, c.Server(nil, "b.pl"))
	wrong := proxy.KeyPair{Cert: good.Cert, Key: other.Key}
	key, _ := os.ReadFile(later.Key)
	proxytest.WriteFile(t, later.Key, nil)
	startTLS(t, proxy.Options{Notice: notices.take}, proxy.TLS{Routes: hosts("a.pl"), Certificates: []proxy.KeyPair{good, wrong, later}})
	proxytest.WriteFile(t, later.Key, key)
	soon(t, "all files to be read again", func() bool { return len(notices.of(later.String())) == 2 })
	if right, trouble := notices.of(good.String()), notices.of(wrong.String()); len(right) != 0 || len(trouble) != 1 {
		t.Errorf("told %q and %q", right, trouble)
	}
}

// TestAPairThatIsBeingReplacedIsNotToldOf, however often a configuration is applied meanwhile; nor is a file of client CAs.
func TestAPairThatIsBeingReplacedIsNotToldOf(t *testing.T) {
	c, staff := proxytest.NewCA(t, "test"), proxytest.NewCA(t, "staff")
	var notices told
	pair, next, cas := pairFiles(t, c.Server(nil, "a.pl")), pairFiles(t, c.Server(nil, "a.pl")), staff.File()
	set := proxy.TLS{Routes: []proxy.TLSRoute{{Host: "a.pl", Prefix: "/", ClientCA: cas}}, Certificates: []proxy.KeyPair{pair}}
	p := startTLS(t, proxy.Options{Notice: notices.take, Timeouts: proxy.Timeouts{Reread: time.Hour}}, set)
	content, err := os.ReadFile(next.Cert)
	if err != nil {
		t.Fatal(err)
	}
	proxytest.WriteFile(t, pair.Cert, content) // its key is to come
	proxytest.WriteFile(t, cas, nil)
	for range 3 {
		setTLS(t, p, set)
	}
	for _, about := range []string{pair.String(), "client CAs " + cas} {
		if reasons := notices.of(about); len(reasons) > 0 {
			t.Errorf("told %q", reasons)
		}
	}
}
