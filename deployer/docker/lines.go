package docker

import (
	"bytes"
	"io"
	"sync"
)

// longest is where a line without an end is cut.
const longest = 64 << 10

// sink is where the lines of one container go, shared with other containers.
type sink struct {
	mu     *sync.Mutex // held for one line
	into   io.Writer
	prefix string
}

func (s *sink) line(text []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.into.Write(append(append([]byte(s.prefix), text...), '\n'))
	return err
}

// lines cuts one stream into lines: Docker sends it in pieces of any size.
type lines struct {
	sink *sink
	rest []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		next := end + 1
		if end < 0 {
			if len(l.rest) < longest {
				return len(p), nil
			}
			end, next = longest, longest
		}
		if err := l.sink.line(l.rest[:end]); err != nil {
			return 0, err
		}
		l.rest = l.rest[next:]
	}
}

// flush writes a last line that has no end.
func (l *lines) flush() error {
	if len(l.rest) == 0 {
		return nil
	}
	return l.sink.line(l.rest)
}
