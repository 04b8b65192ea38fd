package proxy

import (
	"bytes"
	"strconv"
)

// framing follows the requests on a client's connection, byte by byte as they arrive, and spoils the head of any that
// can be read in two ways, so that net/http refuses it as malformed (400). net/http on its own takes these:
//
//   - Content-Length together with Transfer-Encoding, or given twice: the body ends in two places (RFC 9112, 6.1 and 6.3)
//   - Transfer-Encoding in HTTP/1.0, which it ignores (RFC 9112, 6.1)
//   - a Host field that contradicts the host of an absolute-form target, which it drops (RFC 9112, 3.2.2)
//   - fields folded over several lines (RFC 9112, 5.2)
//   - any number of fields, each of which costs it many times its length in memory before the head is whole
//
// Between a proxy in front of this one and the apps behind, each of the others is a way to smuggle a request past either.
// What net/http refuses itself is no concern of framing: it closes the connection.
type framing struct {
	agreed  bool // client and server have agreed on HTTP/1.1, so HTTP/2 must not begin
	expect  expectation
	partial []byte // the line so far, when it began in an earlier read
	data    uint64 // bytes of a body still to come
	head    head
	whole   bool // a head has been complete
	spoiled bool
}

// expectation says what the next line is.
type expectation int

const (
	requestLine expectation = iota
	field
	chunkSize
	trailer
)

// maxFields is the most fields that a head may have. Browsers and proxies send some dozens.
const maxFields = 500

// head is what matters of a request's head.
type head struct {
	version10 bool
	fields    int
	authority []byte // of an absolute-form target
	framed    bool   // by Content-Length or Transfer-Encoding
	chunked   bool
	length    uint64
}

// inspect takes the bytes of one read and may overwrite them.
func (f *framing) inspect(b []byte) {
	for len(b) > 0 && !f.spoiled {
		if f.data > 0 {
			n := min(f.data, uint64(len(b)))
			f.data -= n
			b = b[n:]
			continue
		}
		n, ok := f.line(b)
		if !ok { // a line that no head may contain, and from there on nothing but an end to that head
			f.spoiled = true
			b[0], n = 0, 1
		}
		b = b[n:]
	}
	for i := range b {
		b[i] = '\n'
	}
}

// line consumes a line, or as much of it as b has, and reports false when it must not pass.
func (f *framing) line(b []byte) (n int, ok bool) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		f.partial = append(f.partial, b...)
		return len(b), true
	}
	line := b[:end]
	if len(f.partial) > 0 {
		line = append(f.partial, line...)
		f.partial = f.partial[:0]
	}
	return end + 1, f.accept(bytes.TrimSuffix(line, []byte{'\r'}))
}

func (f *framing) accept(line []byte) bool {
	switch f.expect {
	case requestLine:
		return f.acceptRequest(line)
	case field:
		return f.acceptField(line)
	case chunkSize:
		return f.acceptChunk(line)
	default:
		if len(line) == 0 {
			f.expect = requestLine
		}
		return true
	}
}

func (f *framing) acceptRequest(line []byte) bool {
	if len(line) == 0 { // net/http tolerates an empty line between requests
		return true
	}
	if f.agreed && bytes.HasPrefix(line, []byte("PRI ")) {
		return false
	}
	f.expect, f.head = field, head{version10: bytes.HasSuffix(line, []byte("/1.0"))}
	_, target, _ := bytes.Cut(line, []byte{' '})
	if _, rest, absolute := bytes.Cut(target, []byte("://")); absolute && target[0] != '/' {
		end := bytes.IndexAny(rest, "/?# ")
		f.head.authority = bytes.Clone(rest[:max(end, 0)])
	}
	return true
}

func (f *framing) acceptField(line []byte) bool {
	if len(line) == 0 {
		f.endHead()
		return true
	}
	f.head.fields++
	if line[0] == ' ' || line[0] == '\t' || f.head.fields > maxFields {
		return false
	}
	name, value, _ := bytes.Cut(line, []byte{':'})
	return f.head.accept(name, bytes.TrimSpace(value))
}

func (h *head) accept(name, value []byte) bool {
	switch {
	case bytes.EqualFold(name, []byte("Host")):
		return h.authority == nil || bytes.EqualFold(h.authority, value)
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		twice := h.framed
		h.framed, h.chunked = true, true
		return !twice && !h.version10
	case bytes.EqualFold(name, []byte("Content-Length")):
		twice := h.framed
		length, err := strconv.ParseUint(string(value), 10, 63)
		h.framed, h.length = true, length
		return !twice && err == nil
	}
	return true
}

func (f *framing) endHead() {
	f.expect, f.data, f.whole = requestLine, f.head.length, true
	f.partial = nil // its longest line is not kept for as long as the connection is
	if f.head.chunked {
		f.expect = chunkSize
	}
}

func (f *framing) acceptChunk(line []byte) bool {
	digits, _, _ := bytes.Cut(line, []byte{';'})
	size, err := strconv.ParseUint(string(bytes.TrimRight(digits, " \t")), 16, 62)
	if size == 0 {
		f.expect = trailer
		return err == nil
	}
	const lineEnd = 2
	f.data = size + lineEnd
	return true
}
