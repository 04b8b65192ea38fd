package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"time"
)

// TLS says how hosts are served over HTTPS. Its zero value is that none is: everything is plain HTTP.
type TLS struct {
	Routes       []TLSRoute
	Certificates []KeyPair // chosen by SNI; one of them goes before what ACME makes
	ACME         *ACME     // nil: none
}

func (t TLS) isOn() bool { return t.ACME != nil || len(t.Certificates) > 0 }

// TLSRoute is how a host and prefix is served. What the routes of a host leave open is the host's: one that asks for client
// certificates asks for all of them.
type TLSRoute struct {
	Host   string // "a.pl"
	Prefix string // "/", "/api"
	Mode   TLSMode
	// ClientCA is a PEM file. Whoever asks for Host must show a certificate that one in it has signed. Empty: anybody may.
	// While it cannot be read nobody gets in.
	ClientCA string
	// Service is whose route it is. As long as another one serves it still, that asks for what it asked for before, if for
	// anything. Empty: whoever serves it.
	Service string
}

// TLSMode says where a host's certificate comes from. The zero value is TLSAuto.
type TLSMode string

const (
	TLSAuto  TLSMode = "auto"  // from a file where a valid one covers the host, else by ACME
	TLSFiles TLSMode = "files" // from a file
	TLSOff   TLSMode = "off"   // plain HTTP stays plain
)

// KeyPair is a certificate with its chain, and its key, in PEM files that are read again when they change.
type KeyPair struct{ Cert, Key string }

func (p KeyPair) String() string { return "certificate file " + p.Cert + " with key " + p.Key }

// ACME is where certificates are made (RFC 8555).
type ACME struct {
	Email     string // empty: none
	Directory string // the CA's URL
	Roots     string // a PEM file of what to trust Directory by; empty: the system's
}

// Notice is news of certificates that somebody should hear of.
type Notice struct {
	About  string // "certificate of a.pl"
	Reason string // for a person, with what to do; empty: all is well, whatever was told before
	Again  bool   // it was told before, and is more urgent now
	At     time.Time
}

// SetTLS replaces how hosts are served, also while the proxy runs: new connections and requests go by it when it returns, and
// no open one is closed. What is wrong with a file or a CA concerns the hosts that it is for; it is told by Options.Notice and
// in the log and is no error. A host that is gone from t but has live routes is served as before until they are gone, too.
// With the first certificates the proxy begins to listen on Options.ListenTLS (Options.ListenerTLS it serves from the first
// call on, and refuses what it has no certificate for); an error says that it cannot: everything is plain
// HTTP then, but for hosts that ask for client certificates, which are not served. It also says that t makes no sense, and
// then nothing has changed.
func (p *Proxy) SetTLS(t TLS) error {
	hosts, err := hostsOf(t.Routes)
	if err != nil {
		return fmt.Errorf("set up TLS: %w", err)
	}
	err = p.listenTLS(context.Background(), t)
	if err != nil {
		t.ACME, t.Certificates = nil, nil
	}
	p.vault.reading.Lock()
	defer p.vault.reading.Unlock()
	seen := p.vault.peek(t, hosts)
	p.change.Lock()
	defer p.change.Unlock()
	live := p.table.Load()
	before := p.entries(live)
	p.vault.replace(t, hosts, live, seen)
	p.recordDoors(before, p.entries(live))
	return err
}

// recordDoors has the route file say what routes ask their clients for. If it cannot now, it does later: how hosts are served
// does not wait for a disk. It is called with change held.
func (p *Proxy) recordDoors(before, after map[string]entry) {
	if reflect.DeepEqual(before, after) {
		return
	}
	if err := p.store.save(before, after); err != nil {
		p.unsaved = true
		p.options.Log.Error().Err(err).Msg("the route file does not say yet which certificates clients must show; trying again")
	}
}

// AddrTLS is where the proxy listens for HTTPS, nil while it does not.
func (p *Proxy) AddrTLS() net.Addr {
	p.listening.Lock()
	defer p.listening.Unlock()
	if p.secure == nil {
		return nil
	}
	return p.secure.Addr()
}

var errNoHTTPS = errors.New("no address to take HTTPS on")

// listenTLS opens Options.ListenTLS if t needs it and it is not open, and hands it to Run.
func (p *Proxy) listenTLS(ctx context.Context, t TLS) error {
	p.listening.Lock()
	defer p.listening.Unlock()
	if p.secure != nil || !t.isOn() && p.options.ListenerTLS == nil {
		return nil
	}
	listener := p.options.ListenerTLS
	switch {
	case listener != nil:
	case p.options.ListenTLS == "":
		return errNoHTTPS
	default:
		var err error
		if listener, err = new(net.ListenConfig).Listen(ctx, "tcp", p.options.ListenTLS); err != nil {
			return fmt.Errorf("listen for HTTPS: %w; set `proxy.https` to a free address", err)
		}
	}
	p.secure = listener
	p.opened <- listener
	return nil
}
