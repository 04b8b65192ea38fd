package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"fisherman/server/config"
)

// tryNextStart finds what would fail the next start of what has changed and counts from then on, while somebody is there who has
// changed it.
func (p *program) tryNextStart(plan config.Plan, next *config.Config, failed func(setting string, err error) bool) {
	fails := func(setting string, err error) {
		if err != nil {
			failed(setting, fmt.Errorf("the next start would fail: %w", err))
		}
	}
	listens := func(setting, socket, address string) {
		if plan.Touches(setting) && p.sockets[socket] == nil {
			fails(setting, mayListen(address))
		}
	}
	listens("server.listen", socketServer, next.Server.Listen)
	listens("proxy.http", socketHTTP, next.Proxy.HTTP)
	if next.Proxy.SpeaksTLS() {
		listens("proxy.https", socketHTTPS, next.Proxy.HTTPS)
	}
	if plan.Touches("state") {
		fails("state", os.MkdirAll(next.State, 0o700)) // which is what a start begins with
	}
}

// mayListen reports why nobody could listen at an address. That it is taken now is no reason: perhaps by this very process.
func mayListen(address string) error {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	switch {
	case err == nil:
		return l.Close()
	case errors.Is(err, syscall.EADDRINUSE):
		return nil
	}
	return err
}
