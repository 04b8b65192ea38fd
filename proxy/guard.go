package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/mholt/acmez/v3"
)

// guarded is a listener whose connections pass through a guard, and through TLS first where there is a config.
type guarded struct {
	net.Listener
	secure    *tls.Config
	head      time.Duration // for a request's head in HTTP/2, from its first frame on; net/http has none
	newcomers *newcomers
	within    time.Duration // how long a connection is one of them, at most
}

func (l guarded) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	still := l.newcomers.enter(l.within)
	g := &guard{Conn: conn, raw: conn, limit: l.head, arrived: func() { l.newcomers.leave(still) }}
	if l.secure != nil {
		g.secure = tls.Server(conn, l.secure)
		g.Conn = g.secure
	}
	return g, nil
}

// guard is a client's connection on which ambiguous requests do not get through. It hides from net/http that it speaks TLS:
// net/http would want the bare connection then, past the guard. So HTTP/2 goes by what net/http calls unencrypted.
type guard struct {
	net.Conn
	raw     net.Conn
	secure  *tls.Conn            // nil: plain HTTP
	state   *tls.ConnectionState // once the handshake is over
	preface []byte               // what is still to come of HTTP/2's
	framing framing
	heads   heads         // in HTTP/2
	limit   time.Duration // for each of them
	cut     time.Time     // when the one that has begun is cut; zero when none has
	abrupt  bool          // the client must not take the end for an orderly one
	arrived func()        // is no newcomer any more; may be called again
}

// preface begins every HTTP/2 connection (RFC 9113, 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

func (g *guard) Read(b []byte) (int, error) {
	if g.secure != nil && g.state == nil {
		if err := g.shakeHands(); err != nil {
			return 0, io.EOF // nobody is there to be told
		}
	}
	if g.speaksHTTP2() {
		return g.readHTTP2(b)
	}
	n, err := g.Conn.Read(b)
	if g.framing.inspect(b[:n]); g.framing.whole {
		g.arrived()
	}
	return n, err
}

func (g *guard) readHTTP2(b []byte) (int, error) {
	if !g.cut.IsZero() { // each time: net/http lifts the deadline when it has found out that this is HTTP/2
		_ = g.SetReadDeadline(g.cut)
	}
	n, err := g.Conn.Read(b)
	rest, ok := g.expectPreface(b[:n])
	if !ok {
		return 0, io.EOF // whoever reads this would answer, and nobody there speaks HTTP/1.1
	}
	if len(g.preface) == 0 {
		g.arrived() // from here on net/http says when it leaves
	}
	whole := g.heads.whole
	g.heads.take(rest)
	switch {
	case !g.heads.open && !g.cut.IsZero():
		g.cut = time.Time{}
		_ = g.SetReadDeadline(g.cut)
	case g.heads.open && (g.cut.IsZero() || g.heads.whole > whole): // another one has begun
		g.cut = time.Now().Add(g.limit)
	}
	return n, err
}

// shakeHands is bounded by the deadline for a request's head, which net/http has set.
func (g *guard) shakeHands() error {
	err := g.secure.HandshakeContext(context.Background())
	var record tls.RecordHeaderError
	if errors.As(err, &record) && record.Conn != nil && isHTTP(record.RecordHeader) {
		_, _ = io.WriteString(record.Conn, "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThis port speaks HTTPS.\n")
	}
	if err != nil {
		return err
	}
	state := g.secure.ConnectionState()
	if state.NegotiatedProtocol == acmez.ACMETLS1Protocol {
		return io.EOF // the CA has seen what it wanted to see, and nothing is served
	}
	if state.NegotiatedProtocol == protocolH2 {
		g.preface = []byte(preface)
	}
	g.state, g.framing.agreed = &state, true
	return nil
}

// isHTTP reports whether what should begin TLS begins a request in the clear.
func isHTTP(head [5]byte) bool {
	for _, method := range []string{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH"} {
		if string(head[:]) == method {
			return true
		}
	}
	return false
}

func (g *guard) speaksHTTP2() bool { return g.state != nil && g.state.NegotiatedProtocol == protocolH2 }

// expectPreface sees to it that HTTP/1.1 does not get past the inspection under the name of HTTP/2, and returns what comes after.
func (g *guard) expectPreface(b []byte) (rest []byte, ok bool) {
	n := min(len(b), len(g.preface))
	if !bytes.Equal(b[:n], g.preface[:n]) {
		return nil, false
	}
	g.preface = g.preface[n:]
	return b[n:], true
}

// CloseWrite lets net/http end a connection gently after a refusal.
func (g *guard) CloseWrite() error { return closeWrite(g.Conn) }

// Close ends the connection, without TLS's word of an orderly end if it is none.
func (g *guard) Close() error {
	g.arrived()
	if g.abrupt {
		return g.raw.Close()
	}
	return g.Conn.Close()
}

type guardKey struct{}

// withGuard makes the connection known to its requests.
func withGuard(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, guardKey{}, conn)
}

// guardOf is the connection that a request came on; nil in tests that have none.
func guardOf(ctx context.Context) *guard {
	g, _ := ctx.Value(guardKey{}).(*guard)
	return g
}

// tlsState is what the client of a connection has shown; nil over plain HTTP.
func tlsState(r *http.Request) *tls.ConnectionState {
	if g := guardOf(r.Context()); g != nil {
		return g.state
	}
	return nil
}

// resetOld makes sure that an HTTP/1.0 client notices an answer cut short: it takes the end of the connection for the
// end of the answer, unless the connection is reset.
func resetOld(r *http.Request) {
	g := guardOf(r.Context())
	if r.ProtoAtLeast(1, 1) || g == nil {
		return
	}
	if tcp, ok := g.raw.(*net.TCPConn); ok {
		g.abrupt = true
		_ = tcp.SetLinger(0)
	}
}
