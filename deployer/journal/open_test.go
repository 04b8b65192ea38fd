package journal_test

import (
	"bytes"
	"errors"
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

// edit changes a closed file behind the journal's back.
func edit(t *testing.T, path string, change func(tx *bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// used is a closed journal with a deployment and a look-up that were promised.
func used(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	commit(t, j, deployer.Change{
		Deployments: []deployer.Deployment{full("1", deployer.Queued), full("2", deployer.Succeeded)},
		Lookups:     []deployer.Lookup{{Service: "web", Trigger: deployer.Trigger{Digest: "sha256:9"}}},
		Orders:      map[string]deployer.Order{"web": {{After: "a"}}},
	})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func files(t *testing.T, directory string) string {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return strings.Join(names, " ")
}

// Mutants: adopt that takes any version; setAside that forgets where.
func TestAFileThatCannotBeUsedIsSetAside(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, path string)
		kind  string
		why   string
	}{
		{"garbage", func(t *testing.T, path string) {
			write(t, path, []byte(strings.Repeat("not a journal ", 1000)))
		}, "unreadable", "it does not begin like a journal"},
		{"empty", func(t *testing.T, path string) { write(t, path, nil) }, "unreadable", "it does not begin like a journal"},
		{"truncated", func(t *testing.T, path string) {
			write(t, path, content(t, path)[:3*4096])
		}, "unreadable", "it is cut short: 3 of its "},
		{"a lost page", func(t *testing.T, path string) {
			raw := content(t, path)
			clear(raw[3*4096:])
			write(t, path, raw)
		}, "unreadable", "page "},
		{"newer", func(t *testing.T, path string) {
			edit(t, path, func(tx *bolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("version"), []byte("2")) })
		}, "newer", "newer version of fisherman (its layout is 2, this version knows 1); to go back to it, stop fisherman, rename it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := used(t)
			c.spoil(t, path)
			spoilt := content(t, path)
			j := open(t, path)
			told := strings.Join(j.Warnings(), "\n")
			aside, err := filepath.Glob(path + "." + c.kind + "-*")
			if err != nil || len(aside) != 1 {
				t.Fatalf("there are %s; want one that is %s", files(t, filepath.Dir(path)), c.kind)
			}
			for _, want := range []string{path, aside[0], c.why, "Containers, routes and images stay", "Gone are the history"} {
				if !strings.Contains(told, want) {
					t.Errorf("told %q; want to hear of %q", told, want)
				}
			}
			if !bytes.Equal(content(t, aside[0]), spoilt) {
				t.Error("what was set aside was changed")
			}
			if m, err := j.Load(); err != nil || len(m.Active) != 0 {
				t.Errorf("loaded %+v, %v; want nothing", m, err)
			}
			commit(t, j, deployer.Change{Deployments: []deployer.Deployment{full("3", deployer.Queued)}})
			j = reopened(t, j, path)
			if m, err := j.Load(); err != nil || len(m.Active) != 1 || len(j.Warnings()) != 0 {
				t.Errorf("loaded %+v, %v; want what was written since, and nothing to tell", m, err)
			}
		})
	}
}

func write(t *testing.T, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Mutant: openLocked without lock.
func TestWhatTheFileIsNotToBlameForSetsNothingAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(path); err == nil {
		t.Error("opened a directory")
	}
	held := used(t)
	open(t, held)
	write(t, held+".new", []byte("x"))
	if _, err := journal.Open(held); err == nil || !strings.Contains(err.Error(), "another fisherman uses this state directory") {
		t.Errorf("opened twice: %v", err)
	}
	if got := files(t, filepath.Dir(path)) + " " + files(t, filepath.Dir(held)); got != "journal.db journal.db journal.db.new" {
		t.Errorf("there are %s", got)
	}
}

func TestAStartThatWasInterruptedLeavesNothingBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	write(t, path+".new", []byte(strings.Repeat("the rest of a start ", 1000)))
	j := open(t, path)
	if told := j.Warnings(); len(told) != 0 || files(t, filepath.Dir(path)) != "journal.db" {
		t.Errorf("told %v, and there are %s", told, files(t, filepath.Dir(path)))
	}
	commit(t, j, deployer.Change{Deployments: []deployer.Deployment{full("1", deployer.Queued)}})
}

// Mutants: prepare that always repairs; tidy that always writes.
func TestAStartWithoutAChangeWritesNothing(t *testing.T) {
	path := used(t)
	before := content(t, path)
	j := open(t, path)
	if m, err := j.Load(); err != nil || len(m.Active) != 1 {
		t.Fatalf("loaded %+v, %v", m, err)
	}
	if err := j.Configured([]string{"web"}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, content(t, path)) {
		t.Error("the file changed")
	}
}

// TestTheFileOfAnOlderFishermanGetsItsIndexes: the older one knows none of them, and writes without. Mutant: isPrepared
// without the transaction.
func TestTheFileOfAnOlderFishermanGetsItsIndexes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	l := &lives{j: open(t, path), services: []string{"web", "api"}}
	l.replay(t, 30)
	want, err := l.j.Succeeded("web", 100)
	if err != nil || len(want) != 12 {
		t.Fatalf("%d succeeded, %v; want 12 of 15", len(want), err)
	}
	if err := l.j.Close(); err != nil {
		t.Fatal(err)
	}
	for name, older := range map[string]func(*bolt.Tx) error{
		"never indexed": func(tx *bolt.Tx) error {
			for _, name := range []string{"succeeded", "judgments", "delivered", "outages", "departed"} {
				if err := tx.DeleteBucket([]byte(name)); err != nil {
					return err
				}
			}
			return tx.Bucket([]byte("meta")).Delete([]byte("indexed"))
		},
		"written since": func(tx *bolt.Tx) error {
			return tx.Bucket([]byte("succeeded")).Delete([]byte("web\x00" + want[3].ID))
		},
	} {
		edit(t, path, older)
		j := open(t, path)
		if got, err := j.Succeeded("web", 100); err != nil || len(got) != len(want) || got[3].ID != want[3].ID {
			t.Errorf("%s: %d succeeded, %v; want %d", name, len(got), err, len(want))
		}
		if told := j.Warnings(); len(told) != 0 {
			t.Errorf("%s: told %v", name, told)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatIsNoFileIsNoJournal: its name is told once, and what to do.
func TestWhatIsNoFileIsNoJournal(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"a directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"a pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		path := filepath.Join(t.TempDir(), "journal.db")
		if err := put(path); err != nil {
			t.Fatal(err)
		}
		_, err := journal.Open(path)
		if err == nil || strings.Count(err.Error(), path) != 1 || !strings.Contains(err.Error(), "; move it away, and an empty journal is made") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
