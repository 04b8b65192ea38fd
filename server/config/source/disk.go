package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// stamp is what changes with a file and can be had without reading it.
type stamp struct {
	identity
	size     int64
	modified time.Time
	trouble  string // why there is none of that
}

// identity is which file it is, and when it changed last (ns).
type identity struct {
	device, inode uint64
	touched       int64
}

// look returns the stamp of what a path leads to. A ConfigMap swaps a link on the way to it, an editor renames a new file
// onto it: both lead to another inode.
func look(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{trouble: err.Error()}
	}
	return stamp{identity: identify(info), size: info.Size(), modified: info.ModTime()}
}

// readFile reads a file, one byte more than MaxSize at most. What is written to meanwhile is read again.
func readFile(ctx context.Context, path string) (raw []byte, _ string, err error) {
	for {
		before := look(path)
		if raw, err = readOnce(ctx, path); err != nil {
			return nil, "", worded(path, err)
		}
		if look(path) == before {
			return raw, "", nil
		}
		if ctx.Err() != nil {
			return nil, "", fmt.Errorf("%s is being written all the time; write it to another name first and rename that", path)
		}
	}
}

// readOnce does not hang at a pipe that nobody writes to.
func readOnce(ctx context.Context, path string) (raw []byte, err error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if end, ok := ctx.Deadline(); ok {
		_ = file.SetReadDeadline(end) // ordinary files have none, and do not need one
	}
	return io.ReadAll(io.LimitReader(file, MaxSize+1))
}

// worded says of a file that cannot be read what to do.
func worded(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s %w; write it, or name another", path, ErrAbsent)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s %w by the user that fisherman runs as; change its owner or mode", path, ErrRefused)
	case errors.Is(err, syscall.EISDIR):
		return fmt.Errorf("%s is a directory; name a file in it", path)
	}
	return fmt.Errorf("%s: %w; is its disk well?", path, err)
}
