package proxy

import (
	"net/http"
	"syscall"

	"golang.org/x/sys/unix"
)

// departed reports whether the client has closed its connection. net/http notices that by itself only when nothing of
// the request is left to read; the kernel knows also what lies behind unread bytes. A client that has only said it will
// send no more counts as gone, as it does for net/http.
func departed(r *http.Request) (gone bool) {
	g := guardOf(r.Context())
	if g == nil {
		return false
	}
	conn, ok := g.raw.(syscall.Conn)
	if !ok {
		return false
	}
	control, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	err = control.Control(func(fd uintptr) {
		ask := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(ask, 0)
		gone = err == nil && n > 0
	})
	return gone || err != nil
}
