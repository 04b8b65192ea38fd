package proxy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"fisherman/proxy"
)

// TestTheRouteFileSurvivesAPowerCut copies the blocks of a mounted file system right after Point has returned: what a
// disk holds when the power goes. Delayed allocation without the kernel's heuristics for renames (noauto_da_alloc) makes
// it as strict as file systems get. Leaving out either sync turns it red.
func TestTheRouteFileSurvivesAPowerCut(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it mounts a file system to cut its power")
	}
	directory := t.TempDir()
	disk := filepath.Join(directory, "disk")
	command(t, "truncate", "-s", "16M", disk)
	command(t, "mkfs.ext4", "-q", disk)
	mounted := mount(t, disk)
	p := prepare(t, proxy.Options{File: filepath.Join(mounted, "routes.json")})
	for _, release := range []string{"1", "2", "3"} {
		point(t, p, "web", release, only("a.pl/", "172.18.0.3:8080"))
		after := filepath.Join(directory, "after-"+release) // a file of its own: the last mount may still be writing to its
		command(t, "cp", "--sparse=always", disk, after)
		survived := mount(t, after)
		recovered := prepare(t, proxy.Options{File: filepath.Join(survived, "routes.json")})
		if live := recovered.Live(); live["web"] != release || recovered.SetAside() != "" {
			t.Errorf("after the power cut %v is live, want %s (set aside: %q)", live, release, recovered.SetAside())
		}
		command(t, "umount", survived)
	}
	command(t, "umount", mounted)
}

func mount(t *testing.T, image string) string {
	t.Helper()
	directory := t.TempDir()
	out, err := exec.Command("mount", "-o", "loop,noauto_da_alloc", image, directory).CombinedOutput()
	if err != nil {
		t.Skipf("cannot mount a file system here: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", directory).Run() })
	return directory
}

func command(t *testing.T, name string, arguments ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("needs %s", name)
	}
	if out, err := exec.Command(name, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}
