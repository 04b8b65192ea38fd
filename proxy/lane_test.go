package proxy

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// frame is one WebSocket frame as it goes over the wire.
func frame(first byte, masked bool, length int) []byte {
	head, mask := []byte{first}, byte(0)
	if masked {
		mask = maskBit
	}
	switch {
	case length < 126:
		head = append(head, mask|byte(length))
	case length < 1<<16:
		head = binary.BigEndian.AppendUint16(append(head, mask|126), uint16(length))
	default:
		head = binary.BigEndian.AppendUint64(append(head, mask|127), uint64(length))
	}
	if masked {
		head = append(head, 1, 2, 3, 4)
	}
	return append(head, bytes.Repeat([]byte{closeOpcode | finalBit}, length)...) // looks like the head of a close frame
}

// conversation has fragments, control frames between them, compressed frames and lengths of all three forms.
func conversation(masked bool) (frames [][]byte) {
	const text, binaryFrame, more, ping, compressed = 1, 2, 0, 9, 0x40
	for _, f := range []struct {
		first  byte
		length int
	}{
		{finalBit | text, 5},
		{text, 125},
		{finalBit | ping, 0},
		{more, 126},
		{finalBit | more, 0},
		{finalBit | compressed | text, 200},
		{finalBit | binaryFrame, 1<<16 - 1},
		{finalBit | binaryFrame, 1 << 16},
		{finalBit | text, 1},
	} {
		frames = append(frames, frame(f.first, masked, f.length))
	}
	return frames
}

// TestAFarewellStandsBetweenFrames asks for it at every point of a conversation, cut into pieces of all sizes.
func TestAFarewellStandsBetweenFrames(t *testing.T) {
	for range 300 {
		masked := rand.IntN(2) == 0
		frames := conversation(masked)
		all := bytes.Join(frames, nil)
		asked := rand.IntN(len(all) + 1)
		if rand.IntN(2) == 0 { // most bytes are payload: prefer the heads
			asked = min(rand.IntN(600), len(all))
		}
		var out bytes.Buffer
		l := lane{out: &out, farewell: closeFrame(), open: true}
		send := func(b []byte) {
			for len(b) > 0 {
				n := min(1+rand.IntN(1<<rand.IntN(17)), len(b))
				if took, err := l.Write(b[:n]); took != n || err != nil {
					t.Fatalf("took %d of %d, %v", took, n, err)
				}
				b = b[n:]
			}
		}
		send(all[:asked])
		if err := l.end(); err != nil {
			t.Fatal(err)
		}
		send(all[asked:])
		want := append(upTo(frames, asked), closeFrame()...)
		if !bytes.Equal(out.Bytes(), want) {
			t.Fatalf("masked %v, asked at %d of %d: %d bytes came out, want %d", masked, asked, len(all), out.Len(), len(want))
		}
	}
}

// upTo joins the frames that have begun before the byte at.
func upTo(frames [][]byte, at int) (whole []byte) {
	for _, f := range frames {
		if len(whole) >= at {
			break
		}
		whole = append(whole, f...)
	}
	return whole
}

func TestNothingFollowsACloseFrame(t *testing.T) {
	var out bytes.Buffer
	l := lane{out: &out, farewell: closeFrame(), open: true}
	closing := frame(finalBit|closeOpcode, false, 2)
	_, _ = l.Write(closing)
	if err := l.end(); err != nil || !bytes.Equal(out.Bytes(), closing) {
		t.Errorf("%v; came out: %x", err, out.Bytes())
	}
	if !l.isOver() || !l.hasClosed() {
		t.Error("the lane is not over")
	}
}

// TestNoFrameIsAheadOfTheHandshake: the end may be asked for before the client has its answer.
func TestNoFrameIsAheadOfTheHandshake(t *testing.T) {
	var out bytes.Buffer
	l := lane{out: &out, farewell: closeFrame()}
	if err := l.end(); err != nil || out.Len() > 0 {
		t.Fatalf("%v; came out: %x", err, out.Bytes())
	}
	if err := l.begin(); err != nil || !bytes.Equal(out.Bytes(), closeFrame()) {
		t.Errorf("%v; came out: %x", err, out.Bytes())
	}
}

func TestTheCloseFramesSayGoingAway(t *testing.T) {
	const words = "\x03\xe9going away"
	if got := closeFrame(); string(got) != "\x88\x0c"+words {
		t.Errorf("%x", got)
	}
	got := maskedCloseFrame([4]byte{1, 2, 3, 4})
	if string(got[:6]) != "\x88\x8c\x01\x02\x03\x04" {
		t.Fatalf("%x", got)
	}
	for i := range got[6:] {
		got[6+i] ^= byte(1 + i%4)
	}
	if string(got[6:]) != words {
		t.Errorf("unmasked: %q", got[6:])
	}
}

func FuzzFramesTakeAnything(f *testing.F) {
	f.Add(bytes.Join(conversation(true)[:5], nil), 3)
	f.Add([]byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5}, 1)
	f.Fuzz(func(t *testing.T, sent []byte, step int) {
		var out bytes.Buffer
		l := lane{out: &out, open: true}
		for rest := sent; len(rest) > 0; {
			n := min(max(step, 1), len(rest))
			if _, err := l.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if !bytes.Equal(out.Bytes(), sent) {
			t.Errorf("%x became %x", sent, out.Bytes())
		}
	})
}

func TestEventsEndAtBlankLines(t *testing.T) {
	for text, want := range map[string]string{
		"data: 1\n\ndata: 2\n\n":            "data: 1\n\n",
		"data: 1\r\n\r\ndata: 2\r\n\r\n":    "data: 1\r\n\r",
		"data: 1\r\rdata: 2\r\r":            "data: 1\r\r",
		"event: x\ndata: 1\n\nid: 1\n\n":    "event: x\ndata: 1\n\n",
		": comment\r\ndata: 1\n\r\ndata: 2": ": comment\r\ndata: 1\n\r",
		"data: 1\n":                         "",
		"data: 1\r\n":                       "",
	} {
		e := events{blank: true}
		n, between := e.next([]byte(text))
		if between != (want != "") || between && text[:n] != want {
			t.Errorf("%q ended after %q, %v", text, text[:n], between)
		}
	}
}
