package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// machine is a container with a systemd of its own as its first process, on this machine's network and Docker Engine, with
// this machine's /usr.
type machine struct {
	t  testing.TB
	id string
}

// rootFiles is what a machine begins with: what is not in /usr, and no Docker Engine, network or console of its own.
func rootFiles() []byte {
	var raw bytes.Buffer
	w := tar.NewWriter(&raw)
	add := func(h tar.Header, content string) {
		h.Size = int64(len(content))
		_ = w.WriteHeader(&h) // a buffer takes all
		_, _ = w.Write([]byte(content))
	}
	for _, name := range []string{"dev", "etc", "etc/systemd", "etc/systemd/system", "home", "opt", "proc", "root", "run", "sys", "tmp", "usr", "var", "var/lib", "var/log", "var/tmp"} {
		add(tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755}, "")
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		add(tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: "usr/" + name}, "")
	}
	for _, unit := range []string{"docker.service", "docker.socket", "containerd.service", "systemd-networkd.service", "systemd-resolved.service", "systemd-udevd.service", "systemd-sysctl.service"} {
		add(tar.Header{Typeflag: tar.TypeSymlink, Name: "etc/systemd/system/" + unit, Linkname: "/dev/null"}, "")
	}
	add(tar.Header{Typeflag: tar.TypeSymlink, Name: "etc/systemd/system/default.target", Linkname: "/usr/lib/systemd/system/basic.target"}, "")
	for name, content := range map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n", "etc/group": "root:x:0:\nnogroup:x:65534:\n",
		"etc/machine-id": "", "etc/os-release": "ID=test\n", "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
	} {
		add(tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, content)
	}
	_ = w.Close()
	return raw.Bytes()
}

// newMachine starts one with files of this machine's in it, "from:to", and returns once it has started up.
func newMachine(t testing.TB, files ...string) *machine {
	t.Helper()
	for _, needed := range []string{"/usr/lib/systemd/systemd", "/usr/bin/systemctl"} {
		if _, err := os.Stat(needed); err != nil {
			t.Skipf("needs systemd's files to start it in a container: %v; apt-get install systemd", err)
		}
	}
	m := &machine{t: t}
	load := exec.Command("docker", "import", "-")
	load.Stdin = bytes.NewReader(rootFiles())
	image := m.command(load)
	t.Cleanup(func() { m.command(exec.Command("docker", "rmi", image)) })
	args := []string{
		"create", "--network", "host", "--cgroupns", "host", "--cap-add", "SYS_ADMIN",
		"--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--tmpfs", "/run", "--tmpfs", "/tmp",
		"--volume", "/usr:/usr:ro", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup",
	}
	for _, f := range files {
		args = append(args, "--volume", f)
	}
	m.id = m.command(exec.Command("docker", append(args, image, "/lib/systemd/systemd", "--log-target=console", "--show-status=no")...))
	t.Cleanup(func() { m.command(exec.Command("docker", "rm", "--force", "--volumes", m.id)) })
	m.command(exec.Command("docker", "start", m.id))
	err := until("systemd has started up", func() (bool, error) {
		out, err := m.try("systemctl", "is-system-running")
		if out == "running" || out == "degraded" {
			return true, nil
		}
		return false, fmt.Errorf("%s %w", out, err)
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, m.command(exec.Command("docker", "logs", m.id)))
	}
	return m
}

func (m *machine) command(cmd *exec.Cmd) string {
	m.t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s: %v: %s", cmd, err, out)
	}
	return strings.TrimSpace(string(out))
}

// try runs a command on the machine.
func (m *machine) try(args ...string) (string, error) {
	out, err := exec.Command("docker", append([]string{"exec", m.id}, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// run runs one that has to succeed.
func (m *machine) run(args ...string) string {
	m.t.Helper()
	out, err := m.try(args...)
	if err != nil {
		m.t.Fatalf("on the machine, %q: %v: %s\n%s", args, err, out, m.journal())
	}
	return out
}

// write puts a file onto it.
func (m *machine) write(path, content string) {
	m.t.Helper()
	cmd := exec.Command("docker", "exec", "--interactive", m.id, "sh", "-c", `umask 077; mkdir -p "$(dirname "$1")"; cat >"$1"`, "sh", path)
	cmd.Stdin = strings.NewReader(content)
	m.command(cmd)
}

// journal is what fisherman and systemd have said of it.
func (m *machine) journal() string {
	out, _ := m.try("journalctl", "--no-pager", "--output", "cat", "--unit", "fisherman*", "--lines", "200") // is said where something failed already
	return out
}

// server follows the log of the machine's fisherman, which serves.
func (m *machine) server() *process {
	m.t.Helper()
	p, err := begin(exec.Command("docker", "exec", m.id, "journalctl", "--no-pager", "--output", "cat", "--unit", "fisherman", "--lines", "all", "--follow"))
	if err == nil {
		err = p.serving()
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return p
}

// killServer kills fisherman's process and returns once it is dead.
func (m *machine) killServer() death {
	m.t.Helper()
	d := death{from: time.Now()}
	m.run("sh", "-c", "pid=$(systemctl show --property MainPID --value fisherman) && kill -KILL $pid && while kill -0 $pid 2>/dev/null; do :; done")
	d.to = time.Now()
	return d
}
