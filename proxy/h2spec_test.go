package proxy_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"fisherman/proxy"
	"fisherman/proxy/proxytest"
)

// TestHTTP2SpeaksAsWellAsNetHTTP has h2spec judge both, in the same run.
func TestHTTP2SpeaksAsWellAsNetHTTP(t *testing.T) {
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
	want, got := h2spec(t, plain.Listener.Addr()), h2spec(t, p.AddrTLS())
	t.Logf("passed: %d by net/http, %d by the proxy", want, got)
	if got < want || got < 141 {
		t.Errorf("the proxy passes %d, net/http %d", got, want)
	}
}

var verdict = regexp.MustCompile(`(\d+) tests, (\d+) passed`)

// h2spec returns how many of its tests a server passes.
func h2spec(t *testing.T, at net.Addr) int {
	t.Helper()
	host, port, _ := net.SplitHostPort(at.String())
	out, err := exec.CommandContext(t.Context(), buildH2spec(t), "-t", "-k", "-h", host, "-p", port, "-o", "3").CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	m := verdict.FindSubmatch(out)
	if m == nil {
		t.Fatalf("h2spec says\n%s", out)
	}
	passed, _ := strconv.Atoi(string(m[2]))
	return passed
}

// buildH2spec builds it in a module of its own, since it is too old to be installed by its version.
func buildH2spec(t *testing.T) string {
	t.Helper()
	const version = "v2.2.1+incompatible"
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	directory := filepath.Join(cache, "fisherman-test", "h2spec-"+version)
	program := filepath.Join(directory, "h2spec")
	if _, err := os.Stat(program); !errors.Is(err, fs.ErrNotExist) {
		return program
	}
	if err := os.MkdirAll(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	module := fmt.Sprintf("module tool\n\ngo 1.26.0\n\nrequire (\n\tgithub.com/summerwind/h2spec %s\n\tgithub.com/fatih/color v1.19.0\n"+
		"\tgithub.com/spf13/cobra v1.10.2\n\tgolang.org/x/net v0.60.0\n)\n", version)
	work := t.TempDir()
	proxytest.WriteFile(t, filepath.Join(work, "go.mod"), []byte(module))
	build := exec.CommandContext(t.Context(), "go", "build", "-mod=mod", "-o", "h2spec", "github.com/summerwind/h2spec/cmd/h2spec")
	build.Dir, build.Env = work, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build h2spec: %v\n%s", err, out)
	}
	content, err := os.ReadFile(filepath.Join(work, "h2spec"))
	if err == nil {
		err = os.WriteFile(program+".new", content, 0o700)
	}
	if err == nil {
		err = os.Rename(program+".new", program)
	}
	if err != nil {
		t.Fatal(err)
	}
	return program
}
