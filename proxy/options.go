package proxy

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// Options is everything a Proxy is made from, but for TLS, which SetTLS takes. It is not read again after New; what can be
// another while the proxy runs has a Set of its own.
type Options struct {
	// Listen is the address to take plain HTTP on, such as ":80". Port 0 picks a free one; see Addr.
	Listen string
	// Listener, when set, is used in place of Listen: a socket that somebody else opened.
	Listener net.Listener
	// ListenTLS is the address to take HTTPS on once SetTLS has given the means, such as ":443". Port 0 picks a free one; see
	// AddrTLS.
	ListenTLS string
	// ListenerTLS, when set, is used in place of ListenTLS: a socket that somebody else opened.
	ListenerTLS net.Listener
	// Certificates is the directory that holds what ACME makes. It is made when needed.
	Certificates string
	// Notice, when set, is told what goes wrong with certificates, and that it is over. It must not wait.
	Notice func(Notice)
	// File holds the route table across restarts. Its directory must exist.
	File string
	// TrustedProxies are the peers whose X-Forwarded-* fields are believed and kept. Default: none.
	TrustedProxies []netip.Prefix
	// Owns reports whether an address ("172.18.0.3:8080") is still the service's. It is asked whenever a connection to one
	// has been made, before anything is sent on it: an address may have gone to another app since the last Point. Default:
	// every address is.
	Owns func(service, address string) bool
	// Own is the one path that fisherman answers itself. Default: none.
	Own Own
	// Log takes one line at level info for each request, and what else there is to say. The zero value writes nothing.
	Log zerolog.Logger
	// AccessLog is where Log's lines about requests go.
	AccessLog AccessLog
	// Metrics is where the proxy registers its metrics. Default: nowhere.
	Metrics prometheus.Registerer
	// MaxHeld is how many requests wait for one service while it is paused, or not yet confirmed after a start; beyond
	// that 503. Default 1000.
	MaxHeld int
	// Timeouts bound every wait.
	Timeouts Timeouts
	// BootFile names the kernel's boot id. Default: /proc/sys/kernel/random/boot_id.
	BootFile string
}

// AccessLog is where the lines about requests go. The zero value is the log's own writer.
type AccessLog struct {
	// Writer, when set, takes the lines in batches of whole ones, up to 100 ms late while Run runs, since a system call for
	// each would be a tenth of a request's cost. io.Discard: there are none.
	Writer io.Writer
	// File, when set, takes the place of Writer. It is appended to by its name, so that it can be renamed, removed or
	// truncated at any time.
	File string
	// Sample is how many requests that went well share a line, whose "weight" says so. Default 1. Requests that failed, by a
	// 5xx or broken off, have one each.
	Sample int
}

// Own is a path of fisherman's own: Host, on any port and in any case, with exactly Path, whatever the routes say.
type Own struct {
	Host    string
	Path    string
	Handler http.Handler
}

// Timeouts bound every wait of the proxy; zero means the default. Nothing bounds a whole request: uploads and streams
// last as long as they last.
type Timeouts struct {
	ReadHeader time.Duration // a client's unfinished request head is cut. Default 20 s, at most 30 s
	Idle       time.Duration // a client's idle connection is closed. Default 120 s
	Dial       time.Duration // connecting to a backend: 504. Default 3 s
	Response   time.Duration // a backend's response head, once it has the request: 504. Default 60 s
	Hold       time.Duration // routes wait to be confirmed, from Run on, unless Settle is called. Default 2 s
	Save       time.Duration // between two tries to save a table that is live already. Default 5 s
	Pause      time.Duration // a request waits for a paused service: 503. Default 30 s
	Linger     time.Duration // between closing the listener and Shutdown, unless somebody has just got in: up to 15 times as long. Default 200 ms
	Reread     time.Duration // between two looks at the files of certificates. Default 2 s
	Retry      time.Duration // between the first attempt to have a certificate made and the second; it grows. Default 1 min
	Renew      time.Duration // between two looks whether a certificate is to be renewed, at most. Default 6 h
	Shutdown   time.Duration // for requests in flight when Run's context ends. Default 10 s
}

const maxReadHeader = 30 * time.Second

func (o Options) withDefaults() Options {
	t := &o.Timeouts
	orDefault(&t.ReadHeader, 20*time.Second)
	orDefault(&t.Idle, 120*time.Second)
	orDefault(&t.Dial, 3*time.Second)
	orDefault(&t.Response, 60*time.Second)
	orDefault(&t.Hold, 2*time.Second)
	orDefault(&t.Save, 5*time.Second)
	orDefault(&t.Pause, 30*time.Second)
	orDefault(&t.Linger, 200*time.Millisecond)
	orDefault(&t.Reread, 2*time.Second)
	orDefault(&t.Retry, time.Minute)
	orDefault(&t.Renew, 6*time.Hour)
	orDefault(&t.Shutdown, 10*time.Second)
	t.ReadHeader = min(t.ReadHeader, maxReadHeader)
	if o.MaxHeld <= 0 {
		o.MaxHeld = 1000
	}
	if o.Owns == nil {
		o.Owns = func(string, string) bool { return true }
	}
	if o.BootFile == "" {
		o.BootFile = "/proc/sys/kernel/random/boot_id"
	}
	return o
}

func orDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}
