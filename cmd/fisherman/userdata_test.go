package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"fisherman/deployer/deployertest"
	"fisherman/server/config/source/sourcetest"
)

// newReleases serves releases as they are published: a binary for each tag, and SHA256SUMS. That of "v6.6.6" is another.
func newReleases(t *testing.T, tags ...string) string {
	t.Helper()
	files, asset := map[string][]byte{}, "fisherman-linux-"+runtime.GOARCH
	for _, tag := range tags {
		path := filepath.Join(t.TempDir(), asset)
		if err := buildStatic(path); err != nil {
			t.Fatal(err)
		}
		binary, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files["/"+tag+"/"+asset] = binary
		files["/"+tag+"/SHA256SUMS"] = fmt.Appendf(nil, "%064x  fisherman-linux-other\n%x  %s\n", 0, sha256.Sum256(binary), asset)
	}
	files["/v6.6.6/"+asset], files["/v6.6.6/SHA256SUMS"] = []byte("#!/bin/sh\necho mine"), files["/"+tags[0]+"/SHA256SUMS"]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, found := files[r.URL.Path]
		if !found {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(content)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestAMachineComesUpFromItsUserData runs the script of a new instance on a machine with systemd: it fetches a release,
// checks it, and fisherman serves what its configuration in S3 says. Later another release takes its place. The Docker Engine is
// this machine's, so that of a new one is not installed; see asOnAmazonLinux.
func TestAMachineComesUpFromItsUserData(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	s := newStage(t, nil, t.TempDir())
	s3 := sourcetest.Start(t)
	releases := newReleases(t, "v1.0.0", "v1.1.0")
	m := newMachine(t, t.TempDir()+":/usr/local/bin", t.TempDir()+":/usr/local/sbin", strings.TrimPrefix(s.docker.DaemonHost(), "unix://")+":/run/docker.sock")
	m.run("rm", "/etc/systemd/system/docker.service")
	m.write("/etc/systemd/system/docker.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n")
	m.run("systemctl", "daemon-reload")
	var env strings.Builder
	for name, value := range s3.Env() {
		fmt.Fprintf(&env, "%s=%s\n", name, value)
	}
	m.write("/etc/fisherman/fisherman.env", fmt.Sprintf("%sSECRET=%s\nTOKEN=%s\n", env.String(), s.secret, apiToken))
	api, http := deployertest.FreePort(t), deployertest.FreePort(t)
	s3.Put("apps/fisherman.yaml", fmt.Sprintf(`
github: { secret: "${SECRET}" }
server: { listen: "127.0.0.1:%d", token: "${TOKEN}" }
proxy: { http: "127.0.0.1:%d", https: "127.0.0.1:%d" }
docker: { network: %q }
services: { web: { repository: o/web, image: %s/o/web } }
`, api, http, deployertest.FreePort(t), s.network, s.registry))
	m.write("/root/user-data", w.userData("v1.0.0", releases, s3.Location("apps/fisherman.yaml")))
	m.run("env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "bash", "/root/user-data") // cloud-init sets no HOME
	s.server = m.server()
	if s.server.api != fmt.Sprintf("127.0.0.1:%d", api) || s.server.proxy != fmt.Sprintf("127.0.0.1:%d", http) {
		t.Errorf("it serves on %s and %s", s.server.api, s.server.proxy)
	}
	if strings.Contains(s.server.log(), "that holds") {
		t.Errorf("the sockets are not the configuration's:\n%s", s.server.log())
	}
	if err := s.server.ready(); err != nil {
		t.Fatal(err)
	}
	if state := m.run("systemctl", "is-enabled", "fisherman.service", "fisherman-http.socket"); state != "enabled\nenabled" {
		t.Errorf("after the next boot: %s", state)
	}
	before := m.run("fisherman", "version")
	if out, err := m.try("fisherman-release", "v6.6.6"); err == nil || !strings.Contains(out, "is not what SHA256SUMS says; nothing was changed") {
		t.Errorf("a release that is not what it says: %v: %s", err, out)
	}
	if out, err := m.try("fisherman-release", "v9.9.9"); err == nil {
		t.Errorf("a release that there is not: %s", out)
	}
	if now := m.run("fisherman", "version"); now != before {
		t.Errorf("%s has become %s", before, now)
	}
	m.run("fisherman-release", "v1.1.0")
	if now := m.run("fisherman", "version"); now == before || m.run("systemctl", "is-active", "fisherman") != "active" {
		t.Errorf("after the new release: %s", now)
	}
	m.asOnAmazonLinux("/root/user-data") // again does no harm
}

// asOnAmazonLinux runs the script where there is no Docker Engine, no apt-get, and a dnf that does nothing but write down what it is
// told, and fails at first. It shows which command is run, that it is tried again, and what follows; not what a real dnf would do:
// Amazon's packages cannot be had here. Debian's branch has been run with Debian's own apt and systemd, by hand.
func (m *machine) asOnAmazonLinux(script string) {
	m.t.Helper()
	m.run("systemctl", "disable", "--now", "docker")
	m.run("cp", "--recursive", "--symbolic-link", "/usr/bin", "/root/amazon")
	m.run("rm", "/root/amazon/apt-get")
	m.write("/root/amazon/dnf", "#!/bin/sh\necho \"$@\" >>/root/dnf\n! [ $(wc -l </root/dnf) = 1 ]\n")
	m.run("chmod", "+x", "/root/amazon/dnf")
	m.run("env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/root/amazon", "bash", script)
	if told := m.run("cat", "/root/dnf"); told != "-qy install docker\n-qy install docker" {
		m.t.Errorf("dnf was told %q", told)
	}
	for _, unit := range []string{"docker", "fisherman"} {
		m.run("systemctl", "is-active", unit)
		m.run("systemctl", "is-enabled", unit)
	}
}
