package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// diskSize is what a state directory of an arena may hold.
const diskSize = "24m"

// disk is the file system of a state directory.
type disk struct{ dir string }

// mountDisk mounts a small file system.
func mountDisk(t *testing.T, dir string) *disk {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "mode=0700,size="+diskSize, "chaos", dir).CombinedOutput(); err != nil {
		t.Fatalf("mount a small file system: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("unmount: %v\n%s", err, out)
		}
	})
	return &disk{dir}
}

// fill leaves not a byte free, until the returned function is called.
func (d *disk) fill() (empty func() error, err error) {
	name := filepath.Join(d.dir, "fill")
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	piece := make([]byte, 4<<10)
	for err == nil {
		_, err = file.Write(piece)
	}
	if closed := file.Close(); !errors.Is(err, syscall.ENOSPC) || closed != nil {
		return nil, errors.Join(err, closed)
	}
	return func() error { return os.Remove(name) }, nil
}

// damage is what is done to a state file between a kill and a start.
type damage struct {
	name string
	do   func(file string) error
}

func damages() []damage {
	return []damage{
		{"corrupt routes.json", at("routes.json", func(file string) error { return os.WriteFile(file, []byte(`{"version":1,"services":{"web`), 0o600) })},
		{"truncated routes.json", at("routes.json", func(file string) error { return os.Truncate(file, 0) })},
		{"newer routes.json", at("routes.json", func(file string) error {
			return os.WriteFile(file, []byte(`{"version":99,"services":[]}`), 0o600)
		})},
		{"corrupt journal.db", at("journal.db", func(file string) error { return overwrite(file, 16<<10) })},
		{"truncated journal.db", at("journal.db", func(file string) error { return os.Truncate(file, 6<<10) })},
		{"newer journal.db", at("journal.db", newer)},
	}
}

func at(name string, do func(string) error) func(string) error {
	return func(dir string) error { return do(filepath.Join(dir, name)) }
}

// overwrite writes nonsense over the beginning of a file.
func overwrite(file string, bytes int) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	nonsense := make([]byte, bytes)
	for i := range nonsense {
		nonsense[i] = byte(i * 31)
	}
	_, err = f.WriteAt(nonsense, 0)
	return errors.Join(err, f.Close())
}

// newer makes it the journal of a fisherman of the future.
func newer(file string) error {
	db, err := bolt.Open(file, 0o600, nil)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("version"), []byte("99")) })
	return errors.Join(err, db.Close())
}
