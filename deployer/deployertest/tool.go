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
// It is built once for each version, by one test at a time, and kept in the user's cache directory. One that is too old to be
// installed by its version is built in a module of its own that requires modules such as "example.com/module@v1.2.3".
func Tool(t testing.TB, program string, requires ...string) string {
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
	fresh := filepath.Join(directory, "new", bare) // whoever is killed meanwhile leaves half of it
	build := exec.Command("go", "install", program)
	if len(requires) > 0 {
		path, _, _ := strings.Cut(program, "@")
		build = exec.Command("go", "build", "-mod=mod", "-o", fresh, path)
		build.Dir = moduleOf(t, requires)
	}
	build.Env = append(os.Environ(), "GOBIN="+filepath.Dir(fresh), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", program, err, out)
	}
	if err := os.Rename(fresh, binary); err != nil {
		t.Fatal(err)
	}
	return binary
}

// moduleOf is the directory of a module that requires others.
func moduleOf(t testing.TB, requires []string) string {
	t.Helper()
	directory := t.TempDir()
	text := "module tool\n\ngo 1.26.0\n"
	for _, one := range requires {
		text += "\nrequire " + strings.Replace(one, "@", " ", 1)
	}
	if err := os.WriteFile(filepath.Join(directory, "go.mod"), []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return directory
}

func toolDirectory(name string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache, err = os.TempDir(), nil // such as a service without HOME
	}
	directory := filepath.Join(cache, "fisherman-test", name)
	return directory, errors.Join(err, os.MkdirAll(directory, 0o700))
}
