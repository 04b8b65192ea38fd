// Package proxy sends app traffic to live backends: it routes by host and path prefix, moves a service from one release
// to the next without losing a request, and remembers across restarts where everything was.
//
// The route table is one immutable value behind an atomic pointer. [Proxy.Point] writes the next one to disk and then
// puts it in place; requests already counted on what it replaced finish there, and the returned drain waits for them.
package proxy

import (
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// Proxy is the way to the apps. Make it with New, give it an address with Listen and run it with Run.
type Proxy struct {
	options    Options
	store      store
	boot       string
	own        string // the folded host of options.Own
	aside      string
	forwarding forwarding
	meters     *meters
	unrouted   *meter
	upstream   *upstream
	reverse    *httputil.ReverseProxy
	listener   net.Listener
	held       chan struct{} // closed when remembered routes need not be confirmed any longer
	leaving    atomic.Bool   // clients are asked to connect anew

	table  atomic.Pointer[table]
	change sync.Mutex // held while the file and the table are replaced together
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
		forwarding: forwarding{options.TrustedProxies}, meters: meters, unrouted: meters.of(""),
		upstream: newUpstream(options.Timeouts), listener: options.Listener, held: make(chan struct{}),
	}
	p.reverse = p.newReverse(options.Timeouts)
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

// bootID identifies the machine's current boot. Where it cannot be read no boot is ever taken to be the same.
func bootID(file string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

// remember loads the route file. A service that does not fit in is left out, the others stay.
func (p *Proxy) remember() error {
	entries, err := p.store.load()
	if errors.Is(err, errUnreadable) {
		return p.setAside(err)
	}
	if err != nil {
		return err
	}
	current := &table{}
	for service, e := range entries {
		next, err := p.recall(current, service, e)
		if err != nil {
			p.options.Log.Error().Err(err).Str("service", service).Msg("left a service of the route file out")
			continue
		}
		current = next
	}
	p.table.Store(current)
	return nil
}

func (p *Proxy) recall(current *table, service string, e entry) (*table, error) {
	state := outdated
	if p.boot != "" && e.Boot == p.boot {
		state = remembered
	}
	r, err := newRelease(service, e, state)
	if err != nil {
		return nil, err
	}
	r.meter = p.meters.of(service)
	return current.with(r)
}

func (p *Proxy) setAside(cause error) error {
	name, err := p.store.setAside()
	if err != nil {
		return errors.Join(cause, err)
	}
	p.aside = name
	p.table.Store(&table{})
	p.options.Log.Error().Err(cause).Str("kept_as", name).
		Msg("set the route file aside; routes come back as services are pointed to again")
	return nil
}

// SetAside is the name under which New put away a route file it could not read, or "".
func (p *Proxy) SetAside() string { return p.aside }

// ServeHTTP answers one request.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{ResponseWriter: w, proxy: p, request: r, begun: time.Now()}
	defer x.end()
	if p.leaving.Load() {
		w.Header().Set("Connection", "close")
	}
	var host [maxHost]byte
	f := x.read(&host)
	switch {
	case f != none:
		x.refuse(f)
	case p.isOwn(x):
		p.options.Own.Handler.ServeHTTP(x, r)
	default:
		p.forward(x)
	}
	x.complete = true
}

// read takes from the request what it is routed by, and refuses what is not for a proxy like this.
func (x *exchange) read(host *[maxHost]byte) fault {
	r := x.request
	switch {
	case r.Method == "PRI":
		return wrongVersion
	case r.Method == http.MethodConnect, r.RequestURI == "*":
		return notProxied
	case strings.Contains(r.RequestURI, "#"): // not part of a target (RFC 9112, 3.2); apps would cut it off
		return badTarget
	}
	x.path = rawPath(r)
	var ok bool
	if x.host, ok = fold(host, r.Host); !ok {
		return badHost
	}
	return none
}

func (p *Proxy) isOwn(x *exchange) bool {
	return p.own != "" && p.own == string(x.host) && x.path == p.options.Own.Path
}

// errorLog takes what net/http has to say about single connections.
func (p *Proxy) errorLog() *log.Logger { return log.New(debugLog{p.options.Log}, "", 0) }

type debugLog struct{ zerolog.Logger }

func (l debugLog) Write(b []byte) (int, error) {
	l.Debug().Msg(strings.TrimSpace(string(b)))
	return len(b), nil
}
