package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/journal"

	bolt "go.etcd.io/bbolt"
)

// disks are small ones of two kinds: one that allocates when it is written, and one later.
func disks() map[string]func(t *testing.T) string {
	return map[string]func(t *testing.T) string{
		"tmpfs": func(t *testing.T) string {
			directory := t.TempDir()
			command(t, "mount", "-t", "tmpfs", "-o", "size=2M", "fisherman-test", directory)
			t.Cleanup(func() { command(t, "umount", directory) })
			return directory
		},
		"ext4": func(t *testing.T) string {
			image := filepath.Join(t.TempDir(), "disk")
			command(t, "truncate", "-s", "4M", image)
			command(t, "mkfs.ext4", "-q", "-m", "0", image)
			return mount(t, image)
		},
	}
}

// fill leaves no space on a disk; remove the file to have it back.
func fill(t *testing.T, directory string) (ballast string) {
	t.Helper()
	ballast = filepath.Join(directory, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		if _, err = f.Write(block); err == nil {
			err = f.Sync()
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return ballast
}

// onSmallDisks runs a test on each. It needs root: it mounts them.
func onSmallDisks(t *testing.T, test func(t *testing.T, directory string)) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it mounts a disk to fill it")
	}
	for name, disk := range disks() {
		t.Run(name, func(t *testing.T) { test(t, disk(t)) })
	}
}

// TestAFullDiskChangesNothing: a Commit either fails and changes nothing or is there; a start goes on with what is there;
// and all is well once there is space. Mutant: prepare that always repairs.
func TestAFullDiskChangesNothing(t *testing.T) {
	onSmallDisks(t, func(t *testing.T, directory string) {
		path := filepath.Join(directory, "journal.db")
		j := open(t, path)
		l := &lives{j: j, services: []string{"web"}, notes: 7}
		l.replay(t, 5)
		ballast := fill(t, directory)
		refused, accepted := 0, l.begun
		for range 400 {
			before := everything(t, j)
			d := full(l.id(accepted), deployer.Queued)
			d.Message = strings.Repeat("long ", 500)
			err := j.Commit(deployer.Change{Deployments: []deployer.Deployment{d}, Delivery: &deployer.Delivery{Repository: "o/web", ID: d.ID, At: time.Now()}})
			if err == nil {
				accepted++
				continue
			}
			if refused++; refused == 20 {
				break
			}
			if after := everything(t, j); before != after {
				t.Fatalf("refused (%v), and yet something changed:\n%+v\n%+v", err, before, after)
			}
		}
		if refused < 20 {
			t.Fatalf("refused %d times; the disk never was full", refused)
		}
		before := everything(t, j)
		j = reopened(t, j, path) // on the full disk
		if after := everything(t, j); before != after || len(j.Warnings()) != 0 {
			t.Errorf("a start on a full disk found\n%+v\nwant\n%+v", after, before)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		commit(t, j, deployer.Change{Deployments: []deployer.Deployment{full(l.id(accepted), deployer.Queued)}})
		j = reopened(t, j, path)
		if m, err := j.Load(); err != nil || len(m.Active) != accepted-l.begun+1 {
			t.Errorf("%d are to be carried out, %v; want %d", len(m.Active), err, accepted-l.begun+1)
		}
		if got := files(t, directory); !strings.HasPrefix(got, "journal.db") || strings.Contains(got, "unreadable") {
			t.Errorf("there are %s", got)
		}
	})
}

// everything is what can be read of a journal.
func everything(t *testing.T, j *journal.Journal) string {
	t.Helper()
	m, err := j.Load()
	if err != nil {
		t.Fatal(err)
	}
	list, err := j.Deployments("", 1000)
	if err != nil {
		t.Fatal(err)
	}
	deliveries := ""
	for _, d := range list {
		if _, known, err := j.Delivery("o/web", d.ID); known || err != nil {
			deliveries += fmt.Sprint(" ", d.ID, err)
		}
	}
	return fmt.Sprintf("%+v\n%+v\n%s", m, list, deliveries)
}

// TestANewJournalOnAFullDisk: neither a new file nor one in the place of a damaged one leaves half a
// file, and one that only lacks an index is not damaged. Mutant: publish
// before the new one is whole.
func TestANewJournalOnAFullDisk(t *testing.T) {
	onSmallDisks(t, func(t *testing.T, directory string) {
		damaged := filepath.Join(directory, "damaged.db")
		write(t, damaged, []byte("damaged"))
		older := filepath.Join(directory, "older.db") // it is to get its indexes
		l := &lives{j: open(t, older), services: []string{"web"}}
		l.replay(t, 100)
		if err := l.j.Close(); err != nil {
			t.Fatal(err)
		}
		edit(t, older, func(tx *bolt.Tx) error {
			for n := range 100 { // no page that is free is left in it
				if err := tx.Bucket([]byte("messages")).Put([]byte(fmt.Sprint(n)), make([]byte, 5000)); err != nil {
					return err
				}
			}
			return tx.Bucket([]byte("meta")).Delete([]byte("indexed"))
		})
		ballast := fill(t, directory)
		fresh := filepath.Join(directory, "journal.db")
		for _, path := range []string{fresh, damaged, older} {
			if _, err := journal.Open(path); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free some space") {
				t.Errorf("opened %s: %v; want to hear what to do", path, err)
			}
		}
		if got := strings.ReplaceAll(files(t, directory), "lost+found ", ""); got != "ballast damaged.db older.db" {
			t.Errorf("there are %s", got)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{fresh, older} {
			if told := open(t, path).Warnings(); len(told) != 0 {
				t.Errorf("told %v", told)
			}
		}
		if told := open(t, damaged).Warnings(); len(told) != 1 {
			t.Errorf("told %v; want to hear of the damaged one", told)
		}
	})
}
