package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// errNoFile is returned for what has the name of one of fisherman's own files and is none.
var errNoFile = errors.New("it is no regular file")

// readOwn reads a file of fisherman's own. A pipe in its place would be waited for, and no signal would end that.
func readOwn(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errNoFile}
	}
	return os.ReadFile(path)
}

// untilStopped reads what may be long in coming: from a terminal, or a pipe such as a shell's `<(…)`. When ctx ends it is waited for
// no more, and nothing but the end of the process, which is near then, ends the reading itself.
func untilStopped(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type answer struct {
		raw []byte
		err error
	}
	came := make(chan answer, 1)
	go func() {
		raw, err := read()
		came <- answer{raw, err}
	}()
	select {
	case a := <-came:
		return a.raw, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
