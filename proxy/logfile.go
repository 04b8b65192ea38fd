package proxy

import (
	"bytes"
	"os"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

// writeWithin bounds a write to what may be a pipe that nobody reads.
const writeWithin = time.Second

// logFile appends to a file by its name. Whoever rotates it may rename, remove or truncate it at any time and needs to
// tell nobody: lines go to what has the name when they are written. A file that cannot be written costs lines and never a
// request, and that is said once.
type logFile struct {
	path string
	log  zerolog.Logger
	file *os.File // nil: not open
	torn bool     // the last write ended in the midst of a line
	down bool     // it could not be written the last time
	lost int      // lines, since then
}

// Write takes whole lines. It never fails for its caller, who could do nothing about it.
func (f *logFile) Write(lines []byte) (int, error) {
	err := f.append(lines)
	switch {
	case err != nil:
		if !f.down {
			f.log.Error().Err(err).Msg("cannot write the access log; requests are served, and their lines are lost")
		}
		f.down, f.lost = true, f.lost+bytes.Count(lines, []byte("\n"))
		f.close()
	case f.down:
		f.log.Info().Int("lost", f.lost).Msg("the access log is written again")
		f.down, f.lost = false, 0
	}
	return len(lines), nil
}

func (f *logFile) append(lines []byte) error {
	if err := f.open(); err != nil {
		return err
	}
	_ = f.file.SetWriteDeadline(time.Now().Add(writeWithin)) // files have none, and need none
	if f.torn {
		if _, err := f.file.WriteString("\n"); err != nil {
			return err
		}
		f.torn = false
	}
	n, err := f.file.Write(lines)
	f.torn = n > 0 && lines[n-1] != '\n'
	return err
}

// open sees to it that what is open is what has the name.
func (f *logFile) open() error {
	if f.file != nil {
		is, err := f.file.Stat()
		named, gone := os.Stat(f.path)
		if err == nil && gone == nil && os.SameFile(is, named) {
			return nil
		}
		f.close()
		f.torn = false // the new one begins with a whole line
	}
	// A pipe that nobody reads fails to open instead of waiting for a reader.
	file, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY|syscall.O_NONBLOCK, 0o640)
	f.file = file
	if err != nil {
		f.file = nil
	}
	return err
}

func (f *logFile) close() {
	if f.file != nil {
		_ = f.file.Close() // what it could not write is told
		f.file = nil
	}
}
