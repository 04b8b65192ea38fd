package source

import "time"

// settling says when a file has been left alone for long enough to be read: one that is being written shall not count half.
type settling struct {
	seen  stamp
	since time.Time
	done  bool // it was read as it is
}

// see takes a look at the file into account and reports whether it is to be read now. What is there at the first look is read,
// too, when it has settled: it may have changed since somebody read it.
func (s *settling) see(now stamp, at time.Time, settle time.Duration) (due bool) {
	if s.since.IsZero() || now != s.seen {
		*s = settling{seen: now, since: at}
		return false
	}
	if s.done || at.Sub(s.since) < settle {
		return false
	}
	s.done = true
	return true
}
