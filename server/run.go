package server

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"time"
)

const (
	headerWithin = 10 * time.Second
	idleWithin   = 2 * time.Minute
	maxHeader    = 32 << 10 // bytes
	stragglers   = 200 * time.Millisecond
	stopWithin   = 10 * time.Second
)

// Run serves everything of server.listen until ctx ends, then closes the listener, lets what is being answered be
// answered, within 10 s, and returns nil. Streams end with ctx.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          stdlog.New(s.Log, "", 0),
		ReadHeaderTimeout: headerWithin, // bodies have a deadline of their own: bounded
		WriteTimeout:      answerWithin + stopWithin,
		IdleTimeout:       idleWithin,
		MaxHeaderBytes:    maxHeader,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return errors.Join(fmt.Errorf("serve API on %s: %w", l.Addr(), err), server.Close())
	case <-ctx.Done():
	}
	_ = l.Close()
	<-served //nolint:errcheck // it ends because the listener was closed
	return stop(server)
}

// stop waits a moment before it shuts down: a connection whose first request is read after Shutdown has begun is closed
// without an answer.
func stop(server *http.Server) error {
	time.Sleep(stragglers)
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return server.Close()
	}
	return nil
}
