package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// maxHead is the most a request's head may have, in bytes: 431 beyond.
const maxHead = 64 << 10

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

// Run serves until ctx ends, listening first if nobody has called Listen. It then closes the listener, keeps serving
// open connections for Timeouts.Linger, since one whose request is just being read when Shutdown begins would be
// closed unanswered, closes WebSockets with 1001 and ends server-sent events, gives requests in flight Timeouts.Shutdown,
// and closes the rest. It returns nil after an orderly stop. A Proxy is run once.
func (p *Proxy) Run(ctx context.Context) error {
	if err := p.Listen(ctx); err != nil {
		return err
	}
	defer p.writeAccessLog()()
	defer inBackground(p.keepSaving)()
	defer inBackground(p.sampleTraffic)()
	hold := time.AfterFunc(p.options.Timeouts.Hold, p.believe)
	defer hold.Stop()
	server := p.server()
	served := make(chan error, 1)
	go func() { served <- server.Serve(guarded{p.listener}) }()
	select {
	case err := <-served:
		return errors.Join(fmt.Errorf("serve proxied requests: %w", err), p.shutDown(server))
	case <-ctx.Done():
	}
	p.leave(served)
	return p.shutDown(server)
}

// writeAccessLog begins to write batches; the returned stop writes the last one and waits for that.
func (p *Proxy) writeAccessLog() (stop func()) {
	if p.lines == nil {
		return func() {}
	}
	return inBackground(p.lines.run)
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

// leave closes the listener, waits for the accept loop to end and lingers. Clients are asked to connect anew only when
// they can no longer get in here: what waits in a listener's queue when it is closed is reset.
func (p *Proxy) leave(served <-chan error) {
	if err := p.listener.Close(); err != nil {
		p.options.Log.Warn().Err(err).Msg("close proxy listener")
	}
	<-served //nolint:errcheck // it ends because the listener was closed
	p.leaving.Store(true)
	time.Sleep(p.options.Timeouts.Linger)
}

// shutDown ends what is left: WebSockets and event streams politely and at once, requests when they are done.
func (p *Proxy) shutDown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), p.options.Timeouts.Shutdown)
	defer cancel()
	close(p.stopping)
	server.SetKeepAlivesEnabled(false) // so that who is told to leave does not come back on the same connection
	var leaving partings
	for _, f := range p.flights() {
		f.part(&leaving, min(partTime, p.options.Timeouts.Shutdown/2))
	}
	err := server.Shutdown(ctx)
	if cut := leaving.wait() + p.cutAll(); cut > 0 {
		p.options.Log.Warn().Int("connections", cut).Msg("closed proxied connections that had not ended")
	}
	if err != nil {
		err = server.Close()
	}
	for _, release := range p.table.Load().releases {
		release.via.CloseIdleConnections()
	}
	return err
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
