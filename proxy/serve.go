package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

const (
	// maxHead is the most a request's head may have, in bytes: 431 beyond.
	maxHead = 64 << 10
	// maxStreams is how many requests may be under way on a connection of HTTP/2: as many as RFC 9113, 6.5.2, finds enough.
	maxStreams = 100
	// maxFrame is the most a frame of HTTP/2 may have, in bytes, since one that is not complete is held in memory. Less cannot be
	// asked for (RFC 9113, 4.2).
	maxFrame = 16 << 10
	// streamWindow is how much of an upload in HTTP/2 is taken that nobody reads yet, in bytes: 40 Mbit/s over 100 ms.
	streamWindow = 512 << 10
	// connectionWindow is the same for all uploads of a connection. Were it a stream's, as net/http has it, one upload that is
	// held, or that its app does not read, would stop all others of its client; now it takes seven. That is the price, too: a
	// client that means harm has so much memory for each of its connections, though only of what it has sent. net/http takes less
	// than 4 MiB.
	connectionWindow = 7 * streamWindow
)

// Listen opens Options.Listen, unless there is a listener already. Connections queue until Run serves them.
func (p *Proxy) Listen(ctx context.Context) error {
	if p.listener != nil {
		return nil
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", p.options.Listen)
	if err != nil {
		return fmt.Errorf("listen for proxied requests: %w", err)
	}
	p.listener = listener
	return nil
}

// Addr is where the proxy listens, nil before Listen.
func (p *Proxy) Addr() net.Addr {
	if p.listener == nil {
		return nil
	}
	return p.listener.Addr()
}

// Run serves until ctx ends, listening first if nobody has called Listen. It then closes the listeners, keeps serving
// open connections for Timeouts.Linger, and before that those whose first request is on its way, since one whose request is
// just being read when Shutdown begins would be closed unanswered, closes WebSockets with 1001 and ends server-sent events,
// gives requests in flight Timeouts.Shutdown, and closes the rest. It returns nil after an orderly stop. A Proxy is run once.
func (p *Proxy) Run(ctx context.Context) error {
	if err := p.Listen(ctx); err != nil {
		return err
	}
	defer inBackground(p.lines.run)()
	defer inBackground(p.keepSaving)()
	defer inBackground(p.sampleTraffic)()
	forget := inBackground(func(ctx context.Context) { p.vault.keep(ctx, p.options.Timeouts.Reread, p.arrivals) })
	defer forget()
	hold := time.AfterFunc(p.options.Timeouts.Hold, p.believe)
	defer hold.Stop()
	fronts := &fronts{served: make(chan error, 2)}
	fronts.open(p.server(), p.guarded(p.listener, nil, newcomer))
	for {
		select {
		case listener := <-p.opened:
			fronts.open(p.serverTLS(), p.guarded(listener, p.vault.base, newcomerTLS))
		case err := <-fronts.served:
			return errors.Join(fmt.Errorf("serve proxied requests: %w", err), p.shutDown(fronts))
		case <-ctx.Done():
			forget() // what makes certificates needs the listeners
			p.leave(fronts)
			return p.shutDown(fronts)
		}
	}
}

func (p *Proxy) arrivals() arrivals { return arrivals{p.Addr(), p.AddrTLS()} }

// fronts are the servers, of HTTP and of HTTPS.
type fronts struct {
	servers   []*http.Server
	listeners []net.Listener
	served    chan error
}

func (f *fronts) open(server *http.Server, listener net.Listener) {
	f.servers, f.listeners = append(f.servers, server), append(f.listeners, listener)
	go func() { f.served <- server.Serve(listener) }()
}

// each does something to all servers at once, and returns the errors.
func (f *fronts) each(do func(*http.Server) error) error {
	failures := make(chan error, len(f.servers))
	for _, server := range f.servers {
		go func() { failures <- do(server) }()
	}
	var all []error
	for range f.servers {
		all = append(all, <-failures)
	}
	return errors.Join(all...)
}

// inBackground runs something until stop, which waits for its end.
func inBackground(run func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); run(ctx) }()
	return func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(2 * writeWithin): // the disk hangs
		}
	}
}

