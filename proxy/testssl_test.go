package proxy_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"fisherman/proxy"
	"fisherman/proxy/proxytest"
)

// finding is what testssl.sh says of one property of a server.
type finding struct{ ID, Severity, Finding string }

// TestTestsslFindsNothingGrave has testssl.sh try the protocols and the attacks it knows.
func TestTestsslFindsNothingGrave(t *testing.T) {
	t.Parallel() // half of it is waiting
	program, err := exec.LookPath("testssl")
	if err != nil {
		t.Fatal("testssl.sh is missing; make test installs it (Debian's package testssl.sh)")
	}
	c := proxytest.NewCA(t, "test")
	p := startTLS(t, proxy.Options{}, proxy.TLS{
		Routes: hosts("127.0.0.1"), Certificates: []proxy.KeyPair{pairFiles(t, c.Server(nil, "127.0.0.1", "localhost"))},
	})
	point(t, p, "web", "1", only("127.0.0.1/", backend(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "reached")
	})))
	report := filepath.Join(t.TempDir(), "report.json")
	run := exec.CommandContext(t.Context(), program, "--protocols", "--vulnerable", "--warnings", "off",
		"--ip", "127.0.0.1", "--color", "0", "--nodns", "none", "--jsonfile", report, p.AddrTLS().String())
	out, err := run.CombinedOutput()
	var exit *exec.ExitError // its exit code counts findings
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(report)
	if err != nil {
		t.Fatalf("%v; testssl.sh says\n%s", err, out)
	}
	var all []finding
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	said := map[string]string{}
	for _, f := range all {
		said[f.ID] = f.Finding
		if slices.Contains([]string{"HIGH", "CRITICAL", "FATAL"}, f.Severity) {
			t.Errorf("%s, %s: %s", f.Severity, f.ID, f.Finding)
		}
	}
	for id, want := range map[string]string{
		"SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered", "TLS1_1": "not offered",
		"TLS1_2": "offered", "TLS1_3": "offered with final", "heartbleed": "not vulnerable, no heartbeat extension",
	} {
		if said[id] != want {
			t.Errorf("%s is %q, want %q", id, said[id], want)
		}
	}
	if t.Failed() {
		t.Logf("testssl.sh says\n%s", out)
	}
}
