package proxy

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// watched is something made of files. It keeps what it was made of last when they change to something that cannot be used.
type watched[T any] struct {
	files []string
	make  func(contents [][]byte) (T, error)
	pause time.Duration // for which a change must stay

	is    T
	made  bool // is holds something
	sum   sum  // of what it was made of
	seen  sum  // of what was there at the last look
	since time.Time
	err   error
}

type sum [sha256.Size]byte

// reread looks at the files, and reports whether there is something new. What has changed is only taken for the owner's word
// when it is seen again after a while: a certificate and its key are two files, and each may be half written.
func (w *watched[T]) reread() (changed bool) {
	contents, now, err := w.read()
	if !w.settles(now) {
		return false
	}
	if err == nil && w.made && now == w.sum {
		w.err = nil
		return false
	}
	var fresh T
	if err == nil {
		fresh, err = w.make(contents)
	}
	if w.err = err; err != nil {
		return false
	}
	w.is, w.made, w.sum = fresh, true, now
	return true
}

// settles takes note of what is there, and reports whether it counts.
func (w *watched[T]) settles(now sum) bool {
	is := !w.made || now == w.seen && time.Since(w.since) >= w.pause
	if now != w.seen || w.since.IsZero() {
		w.seen, w.since = now, time.Now()
	}
	return is
}

// read returns the files' contents and what tells them from others.
func (w *watched[T]) read() (contents [][]byte, now sum, err error) {
	hash := sha256.New()
	for _, name := range w.files {
		content, err := readRegular(name)
		if err != nil {
			return nil, sha256.Sum256([]byte(err.Error())), fmt.Errorf("%w; see to it that it exists and that fisherman's user may read it", err)
		}
		_, _ = fmt.Fprintf(hash, "%d ", len(content))
		_, _ = hash.Write(content)
		contents = append(contents, content)
	}
	hash.Sum(now[:0])
	return contents, now, nil
}

// longestFile is more than any certificate with its chain, and any list of CAs, needs.
const longestFile = 4 << 20

// readRegular reads a file that has an end: whoever waited for a pipe would keep all hosts waiting.
func readRegular(name string) ([]byte, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	info, err := file.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() > longestFile) {
		err = fmt.Errorf("%s is no regular file of at most %d MiB", name, longestFile>>20)
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(file, longestFile))
}
