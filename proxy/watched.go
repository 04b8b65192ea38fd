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
	made  bool      // is holds something
	sum   sum       // of what it was made of
	seen  sum       // of what was there at the last look
	since time.Time // when that had been read first
	err   error
}

type sum [sha256.Size]byte

// glance is what was in files.
type glance struct {
	at       time.Time // before they were read
	contents [][]byte
	sum      sum // tells the contents from others
	err      error
}

func glanceAt(files ...string) glance {
	g, hash := glance{at: time.Now()}, sha256.New()
	for _, name := range files {
		content, err := readRegular(name)
		if err != nil {
			g.sum, g.err = sha256.Sum256([]byte(err.Error())), fmt.Errorf("%w; see to it that it exists and that fisherman's user may read it", err)
			return g
		}
		_, _ = fmt.Fprintf(hash, "%d ", len(content))
		_, _ = hash.Write(content)
		g.contents = append(g.contents, content)
	}
	hash.Sum(g.sum[:0])
	return g
}

// reread looks at the files, and reports whether there is something new.
func (w *watched[T]) reread() (changed bool) { return w.take(glanceAt(w.files...)) }

// take reports whether there was something new in the files. What has changed is only taken for the owner's word when it is seen
// again after a while: a certificate and its key are two files, and each may be half written.
func (w *watched[T]) take(g glance) (changed bool) {
	if !w.settles(g) {
		return false
	}
	err := g.err
	if err == nil && w.made && g.sum == w.sum {
		w.err = nil
		return false
	}
	var fresh T
	if err == nil {
		fresh, err = w.make(g.contents)
	}
	if w.err = err; err != nil {
		return false
	}
	w.is, w.made, w.sum = fresh, true, g.sum
	return true
}

// settles takes note of what is there, and reports whether it counts.
func (w *watched[T]) settles(g glance) bool {
	is := !w.made || g.sum == w.seen && g.at.Sub(w.since) >= w.pause
	if g.sum != w.seen || w.since.IsZero() {
		w.seen, w.since = g.sum, time.Now() // g.at may be long ago on a slow disk
	}
	return is
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
