package proxy

import (
	"io"
	"sync"
)

// lane is one direction of a WebSocket. It passes frames on, and can end them with one of its own after the frame that
// is under way.
type lane struct {
	out      io.Writer
	farewell []byte

	mu      sync.Mutex // not held while out is written to
	frames  frames     // as they came in
	open    bool       // frames may be written: the handshake is over
	writing bool
	asked   bool // to say farewell
	due     bool // farewell, after what is being written
	shut    bool // a close frame has been passed on: there is nothing left to say
	over    bool // nothing passes any more
}

// Write passes b on, or what of it comes before the farewell. The rest is only taken in: a connection that is not read
// to its end would be reset.
func (l *lane) Write(b []byte) (int, error) {
	if pass := l.admit(b); len(pass) > 0 {
		if n, err := l.out.Write(pass); err != nil {
			return n, err
		}
	}
	return len(b), l.say(l.written())
}

// admit returns how much of b is passed on.
func (l *lane) admit(b []byte) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open, l.writing = true, true
	switch {
	case l.over:
		l.frames.skip(b)
		return nil
	case l.asked:
		n := 0
		if !l.frames.between() {
			n = l.frames.next(b)
		}
		l.due, l.shut = l.frames.between(), l.frames.closed
		l.frames.skip(b[n:])
		return b[:n]
	default:
		l.frames.skip(b)
		l.shut = l.frames.closed
		return b
	}
}

func (l *lane) written() (say bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writing = false
	return l.endLocked()
}

// begin says that the handshake is over.
func (l *lane) begin() error {
	l.mu.Lock()
	l.open = true
	say := l.endLocked()
	l.mu.Unlock()
	return l.say(say)
}

// end asks for the farewell, and says it unless a frame is under way: then whoever writes the end of that does.
func (l *lane) end() error {
	l.mu.Lock()
	l.asked = true
	say := l.endLocked()
	l.mu.Unlock()
	return l.say(say)
}

// endLocked ends the lane if it is time to, and reports whether the caller has to say farewell.
func (l *lane) endLocked() (say bool) {
	if !l.asked || l.over || !l.open || l.writing || !l.due && !l.frames.between() {
		return false
	}
	l.over = true
	return !l.shut
}

func (l *lane) say(farewell bool) error {
	if !farewell {
		return nil
	}
	_, err := l.out.Write(l.farewell)
	return err
}

func (l *lane) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// hasClosed reports whether a close frame has come in.
func (l *lane) hasClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.frames.closed
}
