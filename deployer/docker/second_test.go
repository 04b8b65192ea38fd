package docker_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/client"

	"fisherman/deployer/docker"
)

// second is a dockerd of a test's own, to be stopped and killed.
type second struct {
	dir, bridge, driver string
	process             *exec.Cmd
}

// newSecond starts a second engine beside the first, on a bridge of its own and without iptables, which would be the first
// one's; containers and registries on loopback are reached all the same.
func newSecond(t *testing.T, b *bench) *second {
	t.Helper()
	dockerd, err := exec.LookPath("dockerd")
	if err != nil || os.Getuid() != 0 {
		t.Skip("this test starts and stops a Docker Engine of its own: it needs dockerd, and root")
	}
	info, err := b.api.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "d") // t.TempDir may be longer than a socket's path can be
	if err != nil {
		t.Fatal(err)
	}
	s := &second{dir: dir, bridge: "fm" + strings.ToLower(rand.Text()[:8]), driver: info.Driver}
	t.Cleanup(func() { s.remove(t) })
	number := make([]byte, 1)
	_, _ = rand.Read(number)
	run(t, "ip", "link", "add", s.bridge, "type", "bridge")
	run(t, "ip", "addr", "add", fmt.Sprintf("10.213.%d.1/24", number[0]), "dev", s.bridge)
	run(t, "ip", "link", "set", s.bridge, "up")
	// A key of its own gives it an ID of its own.
	if err := os.WriteFile(filepath.Join(dir, "daemon.json"), fmt.Appendf(nil, `{"deprecated-key-path":"%s/key.json"}`, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start(t, dockerd)
	return s
}

func (s *second) socket() string { return "unix://" + filepath.Join(s.dir, "docker.sock") }

func (s *second) start(t *testing.T, dockerd string) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	s.process = exec.Command(dockerd, "--config-file", s.dir+"/daemon.json", "--data-root", s.dir+"/data", "--exec-root", s.dir+"/exec",
		"--pidfile", s.dir+"/pid", "-H", s.socket(), "--bridge", s.bridge, "--iptables=false", "--ip6tables=false", "--storage-driver", s.driver)
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	api := s.api(t)
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := api.Ping(t.Context()); err == nil {
			return
		}
		if time.Now().After(end) {
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("the second dockerd does not answer:\n%s", said[max(0, len(said)-4<<10):])
		}
	}
}

func (s *second) api(t *testing.T) *client.Client {
	t.Helper()
	api, err := client.NewClientWithOpts(client.WithHost(s.socket()), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	return api
}

// stop ends the engine and waits for it: SIGTERM takes the containers along, SIGKILL leaves them.
func (s *second) stop(t *testing.T, by syscall.Signal) {
	t.Helper()
	_ = s.process.Process.Signal(by)
	alarm := time.AfterFunc(time.Minute, func() { _ = s.process.Process.Kill() })
	_ = s.process.Wait()
	if !alarm.Stop() {
		t.Errorf("the second dockerd did not end at %s", by)
	}
	s.bury(t)
}

// bury sees that the containerd of a dockerd that was killed is gone, too: the next dockerd would wait for it in vain.
func (s *second) bury(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "exec/containerd/containerd.pid"))
	if err != nil {
		return // it ended in good order
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); syscall.Kill(pid, syscall.SIGKILL) == nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("containerd (%d) does not end", pid)
		}
	}
}

func (s *second) again(t *testing.T) {
	t.Helper()
	s.start(t, s.process.Path)
}

// remove leaves nothing behind.
func (s *second) remove(t *testing.T) {
	if s.process != nil && s.process.ProcessState == nil {
		s.stop(t, syscall.SIGTERM)
	}
	_ = exec.Command("ip", "link", "del", s.bridge).Run()
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(mounts)) {
		if at := strings.Fields(line)[1]; strings.HasPrefix(at, s.dir+"/") {
			_ = syscall.Unmount(at, syscall.MNT_DETACH)
		}
	}
	if err := os.RemoveAll(s.dir); err != nil {
		t.Errorf("clean up: %v", err)
	}
}

// on is the same bench on the second engine.
func (b *bench) on(t *testing.T, s *second) *bench {
	t.Helper()
	other := *b
	other.api = s.api(t)
	other.Engine = b.engine(t, docker.Options{Host: s.socket(), Network: b.network})
	if err := other.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := other.Purge(ctx); err != nil {
			t.Errorf("purge: %v", err)
		}
	})
	return &other
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if said, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatal(errors.New(name+" "+strings.Join(args, " ")), err, string(said))
	}
}