func (p *Proxy) server() *http.Server {
	return &http.Server{
		Handler:                      p,
		ConnContext:                  withGuard,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     p.errorLog(),
		IdleTimeout:                  p.options.Timeouts.Idle,
		MaxHeaderBytes:               maxHead,
		ReadHeaderTimeout:            p.options.Timeouts.ReadHeader,
	}
}

// serverTLS is the same for HTTPS, which its connections do themselves; see guard.
func (p *Proxy) serverTLS() *http.Server {
	server := p.server()
	server.Protocols = &http.Protocols{}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	server.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams: maxStreams, MaxReadFrameSize: maxFrame,
		MaxReceiveBufferPerStream: streamWindow, MaxReceiveBufferPerConnection: connectionWindow,
	}
	return server
}

func (p *Proxy) guarded(l net.Listener, secure *tls.Config, lingers time.Duration) guarded {
	t := p.options.Timeouts
	return guarded{l, secure, t.ReadHeader, &p.newcomers, lingers * t.Linger}
}

// leave closes the listeners, waits for the accept loops to end and for whoever has just got in, and lingers. Clients are asked to
// connect anew only when they can no longer get in here: what waits in a listener's queue when it is closed is reset.
func (p *Proxy) leave(fronts *fronts) {
	for _, listener := range fronts.listeners {
		if err := listener.Close(); err != nil {
			p.options.Log.Warn().Err(err).Msg("close proxy listener")
		}
	}
	for range fronts.listeners {
		<-fronts.served //nolint:errcheck // it ends because the listener was closed
	}
	p.leaving.Store(true)
	p.newcomers.wait()
	time.Sleep(p.options.Timeouts.Linger)
}

// shutDown ends what is left: WebSockets and event streams politely and at once, requests when they are done.
func (p *Proxy) shutDown(fronts *fronts) error {
	ctx, cancel := context.WithTimeout(context.Background(), p.options.Timeouts.Shutdown)
	defer cancel()
	close(p.stopping)
	var leaving partings
	for _, server := range fronts.servers {
		server.SetKeepAlivesEnabled(false) // so that who is told to leave does not come back on the same connection
	}
	for _, f := range p.flights() {
		f.part(&leaving, min(partTime, p.options.Timeouts.Shutdown/2))
	}
	err := fronts.each(func(s *http.Server) error { return finish(ctx, s) })
	if cut := leaving.wait() + p.cutAll(); cut > 0 {
		p.options.Log.Warn().Int("connections", cut).Msg("closed proxied connections that had not ended")
	}
	if err != nil {
		err = fronts.each((*http.Server).Close)
	}
	for _, release := range p.table.Load().releases {
		release.via.CloseIdleConnections()
	}
	p.closeUnserved()
	return err
}

// finishEvery is how long a connection may be idle that has begun too late to be told that it ends.
const finishEvery = 500 * time.Millisecond

// finish ends a server's connections when their requests are done. Shutdown tells only those of HTTP/2 to leave that have begun by
// then. Whose handshake has taken longer would be waited for, and cut without a word; so it is asked again.
func finish(ctx context.Context, s *http.Server) error {
	for {
		step, stop := context.WithTimeout(ctx, finishEvery)
		err := s.Shutdown(step)
		stop()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return err
		}
	}
}

// closeUnserved closes a listener that came when it was too late to serve it.
func (p *Proxy) closeUnserved() {
	select {
	case listener := <-p.opened:
		_ = listener.Close()
	default:
	}
}

// cutAll closes what is in flight, upgraded connections too, which net/http does not know about.
func (p *Proxy) cutAll() (cut int) {
	over, end := context.WithDeadline(context.Background(), time.Now())
	defer end()
	for _, f := range p.flights() {
		f.hand(nil)
		cut += f.drain(over, nil)
	}
	return cut
}
