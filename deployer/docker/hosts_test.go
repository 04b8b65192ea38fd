package docker_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fisherman/deployer/docker"
)

// hostsFileIsMounted: it is read-only, has the service's own lines before the names, and is written in place.
func hostsFileIsMounted(t *testing.T, b *bench) {
	dir := filepath.Join(t.TempDir(), "hosts")
	engine := b.engine(t, docker.Options{Network: b.network, Hosts: dir})
	r := b.release(b.push(t))
	r.Service.ExtraHosts = []string{"db.test:10.9.9.9", "machine.test:host-gateway", "taken:10.9.9.8"}
	if err := engine.SetNames(map[string][]string{"api": {"10.0.0.2", "10.0.0.3"}, "taken": {"10.0.0.4"}}); err != nil {
		t.Fatal(err)
	}
	b.pull(t, r)
	var said string
	cat := func() {
		t.Helper()
		said = ""
		if err := engine.RunOnce(t.Context(), r, "before", []string{"task", "cat=/etc/hosts"}, func(line string) { said += line + "\n" }); err != nil {
			t.Fatal(err)
		}
	}
	cat()
	for _, want := range []string{"127.0.0.1\tlocalhost\n", "10.9.9.9\tdb.test\n", "\tmachine.test\n", "10.9.9.8\ttaken\n", "10.0.0.2\tapi\n10.0.0.3\tapi\n"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	if strings.Contains(said, "10.0.0.4") || strings.Contains(said, "host-gateway") {
		t.Errorf("a name that is the service's own is another's, or nobody's address, in\n%s", said)
	}
	before := onlyFile(t, dir)
	if err := engine.SetNames(map[string][]string{"api": {"10.0.0.5"}}); err != nil {
		t.Fatal(err)
	}
	if after := onlyFile(t, dir); inode(after) != inode(before) || after.Size() != before.Size() || after.Mode().Perm() != 0o644 {
		t.Errorf("written anew it is %v, inode %d; it was %v, inode %d", after, inode(after), before, inode(before))
	}
	if cat(); !strings.Contains(said, "10.0.0.5\tapi\n") || strings.Contains(said, "10.0.0.2") || !strings.Contains(said, "10.9.9.9\tdb.test\n") {
		t.Errorf("written anew it holds\n%s", said)
	}
}

func onlyFile(t *testing.T, dir string) fs.FileInfo {
	t.Helper()
	found, err := filepath.Glob(dir + "/*")
	if err != nil || len(found) != 1 {
		t.Fatalf("%s holds %q, %v; want one file", dir, found, err)
	}
	info, err := os.Stat(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func inode(info fs.FileInfo) uint64 { return info.Sys().(*syscall.Stat_t).Ino }

// noHostsFileWhereTheEngineSeesNone: fisherman in a container may have its state where the engine has nothing.
func noHostsFileWhereTheEngineSeesNone(t *testing.T, b *bench) {
	open, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = open.Close() }()
	const fd = 947 // of this process, and of none of the engine's
	if err := syscall.Dup3(int(open.Fd()), fd, syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	engine := b.engine(t, docker.Options{Network: b.network, Hosts: fmt.Sprintf("/proc/self/fd/%d/hosts", fd)})
	r := b.release(b.push(t))
	b.pull(t, r)
	if err := engine.RunOnce(t.Context(), r, "before", []string{"task", "say=hello"}, func(string) {}); err != nil {
		t.Errorf("without a hosts file: %v", err)
	}
}

// TestNamesAreWrittenWhereTheyDiffer, and what is no hosts file is no hindrance. Mutants: SetNames that takes every entry for a
// file; refresh that writes what is there.
func TestNamesAreWrittenWhereTheyDiffer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, past := filepath.Join(dir, "web"), time.Unix(1e9, 0)
	for _, err := range []error{
		os.WriteFile(file, []byte("127.0.0.1\tlocalhost\n# services, as they are live:\n"), 0o600),
		os.Mkdir(filepath.Join(dir, "lost+found"), 0o700), os.Symlink("nowhere", filepath.Join(dir, "link")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	engine, err := docker.New(docker.Options{Host: "unix:///nowhere/docker.sock", Hosts: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		address string
		written bool
	}{{"10.0.0.2", true}, {"10.0.0.2", false}, {"10.0.0.3", true}} {
		if err := os.Chtimes(file, past, past); err != nil {
			t.Fatal(err)
		}
		if err := engine.SetNames(map[string][]string{"api": {c.address}}); err != nil {
			t.Error(err)
		}
		info, err := os.Stat(file)
		if err != nil || info.ModTime().After(past) != c.written || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: written at %v, want it written: %t; %v", c.address, info, c.written, err)
		}
		if text := readAll(t, file); !strings.Contains(text, "127.0.0.1\tlocalhost\n") || !strings.Contains(text, c.address+"\tapi\n") {
			t.Errorf("it holds\n%s", text)
		}
	}
}

func readAll(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
