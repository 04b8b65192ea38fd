package journal_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"fisherman/deployer"
)

// TestWhatIsCommittedSurvivesAPowerCut copies the blocks of a mounted file system right after Commit has returned: what
// a disk holds when the power goes. The first delivery is also the file's own first moment. Mutant: Open with NoSync.
func TestWhatIsCommittedSurvivesAPowerCut(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it mounts a file system to cut its power")
	}
	directory := t.TempDir()
	disk := filepath.Join(directory, "disk")
	command(t, "truncate", "-s", "16M", disk)
	command(t, "mkfs.ext4", "-q", disk)
	mounted := mount(t, disk)
	j := open(t, filepath.Join(mounted, "journal.db"))
	for i := range 3 {
		id := fmt.Sprint(i)
		commit(t, j, deployer.Change{
			Deployments: []deployer.Deployment{full(id, deployer.Queued)},
			Delivery:    &deployer.Delivery{Repository: "o/web", ID: id, Deployments: []string{id}, At: time.Now()},
		})
		after := filepath.Join(directory, "after-"+id) // a new one each time: the kernel may still hold the last one's blocks
		command(t, "cp", "--sparse=always", disk, after)
		survived := mount(t, after)
		recovered := open(t, filepath.Join(survived, "journal.db"))
		if ids, known, err := recovered.Delivery("o/web", id); !known || len(ids) != 1 || err != nil {
			t.Errorf("after the power cut delivery %s led to %v, %v, %v; want it known", id, ids, known, err)
		}
		if m, err := recovered.Load(); len(m.Active) != i+1 || err != nil {
			t.Errorf("after the power cut %d are to be carried out, %v; want %d", len(m.Active), err, i+1)
		}
		if err := recovered.Close(); err != nil {
			t.Error(err)
		}
		command(t, "umount", survived)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
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
