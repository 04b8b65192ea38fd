// Package proxy sends app traffic to live backends: it routes by host and path prefix, moves a service from one release
// to the next without losing a request, and remembers across restarts where everything was.
//
// The route table is one immutable value behind an atomic pointer. [Proxy.Point] writes the next one to disk and then
// puts it in place; requests already counted on what it replaced finish there, and the returned drain waits for them.
package proxy

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// Proxy is the way to the apps. Make it with New, give it an address with Listen and run it with Run.
type Proxy struct {
	options    Options
	store      store
	boot       string
	own        string // the folded host of options.Own
	aside      string
	forwarding atomic.Pointer[forwarding]
	meters     *meters
	unrouted   *meter
	reverse    *httputil.ReverseProxy
	listener   net.Listener
	vault      *vault
	opened     chan net.Listener // for HTTPS, on its way to Run
	access     atomic.Pointer[accessLog]
	well       atomic.Uint64 // requests that went well, where a sample of them is logged
	lines      *batch        // behind access, unless that writes directly
	settle     sync.Once
	settled    chan struct{} // closed when routes need not be confirmed any longer
	confirmed  chan struct{} // closed when they are
	confirm    sync.Once
	complete   sync.Once
	completed  chan struct{} // closed when what is in no table is nobody's
	stopping   chan struct{} // closed when there is nothing left to wait for
	leaving    atomic.Bool   // clients are asked to connect anew
	newcomers  newcomers
	room       room // of requests for what is in no table yet

	table   atomic.Pointer[table]
	change  sync.Mutex // held while the file and the table are replaced together
	unsaved bool       // the file is behind the table; guarded by change
	left    []*flight  // of what was replaced, some of it perhaps over; guarded by change

	listening sync.Mutex   // guards the field below
	secure    net.Listener // for HTTPS; nil until it is needed
}

// New makes a proxy and loads the route file. A missing file is an empty table. A file that is corrupt or of another
// version is renamed and the proxy begins with an empty table; see SetAside. It fails when the file cannot be read at
// all, or metrics are registered twice.
func New(options Options) (*Proxy, error) {
	options = options.withDefaults()
	meters, err := newMeters(options.Metrics)
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		options: options, store: store{options.File}, boot: bootID(options.BootFile),
		lines: newBatch(options.Log), meters: meters, unrouted: meters.of(""),
		listener: options.Listener, vault: newVault(options), opened: make(chan net.Listener, 1), settled: make(chan struct{}), confirmed: make(chan struct{}), completed: make(chan struct{}), stopping: make(chan struct{}),
	}
	p.reverse = p.newReverse()
	p.SetTrustedProxies(options.TrustedProxies)
	p.SetAccessLog(options.AccessLog)
	if options.Metrics != nil {
		for _, collector := range []prometheus.Collector{newExpiries(p.vault), p.vault.failed} {
			if err := options.Metrics.Register(collector); err != nil {
				return nil, fmt.Errorf("register metrics: %w", err)
			}
		}
	}
	if err := p.setOwn(); err != nil {
		return nil, err
	}
	if err := p.remember(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Proxy) setOwn() error {
	if p.options.Own.Host == "" {
		return nil
	}
	var buf [maxHost]byte
	host, ok := fold(&buf, p.options.Own.Host)
	if !ok || p.options.Own.Handler == nil {
		return fmt.Errorf("serve own path: %q is not a host name, or there is no handler", p.options.Own.Host)
	}
	p.own = string(host)
	return nil
}

// ServeHTTP answers one request.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{ResponseWriter: w, proxy: p, request: r, begun: time.Now()}
	defer x.end()
	var buf [maxHost]byte
	host, f := x.read(&buf)
	switch {
	case r.TLS == nil && p.vault.answers(x, r):
	case f != none:
		if r.ProtoMajor == 1 {
			w.Header().Set("Connection", "close") // who knows what else this client means differently
		}
		x.refuse(f)
	case p.isOwn(host, x.path):
		p.options.Own.Handler.ServeHTTP(x, r)
	case p.turnAway(x, host):
	default:
		p.forward(x, host)
	}
	x.complete = true
}

// read takes from the request what it is routed by, and refuses what is not for a proxy like this.
func (x *exchange) read(buf *[maxHost]byte) (host []byte, f fault) {
	r := x.request
	x.path = rawPath(r)
	r.TLS = tlsState(r) // net/http knows of none, see guard
	switch {
	case r.Method == "PRI":
		return nil, wrongVersion
	case r.Method == http.MethodConnect:
		return nil, noTunnels
	case r.RequestURI == "*", isRootless(r), strings.ContainsFunc(r.RequestURI, endsTarget):
		return nil, badTarget
	}
	host, ok := fold(buf, r.Host)
	if named := r.Header["Host"]; !ok || len(named) > 0 && !slices.Equal(named, []string{r.Host}) { // beside HTTP/2's :authority
		return nil, badHost
	}
	return host, none
}

// isRootless says that a target begins with no slash and yet names no host, such as "http:/x" and "mailto:a@b". It has neither form
// of those that RFC 9112, 3.2, has for what is asked here.
func isRootless(r *http.Request) bool { return r.RequestURI[0] != '/' && r.URL.Host == "" }

// endsTarget finds what ends a path for apps and not for net/http: "#", and in HTTP/2 a blank.
func endsTarget(c rune) bool { return c == '#' || c <= ' ' || c == 0x7f }

func (p *Proxy) isOwn(host []byte, path string) bool {
	return p.own != "" && p.own == string(host) && p.options.Own.Path == path
}

// errorLog takes what net/http has to say about single connections.
func (p *Proxy) errorLog() *log.Logger { return log.New(debugLog{p.options.Log}, "", 0) }

type debugLog struct{ zerolog.Logger }

func (l debugLog) Write(b []byte) (int, error) {
	l.Debug().Msg(strings.TrimSpace(string(b)))
	return len(b), nil
}
