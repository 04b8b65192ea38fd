package proxy

import (
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
)

// socket is a WebSocket through the proxy. httputil.ReverseProxy copies between its two ends, each of which looks at the
// frames that are written to it.
type socket struct {
	client    net.Conn // known once frames may be written to it
	backend   io.ReadWriteCloser
	toClient  lane
	toBackend lane
}

// newSocket takes the backend's end; nil when it does not speak WebSocket (RFC 6455, 4.2.2).
func newSocket(res *http.Response) *socket {
	backend, ok := res.Body.(io.ReadWriteCloser)
	if !ok || !strings.EqualFold(res.Header.Get("Upgrade"), "websocket") {
		return nil
	}
	s := &socket{backend: backend}
	var mask [4]byte
	_, _ = rand.Read(mask[:]) // never fails (its documentation)
	s.toBackend.out, s.toBackend.farewell, s.toBackend.open = backend, maskedCloseFrame(mask), true
	s.toClient.farewell = closeFrame()
	res.Body = &backendEnd{backend, s}
	return s
}

// attach takes the client's end.
func (s *socket) attach(conn net.Conn) net.Conn {
	s.client, s.toClient.out = conn, conn
	return &clientEnd{conn, s}
}

// part closes both ends with 1001 (7.4.1), the client's first: a backend that is told may close at once, and the client
// is to be told before that reaches it.
func (s *socket) part(<-chan struct{}) {
	_ = s.toClient.end() // one that cannot be written to is ended by whoever reads or writes there
	_ = s.toBackend.end()
	s.finish()
}

// said reports whether the client has the close frame.
func (s *socket) said() bool { return s.toClient.isOver() }

// finish ends the TCP connection with the client once close frames have gone both ways, which is up to the server
// (7.1.1), and reports whether they have.
func (s *socket) finish() bool {
	if !s.toClient.isOver() || !s.toBackend.hasClosed() {
		return false
	}
	_ = closeWrite(s.client)
	return true
}

// clientEnd is the client's connection.
type clientEnd struct {
	net.Conn
	socket *socket
}

// Read ends after the client's close frame if that answers ours.
func (c *clientEnd) Read(b []byte) (int, error) {
	if err := c.socket.toClient.begin(); err != nil {
		return 0, err
	}
	if c.socket.finish() {
		return 0, io.EOF
	}
	return c.Conn.Read(b)
}

func (c *clientEnd) Write(b []byte) (int, error) {
	n, err := c.socket.toClient.Write(b)
	c.socket.finish()
	return n, err
}

func (c *clientEnd) CloseWrite() error { return closeWrite(c.Conn) }

// backendEnd is the connection to the backend.
type backendEnd struct {
	io.ReadWriteCloser
	socket *socket
}

// Read takes it for the end when a backend breaks off after the farewell: the client is still to be heard.
func (b *backendEnd) Read(p []byte) (int, error) {
	n, err := b.ReadWriteCloser.Read(p)
	if err != nil && b.socket.said() {
		err = io.EOF
	}
	return n, err
}

// Write does not fail, for the same reason, after the farewell.
func (b *backendEnd) Write(p []byte) (int, error) {
	n, err := b.socket.toBackend.Write(p)
	if err != nil && b.socket.said() {
		return len(p), nil
	}
	return n, err
}

func (b *backendEnd) CloseWrite() error { return closeWrite(b.ReadWriteCloser) }

// closeWrite says that nothing more will be written.
func closeWrite(conn any) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
