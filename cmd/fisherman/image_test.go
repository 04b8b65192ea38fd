package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"fisherman/deployer/deployertest"
)

// mostBytes is how large the binary may be. One in which the linker can leave no method out has 34 MB.
const mostBytes = 26_000_000

// TestTheImage builds the image as a release does and runs it as README.md says, until it is told to stop.
func TestTheImage(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil, t.TempDir())
	dist := t.TempDir()
	binary := filepath.Join(dist, "fisherman-linux-"+runtime.GOARCH)
	if err := buildStatic(binary); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(binary); err != nil || info.Size() > mostBytes {
		t.Errorf("the binary has %d bytes, want %d at most (%v); does something keep all methods, such as text/template?", info.Size(), mostBytes, err)
	}
	roots, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		t.Fatalf("the image takes this machine's roots: %v; apt-get install ca-certificates", err)
	}
	if err := os.WriteFile(filepath.Join(dist, "ca-certificates.crt"), roots, 0o644); err != nil {
		t.Fatal(err)
	}
	docker := func(args ...string) string {
		t.Helper()
		var said strings.Builder
		cmd := exec.Command("docker", args...)
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("docker %q: %v: %s%s", args, err, out, said.String())
		}
		return strings.TrimSpace(string(out))
	}
	image := "fisherman-image:" + s.network
	docker("build", "--quiet", "--file", "../../Dockerfile", "--build-arg", "TARGETARCH="+runtime.GOARCH, "--tag", image, dist)
	t.Cleanup(func() { docker("rmi", image) })

	api := deployertest.FreeAddress(t)
	etc := t.TempDir()
	for name, content := range map[string]string{
		"fisherman.env": fmt.Sprintf("SECRET=%s\nTOKEN=%s\n", s.secret, apiToken),
		"fisherman.yaml": fmt.Sprintf(`
github: { secret: "${SECRET}" }
server: { listen: %q, token: "${TOKEN}" }
proxy: { http: "127.0.0.1:%d" }
docker: { network: %q }
services: { web: { repository: o/web, image: %s/o/web } }
`, api, deployertest.FreePort(t), s.network, s.registry),
	} {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	id := docker("create", "--network", "host", "--stop-timeout", "90", "--env-file", filepath.Join(etc, "fisherman.env"),
		"--volume", strings.TrimPrefix(s.docker.DaemonHost(), "unix://")+":/var/run/docker.sock",
		"--volume", s.state()+":/var/lib/fisherman", "--volume", etc+":/etc/fisherman:ro", image)
	t.Cleanup(func() { docker("rm", "--force", id) })
	docker("start", id)
	for _, path := range []string{"/healthz", "/readyz"} {
		err := until(path, func() (bool, error) {
			status, body, err := get(api, "", path)
			return status == http.StatusOK, fmt.Errorf("%d %s %w", status, body, err)
		})
		if err != nil {
			t.Fatalf("%v\n%s", err, docker("logs", id))
		}
	}
	if listed := docker("exec", id, "/fisherman", "status", "--server", "http://"+api, "--token", apiToken); !strings.Contains(listed, "web") {
		t.Errorf("status in the container: %s", listed)
	}
	docker("stop", id)
	var state struct {
		ExitCode  int
		OOMKilled bool
	}
	if err := json.Unmarshal([]byte(docker("inspect", "--format", "{{json .State}}", id)), &state); err != nil || state.ExitCode != exitDone {
		t.Errorf("it ended with %+v, %v\n%s", state, err, docker("logs", id))
	}
	if there, err := os.Stat(filepath.Join(s.state(), "journal.db")); err != nil || there.Size() == 0 {
		t.Errorf("the state is not on the machine: %v", err)
	}
}
