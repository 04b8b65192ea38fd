package proxy

const (
	headersFrame      = 1
	continuationFrame = 9
	endHeaders        = 4
)

// heads follows the heads of requests in HTTP/2 by the heads of its frames: a HEADERS frame and what CONTINUATION frames there are,
// up to the one that says END_HEADERS (RFC 9113, 4.1 and 4.3). What else is wrong with frames is no concern here.
type heads struct {
	frame [9]byte // the head of the current frame
	have  int     // bytes of it; 0 between frames
	left  int     // bytes of its payload that are still to come, once its head is complete
	open  bool    // a request's head has begun and is not complete
	whole int     // how many have been
}

// take takes bytes as they arrive.
func (h *heads) take(b []byte) {
	for len(b) > 0 {
		if h.have < len(h.frame) {
			n := copy(h.frame[h.have:], b)
			h.have, b = h.have+n, b[n:]
			if h.have < len(h.frame) {
				return
			}
			h.left = int(h.frame[0])<<16 | int(h.frame[1])<<8 | int(h.frame[2])
			h.open = h.open || h.frame[3] == headersFrame
		}
		n := min(h.left, len(b))
		h.left, b = h.left-n, b[n:]
		if h.left == 0 {
			h.end()
		}
	}
}

// end notes that the current frame is complete.
func (h *heads) end() {
	h.have = 0
	if kind := h.frame[3]; (kind == headersFrame || kind == continuationFrame) && h.frame[4]&endHeaders != 0 {
		h.open = false
		h.whole++
	}
}
