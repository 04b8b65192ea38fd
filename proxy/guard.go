package proxy

import (
	"context"
	"net"
	"net/http"
)

// guarded is a listener whose connections pass through a guard.
type guarded struct{ net.Listener }

func (l guarded) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &guard{Conn: conn}, nil
}

// guard is a client's connection on which ambiguous requests do not get through.
type guard struct {
	net.Conn
	framing framing
}

func (g *guard) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	g.framing.inspect(b[:n])
	return n, err
}

// CloseWrite lets net/http end a connection gently after a refusal.
func (g *guard) CloseWrite() error { return closeWrite(g.Conn) }

type guardKey struct{}

// withGuard makes the connection known to its requests.
func withGuard(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, guardKey{}, conn)
}

// resetOld makes sure that an HTTP/1.0 client notices an answer cut short: it takes the end of the connection for the
// end of the answer, unless the connection is reset.
func resetOld(r *http.Request) {
	if r.ProtoAtLeast(1, 1) {
		return
	}
	guard, _ := r.Context().Value(guardKey{}).(*guard)
	if guard == nil {
		return
	}
	if tcp, ok := guard.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}
