package proxy

import (
	"bytes"
	"slices"
	"testing"
)

// TestAnIdleConnectionKeepsNoLine of a request that is over, however its head arrived.
func TestAnIdleConnectionKeepsNoLine(t *testing.T) {
	head := []byte("GET / HTTP/1.1\r\nHost: a.pl\r\nX: " + string(bytes.Repeat([]byte("x"), 60<<10)) + "\r\n\r\n")
	var f framing
	for piece := range slices.Chunk(head, 4<<10) {
		f.inspect(piece)
	}
	if !f.whole || f.spoiled || cap(f.partial) > 0 {
		t.Errorf("whole %v, spoiled %v, kept %d", f.whole, f.spoiled, cap(f.partial))
	}
}
