package main

import (
	"context"
	"encoding/json"
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
)

// engine is a second dockerd on this machine, which may be maltreated: data, state, socket, bridge and containerd are
// its own. It leaves the machine's packet filter alone.
type engine struct {
	dir, socket, bridge, driver string
	live                        bool // its containers outlive it
	process                     *exec.Cmd
	ended                       chan struct{}
	log                         *os.File
}

// newEngine starts one. It needs root.
func newEngine(t *testing.T) *engine {
	t.Helper()
	dir, err := os.MkdirTemp("", "ch") // short: the address of a Unix socket has 108 bytes (unix(7))
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{dir: dir, socket: filepath.Join(dir, "s"), bridge: filepath.Base(dir)[:min(15, len(filepath.Base(dir)))]}
	t.Cleanup(func() {
		if err := e.remove(); err != nil {
			t.Errorf("remove the second engine: %v", err)
		}
	})
	if err := e.prepare(); err != nil {
		t.Fatalf("prepare a second engine: %v", err)
	}
	if err := e.start(); err != nil {
		t.Fatalf("start a second engine: %v", err)
	}
	return e
}

// prepare makes its bridge and its configuration. Its key is its own, and with it its identity.
func (e *engine) prepare() (err error) {
	if e.driver, err = tool("docker", "info", "-f", "{{.Driver}}"); err != nil {
		return err
	}
	subnet := fmt.Sprintf("172.31.%d.1/24", 100+os.Getpid()%100)
	for _, args := range [][]string{{"link", "add", e.bridge, "type", "bridge"}, {"addr", "add", subnet, "dev", e.bridge}, {"link", "set", e.bridge, "up"}} {
		if _, err := tool("ip", args...); err != nil {
			return err
		}
	}
	settings, err := json.Marshal(map[string]string{"deprecated-key-path": filepath.Join(e.dir, "key.json")})
	if err == nil {
		err = os.WriteFile(filepath.Join(e.dir, "daemon.json"), settings, 0o600)
	}
	if err == nil {
		e.log, err = os.Create(filepath.Join(e.dir, "log"))
	}
	return err
}

// start starts dockerd and waits until it answers.
func (e *engine) start() error {
	in := func(name string) string { return filepath.Join(e.dir, name) }
	for _, stale := range []string{"pid", "exec/containerd/containerd.pid"} {
		_ = os.Remove(in(stale)) // of one that was killed: a number that lives on as somebody else's is taken for its own
	}
	e.process = exec.Command("dockerd",
		"--config-file", in("daemon.json"), "--data-root", in("data"), "--exec-root", in("exec"), "--pidfile", in("pid"),
		"-H", "unix://"+e.socket, "--bridge", e.bridge, "--iptables=false", "--ip6tables=false", "--storage-driver", e.driver,
		fmt.Sprintf("--live-restore=%t", e.live),
	)
	e.process.Stdout, e.process.Stderr = e.log, e.log
	if err := e.process.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	e.ended = ended
	go func(p *exec.Cmd) { _ = p.Wait(); close(ended) }(e.process)
	api, err := client.NewClientWithOpts(client.WithHost("unix://"+e.socket), client.WithAPIVersionNegotiation())
	if err != nil {
		return err
	}
	defer api.Close()
	err = until("the second engine to answer", func() (bool, error) {
		ctx, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		_, err := api.Ping(ctx)
		return err == nil, err
	})
	if err != nil {
		said, _ := os.ReadFile(e.log.Name())
		err = fmt.Errorf("%w: %s", err, said)
	}
	return err
}

// end ends dockerd by a signal.
func (e *engine) end(how os.Signal) error {
	if err := e.process.Process.Signal(how); err != nil {
		return err
	}
	select {
	case <-e.ended:
	case <-time.After(patience):
		return fmt.Errorf("the second engine did not end within %s after %v", patience, how)
	}
	return until("the second engine's containerd to end", func() (bool, error) { // it is told by the kernel that dockerd has ended
		raw, err := os.ReadFile(filepath.Join(e.dir, "exec", "containerd", "containerd.pid"))
		if err != nil {
			return true, nil
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
		return err == nil && parent(pid) == 0, err
	})
}

// freeze stops it from doing anything, until the returned function is called.
func (e *engine) freeze() (thaw func() error, err error) {
	return func() error { return e.process.Process.Signal(syscall.SIGCONT) }, e.process.Process.Signal(syscall.SIGSTOP)
}

// remove ends it, everything that it started and everything that it mounted.
func (e *engine) remove() error {
	var all []error
	if e.process != nil {
		_ = e.process.Process.Signal(syscall.SIGCONT)
		_ = e.end(syscall.SIGTERM)
	}
	all = append(all, e.endProcesses(), e.unmount())
	if _, err := os.Stat(filepath.Join("/sys/class/net", e.bridge)); err == nil {
		_, err := tool("ip", "link", "del", e.bridge)
		all = append(all, err)
	}
	if e.log != nil {
		all = append(all, e.log.Close())
	}
	return errors.Join(append(all, os.RemoveAll(e.dir))...)
}

// endProcesses kills what names the engine's directory on its command line, such as shims, and their children: the apps.
func (e *engine) endProcesses() error {
	return until("the processes of the second engine to end", func() (bool, error) {
		doomed, err := e.processes()
		for _, pid := range doomed {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		return err == nil && len(doomed) == 0, err
	})
}

func (e *engine) processes() (doomed []int, err error) {
	entries, err := os.ReadDir("/proc")
	ours := map[int]bool{}
	for range 3 { // shims, their apps, and what those started
		for _, entry := range entries {
			pid, err := strconv.Atoi(entry.Name())
			if err != nil || ours[pid] || pid == os.Getpid() {
				continue
			}
			command, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
			if strings.Contains(string(command), e.dir+"/") || ours[parent(pid)] {
				ours[pid] = true
				doomed = append(doomed, pid)
			}
		}
	}
	return doomed, err
}

// parent is the parent of a process (proc(5), stat); 0 when it has ended.
func parent(pid int) (of int) {
	stat, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) > 1 && fields[0] != "Z" {
		of, _ = strconv.Atoi(fields[1])
	}
	return of
}

// unmount unmounts what lies below the directory, the deepest first.
func (e *engine) unmount() error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	var below []string
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], e.dir+"/") {
			below = append([]string{fields[1]}, below...)
		}
	}
	for _, dir := range below {
		_, failed := tool("umount", "-l", dir)
		err = errors.Join(err, failed)
	}
	return err
}

func tool(program string, args ...string) (string, error) {
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), err
}
