package proxy

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// eventWait is how long the end of a stream waits for the end of the event that is under way. Clients drop an event that
// is not complete (HTML Standard, 9.2.6).
const eventWait = partWait / 2

// eventStream is the body of an answer of server-sent events. It can be made to end, as if the backend had ended it.
type eventStream struct {
	io.ReadCloser
	cancel context.CancelFunc // wakes who reads

	mu     sync.Mutex
	events events
	asked  bool // to end after the event that is under way
	ended  bool
}

func newEventStream(res *http.Response, cancel context.CancelFunc) *eventStream {
	s := &eventStream{ReadCloser: res.Body, cancel: cancel}
	s.events.opaque = len(res.Header["Content-Encoding"]) > 0
	s.events.blank = true
	res.Body = s
	return s
}

func (s *eventStream) Read(b []byte) (int, error) {
	n, err := s.ReadCloser.Read(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended: // after the last event: too late to be passed on, and an error is our own doing
		return 0, io.EOF
	case s.asked:
		end, between := s.events.next(b[:n])
		if s.ended = between; between {
			return end, io.EOF
		}
	default:
		s.events.skip(b[:n])
	}
	return n, err
}

// part ends the stream between two events, or in the midst of one that takes too long.
func (s *eventStream) part(gone <-chan struct{}) {
	s.mu.Lock()
	s.asked = true
	s.ended = s.ended || s.events.between()
	ended := s.ended
	s.mu.Unlock()
	if !ended && leaves(gone, eventWait) {
		return
	}
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.cancel()
}

// said is never true: a client that has not got the end of its answer by now is cut off.
func (s *eventStream) said() bool { return false }

// events follows where one event ends and the next begins: at a blank line. Lines end with CR, LF or both (HTML
// Standard, 9.2.5).
type events struct {
	opaque   bool // compressed: no place is better than another
	blank    bool // nothing is on the line so far, and there was nothing on the one before, or there was none
	fresh    bool // nothing is on the line so far
	returned bool // the last byte was a CR
}

func (e *events) between() bool { return e.blank || e.opaque }

func (e *events) skip(b []byte) {
	for _, c := range b {
		e.take(c)
	}
}

// next takes b up to the end of an event and says how much that is, and whether there was an end.
func (e *events) next(b []byte) (n int, between bool) {
	for i, c := range b {
		e.take(c)
		if e.between() {
			return i + 1, true
		}
	}
	return len(b), false
}

func (e *events) take(c byte) {
	switch {
	case c == '\n' && e.returned: // the second half of a line's end
	case c == '\n', c == '\r':
		e.blank = e.fresh
		e.fresh = true
	default:
		e.blank, e.fresh = false, false
	}
	e.returned = c == '\r'
}
