package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// errHeld is returned for a file that another process has locked for a second.
var errHeld = errors.New("another fisherman uses this state directory; stop it, or give this one its own")

// errNoFile is returned for what has a journal's name and is none.
var errNoFile = errors.New("it is no regular file")

// Open opens the file, or makes it with mode 0600. A file that is damaged or of a newer version is set aside and Open
// starts with an empty one: apps are served without a history, too. Warnings tells what was set aside.
//
// A file that another process holds is an error after one second; so is whatever the file is not to blame for, such as
// a full disk or a missing permission.
func Open(path string) (*Journal, error) {
	j, err := open(path)
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return nil, fmt.Errorf("open %s: %w; free some space", path, err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("open %s: %w; let this user read and write it and its directory", path, err)
	case errors.Is(err, syscall.EROFS):
		return nil, fmt.Errorf("open %s: %w; set `state` to a directory this user may write", path, err)
	case errors.Is(err, syscall.EISDIR), errors.Is(err, errNoFile):
		return nil, fmt.Errorf("open %s: %w; move it away, and an empty journal is made", path, err)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return j, nil
}

func open(path string) (*Journal, error) {
	f, err := openLocked(path, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return create(path, "")
	case err != nil:
		return nil, err
	}
	j, err := adopt(f)
	if err == nil {
		return j, nil
	}
	defer func() { _ = f.Close() }() // only now: the lock on it keeps others from setting it aside, too
	kind, why := unusable(err)
	if kind == "" {
		return nil, err
	}
	aside := vacant(path + "." + kind + "-" + time.Now().UTC().Format("20060102T150405Z"))
	if j, err = create(path, aside); err != nil {
		return nil, fmt.Errorf("it cannot be used (%s), and no empty one can be made in its place: %w", why, err)
	}
	j.warn(setAside(path, aside, why))
	return j, nil
}

// unusable says how a file that is to be set aside is called, and why; an empty kind is an error that the file is not to
// blame for.
func unusable(err error) (kind, why string) {
	var bad *damaged
	var version newer
	switch {
	case errors.As(err, &version):
		return "newer", fmt.Sprintf("it was written by a newer version of fisherman (its layout is %d, this version knows %d); "+
			"to go back to it, stop fisherman, rename it to what it was and run the newer version", version, layout)
	case errors.As(err, &bad):
		return "unreadable", bad.reason
	}
	return "", ""
}

// setAside is what people read when a journal was set aside.
func setAside(path, aside, why string) string {
	return fmt.Sprintf("the journal %s cannot be used and was set aside as %s: %s. fisherman goes on with an empty journal. "+
		"Containers, routes and images stay, and what is live goes on serving. Gone are the history, deployments that had "+
		"not ended, promised look-ups, the order of pushes and which digests were judged; "+
		"a delivery that is sent again is taken for a new one", path, aside, why)
}

// vacant is a name that no file has.
func vacant(name string) string {
	for n, free := 2, name; ; n++ {
		if _, err := os.Lstat(free); err != nil {
			return free
		}
		free = name + "-" + strconv.Itoa(n)
	}
}

// openLocked opens a file and locks it. Who waited for a lock may get it on a file that has another name by then.
func openLocked(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|flag, 0o600)
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return nil, at.Err // whoever asked names the path
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNoFile
	}
	if err == nil {
		err = lock(f, time.Second)
	}
	if err == nil {
		var here, there fs.FileInfo
		if here, err = f.Stat(); err == nil {
			if there, err = os.Stat(path); err != nil || !os.SameFile(here, there) {
				err = errHeld
			}
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// create makes an empty journal. It appears under its name only once it is whole, and only then does what was there go
// aside.
func create(path, aside string) (*Journal, error) {
	fresh := path + ".new"
	f, err := openLocked(fresh, os.O_CREATE)
	if err != nil {
		return nil, err
	}
	j, err := fill(f)
	if err == nil {
		err = publish(fresh, path, aside)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(fresh), f.Close())
	}
	return j, nil
}

// fill makes a journal of a locked file: what is in it is the rest of a start that was interrupted.
func fill(f *os.File) (*Journal, error) {
	if err := f.Truncate(0); err != nil {
		return nil, err
	}
	return attach(f)
}

func publish(fresh, path, aside string) error {
	if aside != "" {
		if err := os.Rename(path, aside); err != nil {
			return err
		}
	} else if _, err := os.Lstat(path); err == nil {
		return errHeld // it was made while this process waited for the lock
	}
	if err := os.Rename(fresh, path); err != nil {
		if aside != "" {
			err = errors.Join(err, os.Rename(aside, path))
		}
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// adopt makes a journal of a locked file. bbolt maps the file into memory and trusts it: only what has been verified may
// get there.
func adopt(f *os.File) (*Journal, error) {
	version, err := verify(f)
	if err != nil {
		return nil, err
	}
	if version > layout {
		return nil, newer(version)
	}
	return attach(f)
}

// newer is the layout of a file that this version does not know.
type newer int

func (n newer) Error() string { return fmt.Sprintf("the file has layout %d", int(n)) }

func attach(f *os.File) (_ *Journal, err error) {
	db, err := mapped(f)
	if err != nil {
		return nil, err
	}
	j := &Journal{db: db, file: f, limits: standard(), ended: map[string]int{}}
	if err := j.prepare(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

func mapped(f *os.File) (_ *bolt.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damage("%v", p)
		}
	}()
	handOver := func(string, int, os.FileMode) (*os.File, error) { return f, nil }
	db, err := bolt.Open(f.Name(), 0o600, &bolt.Options{OpenFile: handOver, Timeout: time.Second})
	if errors.Is(err, bolterrors.ErrInvalid) || errors.Is(err, bolterrors.ErrChecksum) || errors.Is(err, bolterrors.ErrVersionMismatch) {
		err = damage("%v", err)
	}
	return db, err
}
