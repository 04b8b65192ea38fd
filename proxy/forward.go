package proxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
)

// copyBuffer is the size of the pieces in which answers are passed on.
const copyBuffer = 32 << 10

func (p *Proxy) newReverse() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:      p.rewrite,
		Transport:    upstream{},
		BufferPool:   newBuffers(),
		ErrorHandler: fail,
		ErrorLog:     p.errorLog(),
	}
}

// forward sends the exchange to a replica of the release its request belongs to.
func (p *Proxy) forward(x *exchange, host []byte) {
	ctx, cancel := context.WithCancel(context.WithValue(x.request.Context(), exchangeKey{}, x))
	defer cancel()
	x.cancel = cancel
	if f := p.claim(ctx, x, host); f != none {
		x.stop(f)
		return
	}
	defer x.release()
	if x.replica == nil {
		x.refuse(noBackend)
		return
	}
	if x.request.ContentLength != 0 {
		// A backend may answer while it still reads, and so may we.
		_ = http.NewResponseController(x.ResponseWriter).EnableFullDuplex()
	}
	p.reverse.ServeHTTP(x, x.request.WithContext(ctx))
}

// claim finds the release for the exchange and counts it in, perhaps after a wait. When that release is replaced at this
// very moment, the new table is asked: a request is counted on the old release or goes to the new one.
func (p *Proxy) claim(ctx context.Context, x *exchange, host []byte) fault {
	for {
		table := p.table.Load()
		route, f := table.find(host, x.path)
		if !p.admits(x.request, host, route) { // after the table: a host is protected before it has a route
			return misdirected
		}
		x.route = route
		switch {
		case route == nil || !route.release.takes(p):
			f = p.detain(ctx, x, table, f)
		case x.board(route):
			x.joined = true
			route.release.meter.inFlight.Inc()
			return none
		default:
			f = p.overtaken(ctx, route.release)
		}
		if f != none {
			return f
		}
	}
}

// board counts the exchange on a replica and then on the release, in this order: who has replaced the release knows by the
// replicas which of them still have requests.
func (x *exchange) board(r *route) bool {
	x.replica = r.replicas.pick(nil)
	if r.release.join(x, r.release) {
		return true
	}
	if x.replica != nil {
		x.replica.inFlight.Add(-1)
		x.replica = nil
	}
	return false
}

// release counts the exchange out, if it is counted in.
func (x *exchange) release() {
	if !x.joined {
		return
	}
	if x.replica != nil {
		x.replica.inFlight.Add(-1)
	}
	x.route.release.meter.inFlight.Dec()
	x.route.release.leave(x)
}

// rewrite makes the request that the backend gets. Host, path and query stay byte for byte as they came.
func (p *Proxy) rewrite(pr *httputil.ProxyRequest) {
	x := exchangeOf(pr.In.Context())
	out := pr.Out
	out.URL.Scheme, out.URL.Host = "http", x.replica.address
	out.URL.RawQuery = pr.In.URL.RawQuery // ReverseProxy drops parameters that Go cannot parse
	if !strings.HasPrefix(x.path, "//") {
		out.URL.Opaque = x.path // URL.Path would be escaped anew; a double slash in front has no other form, though
	}
	out.Trailer = pr.In.Trailer // filled when the body ends; a copy would stay empty
	if out.Body != nil {
		x.upload = &upload{Reader: out.Body, ended: x.sent}
		out.Body = x.upload
	}
	if carriesRequests(out.Header.Get("Upgrade")) {
		out.Header.Del("Upgrade")
		out.Header.Del("Connection")
	}
	out.Header.Del("Http2-Settings")
	p.forwarding.Load().apply(pr)
}

// carriesRequests reports whether an Upgrade field names a protocol that would carry requests past the routes, what they ask their
// clients for and what apps are told of where a request comes from: HTTP itself, in the clear (h2c, which RFC 9113, 3.1, has done
// away with) or within TLS (RFC 2817). Such a request goes on without (RFC 9110, 7.8). What else apps agree on with their
// clients, such as WebSockets, is between them.
func carriesRequests(upgrade string) bool {
	for token := range strings.SplitSeq(upgrade, ",") {
		name, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(token)), "/")
		if name == "h2c" || name == "h2" || name == "http" || name == "tls" {
			return true
		}
	}
	return false
}

// fail answers when a backend did not.
func fail(_ http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r.Context())
	x.err = err
	x.stop(x.diagnose(err))
}

// diagnose says whose fault a failed attempt was.
func (x *exchange) diagnose(err error) fault {
	var network net.Error
	var known fault
	switch f := x.upload.fault(); {
	case x.severed.Load(), errors.Is(err, errMoved):
		return noBackend
	case f == badUpload && x.request.Context().Err() != nil: // HTTP/2 has many words for it
		return clientGone
	case f != none:
		return f
	case x.clock.late.Load():
		return backendSlow
	case errors.As(err, &known):
		return known
	case x.request.Context().Err() != nil:
		return clientGone
	case errors.As(err, &network) && network.Timeout():
		return backendSlow
	}
	return backendBroke
}

// stop refuses the request, or ends its connection where nobody would read the refusal.
func (x *exchange) stop(f fault) {
	if f != clientGone && !x.upgraded && !x.severed.Load() {
		x.refuse(f)
		return
	}
	if x.status == 0 {
		x.status, _ = f.answer()
	}
	panic(http.ErrAbortHandler)
}

// buffers lends out copy buffers. A pool holds pointers, as a slice would be allocated again on its way in.
type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { return new([copyBuffer]byte) }}}
}

func (b *buffers) Get() []byte {
	lent, _ := b.pool.Get().(*[copyBuffer]byte)
	return lent[:]
}

func (b *buffers) Put(back []byte) { b.pool.Put((*[copyBuffer]byte)(back)) }
