package proxy

import (
	"bytes"
	"testing"

	"golang.org/x/net/http2"
)

// TestHeadsAreFollowedHoweverTheyArrive, in pieces of any size.
func TestHeadsAreFollowedHoweverTheyArrive(t *testing.T) {
	var sent bytes.Buffer
	framer := http2.NewFramer(&sent, nil)
	open := map[int]bool{} // after so many bytes, at the ends of frames
	write := func(opens bool, err error) {
		if err != nil {
			t.Fatal(err)
		}
		open[sent.Len()] = opens
	}
	block := []byte("any block will do")
	write(false, framer.WriteSettings())
	write(false, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndHeaders: true}))
	write(false, framer.WriteData(1, false, make([]byte, 300)))
	write(true, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: block, PadLength: 7}))
	write(true, framer.WriteContinuation(3, false, nil))
	write(false, framer.WriteContinuation(3, true, block))
	write(false, framer.WriteData(1, true, nil))
	write(false, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 5, EndHeaders: true}))
	write(false, framer.WritePing(false, [8]byte{}))
	for piece := range sent.Len() {
		var h heads
		for from, b := 0, sent.Bytes(); from < len(b); {
			to := min(from+piece+1, len(b))
			h.take(b[from:to])
			if want, end := open[to]; end && h.open != want {
				t.Errorf("in pieces of %d, after %d bytes: a head is open %v, want %v", piece+1, to, h.open, want)
			}
			from = to
		}
		if h.whole != 3 || h.open || h.have != 0 {
			t.Errorf("in pieces of %d: %+v", piece+1, h)
		}
	}
}
