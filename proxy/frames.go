package proxy

import "encoding/binary"

// maxFrameHead is the longest head of a WebSocket frame: two bytes, a length of eight and a mask of four.
const maxFrameHead = 14

const (
	closeOpcode    = 8
	maskBit        = 0x80
	finalBit       = 0x80
	goingAway      = 1001
	goingAwayWords = "going away"
)

// frames follows one direction of a WebSocket by the heads of its frames (RFC 6455, 5.2). What is in them, whether they
// are fragments or compressed, is no concern here: control frames may stand between any two frames (5.4).
type frames struct {
	head   [maxFrameHead]byte
	have   int    // bytes of the head of the current frame; 0 between frames
	left   uint64 // bytes of its payload that are still to come, once the head is complete
	closed bool   // a close frame has passed: there must be no frame after it (5.5.1)
}

// between says that the next byte begins a frame.
func (f *frames) between() bool { return f.have == 0 }

// next takes b up to the end of the current frame, and returns how much that is.
func (f *frames) next(b []byte) (n int) {
	for n < len(b) {
		if f.left > 0 {
			passed := min(f.left, uint64(len(b)-n))
			f.left -= passed
			n += int(passed)
		} else {
			f.head[f.have] = b[n]
			f.have++
			n++
			if f.have < f.headLength() {
				continue
			}
			f.left = f.payloadLength()
		}
		if f.left == 0 {
			f.closed = f.closed || f.head[0]&0x0f == closeOpcode
			f.have = 0
			return n
		}
	}
	return n
}

// skip takes all of b.
func (f *frames) skip(b []byte) {
	for len(b) > 0 {
		b = b[f.next(b):]
	}
}

// headLength is how long the head is, as far as can be told from what there is of it.
func (f *frames) headLength() int {
	length := 2
	if f.have < length {
		return length
	}
	switch f.head[1] &^ maskBit {
	case 126:
		length += 2
	case 127:
		length += 8
	}
	if f.head[1]&maskBit != 0 {
		length += 4
	}
	return length
}

func (f *frames) payloadLength() uint64 {
	switch short := f.head[1] &^ maskBit; short {
	case 126:
		return uint64(binary.BigEndian.Uint16(f.head[2:]))
	case 127:
		return binary.BigEndian.Uint64(f.head[2:])
	default:
		return uint64(short)
	}
}

// closeFrame says that this end goes away (7.4.1): unmasked, as servers send it.
func closeFrame() []byte {
	frame := []byte{finalBit | closeOpcode, byte(2 + len(goingAwayWords))}
	frame = binary.BigEndian.AppendUint16(frame, goingAway)
	return append(frame, goingAwayWords...)
}

// maskedCloseFrame is the same as clients send it (5.3).
func maskedCloseFrame(mask [4]byte) []byte {
	plain := closeFrame()
	frame := append([]byte{plain[0], plain[1] | maskBit}, mask[:]...)
	for i, c := range plain[2:] {
		frame = append(frame, c^mask[i%len(mask)])
	}
	return frame
}
