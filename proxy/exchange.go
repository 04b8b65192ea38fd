package proxy

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// exchange is one request on its way through the proxy and the writer of its answer.
type exchange struct {
	http.ResponseWriter
	proxy   *Proxy
	request *http.Request
	begun   time.Time
	path    string // raw

	route   *route
	replica *replica
	tried   []*replica
	joined  bool // counted on the route's release
	cancel  context.CancelFunc
	severed atomic.Bool
	upload  *upload
	clock   clock
	ending  ending        // guarded by the flight's mu; written by the exchange's own goroutine only
	gone    chan struct{} // guarded likewise; closed when the exchange leaves, nil until its end is asked for

	status   int
	length   int64 // of the answer, as announced; -1 when it was not
	written  int64
	upgraded bool
	complete bool // false when a panic ends the exchange: the answer is cut short
	deaf     bool // the client could not be written to
	err      error
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// WriteHeader notes the final status. It also keeps net/http from guessing a content type that the app did not give.
func (x *exchange) WriteHeader(status int) {
	switch {
	case status == http.StatusContinue: // net/http says so by itself when the body is first read
		return
	case status < http.StatusOK && !x.request.ProtoAtLeast(1, 1): // HTTP/1.0 has none but the answer (RFC 9110, 15.2)
		return
	}
	if x.status == 0 && status >= http.StatusOK {
		x.begin(status)
	}
	x.ResponseWriter.WriteHeader(status)
}

func (x *exchange) begin(status int) {
	x.status, x.length = status, -1
	header := x.Header()
	if x.proxy.leaving.Load() { // not before: an interim answer takes all fields along
		header["Connection"] = []string{"close"}
	}
	if declared := header["Content-Length"]; len(declared) == 1 {
		if n, err := strconv.ParseInt(declared[0], 10, 64); err == nil {
			x.length = n
		}
	}
	if x.upload.isPartial() && x.request.ProtoMajor == 1 {
		// What the client still sends is read by net/http after the answer; in full duplex, it then loses track of who
		// reads from the connection and panics at the next request (go.dev/issue/68560).
		header["Connection"] = []string{"close"}
	}
	if _, given := header["Content-Type"]; !given && x.route != nil {
		header["Content-Type"] = nil
	}
}

// Write passes b on at once, unless it completes the answer: that much net/http sends by itself, in one go.
func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.begin(http.StatusOK)
	}
	n, err := x.ResponseWriter.Write(b)
	x.written += int64(n)
	if err == nil && x.written < x.length {
		err = x.FlushError()
	}
	x.deaf = x.deaf || err != nil
	return n, err
}

// FlushError sends what net/http has buffered.
func (x *exchange) FlushError() error {
	return http.NewResponseController(x.ResponseWriter).Flush()
}

// Hijack hands the client's connection over to an upgraded protocol, which the guard has no business to look at.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	x.status, x.upgraded = http.StatusSwitchingProtocols, true
	if guarded, ok := conn.(*guard); ok {
		conn = guarded.Conn
	}
	if s, ok := x.ending.(*socket); ok {
		conn = s.attach(conn)
	}
	return conn, buffered, nil
}

// Unwrap serves http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// refuse answers in place of a backend.
func (x *exchange) refuse(f fault) { f.page(x, x.request) }

// sever ends the exchange from outside, wherever it hangs: the deadlines wake whoever waits for the client, the
// context whoever waits for the backend.
func (x *exchange) sever() {
	x.severed.Store(true)
	past := time.Unix(1, 0)
	control := http.NewResponseController(x.ResponseWriter)
	_ = control.SetReadDeadline(past)
	_ = control.SetWriteDeadline(past)
	x.cancel()
}

// sent is called once the backend has all of the request, or its last bytes are on their way.
func (x *exchange) sent() { x.clock.start(x.proxy.options.Timeouts.Response, x.cancel) }
