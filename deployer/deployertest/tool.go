package deployertest

import (
	"errors"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Tool builds a program of another module, such as "example.com/module/cmd/name@v1.2.3", and returns the path of its binary.
// It is built once for each version, by one test at a time, and kept in the user's cache directory.
func Tool(t testing.TB, program string) string {
	t.Helper()
	name := path.Base(strings.ReplaceAll(program, "@", "-"))
	directory, err := toolDirectory(name)
	if err != nil {
		t.Fatalf("a directory for %s: %v", name, err)
	}
	lock, err := os.OpenFile(directory+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }() // gives the lock back
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("lock %s: %v", lock.Name(), err)
	}
	bare, _, _ := strings.Cut(path.Base(program), "@")
	binary := filepath.Join(directory, bare)
	if _, err := os.Stat(binary); err == nil {
		return binary
	}
	install := exec.Command("go", "install", program)
	install.Env = append(os.Environ(), "GOBIN="+directory, "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", program, err, out)
	}
	return binary
}

func toolDirectory(name string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache, err = os.TempDir(), nil // such as a service without HOME
	}
	directory := filepath.Join(cache, "fisherman-test", name)
	return directory, errors.Join(err, os.MkdirAll(directory, 0o700))
}
