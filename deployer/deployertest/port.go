package deployertest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// FreePort is a port of 127.0.0.1 that nobody has until the test opens it, as often as it likes, and which no other test is
// given meanwhile. It is below those that Linux deals out by itself (ip(7), ip_local_port_range): somebody else's connection
// may have been dealt one of those a moment after it was found free.
func FreePort(t testing.TB) int {
	t.Helper()
	const from, to = 20000, 32000
	for range 100 {
		port := from + rand.IntN(to-from)
		claim, err := net.Listen("unix", fmt.Sprintf("@fisherman-test-port-%d", port))
		if err != nil {
			continue
		}
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			_ = claim.Close()
			continue
		}
		_ = listener.Close()
		t.Cleanup(func() { _ = claim.Close() })
		return port
	}
	t.Fatalf("no port from %d to %d is free", from, to)
	return 0
}

// FreeAddress is 127.0.0.1 with a FreePort.
func FreeAddress(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", FreePort(t))
}
