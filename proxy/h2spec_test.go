package proxy_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"fisherman/deployer/deployertest"
	"fisherman/proxy"
	"fisherman/proxy/proxytest"
)

// TestHTTP2SpeaksAsWellAsNetHTTP has h2spec judge both, in the same run.
func TestHTTP2SpeaksAsWellAsNetHTTP(t *testing.T) {
	t.Parallel() // most of it is waiting for what must not be answered
	c := proxytest.NewCA(t, "test")
	pair := c.Server(nil, "127.0.0.1", "localhost")
	app := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "reached")
	}
	p := startTLS(t, proxy.Options{}, proxy.TLS{Routes: hosts("127.0.0.1"), Certificates: []proxy.KeyPair{pairFiles(t, pair)}})
	point(t, p, "web", "1", only("127.0.0.1/", backend(t, app)))
	plain := httptest.NewUnstartedServer(http.HandlerFunc(app))
	plain.TLS, plain.EnableHTTP2 = &tls.Config{Certificates: []tls.Certificate{pair}}, true
	plain.StartTLS()
	defer plain.Close()
	program := h2specTool(t)
	var want int
	var measuring sync.WaitGroup
	measuring.Go(func() { want = h2spec(t, program, plain.Listener.Addr()) })
	got := h2spec(t, program, p.AddrTLS())
	measuring.Wait()
	t.Logf("passed: %d by net/http, %d by the proxy", want, got)
	if got < want || got < 141 {
		t.Errorf("the proxy passes %d, net/http %d", got, want)
	}
}

// h2specTool is built in a module of its own, since it is too old to be installed by its version.
func h2specTool(t *testing.T) string {
	return deployertest.Tool(t, "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible", "github.com/summerwind/h2spec@v2.2.1+incompatible",
		"github.com/fatih/color@v1.19.0", "github.com/spf13/cobra@v1.10.2", "golang.org/x/net@v0.60.0")
}

var verdict = regexp.MustCompile(`(\d+) tests, (\d+) passed`)

// h2spec returns how many of its tests a server passes.
func h2spec(t *testing.T, program string, at net.Addr) int {
	t.Helper()
	host, port, _ := net.SplitHostPort(at.String())
	out, err := exec.CommandContext(t.Context(), program, "-t", "-k", "-h", host, "-p", port, "-o", "3").CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
	m := verdict.FindSubmatch(out)
	if m == nil {
		t.Errorf("h2spec says\n%s", out)
		return 0
	}
	passed, _ := strconv.Atoi(string(m[2]))
	return passed
}
