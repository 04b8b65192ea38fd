package main

import (
	"context"

	"github.com/coreos/go-systemd/v22/daemon"
)

// announce tells systemd, if that waits for it (Type=notify), that connections are served, and at the end that they are no
// longer taken. Ready does not wait for Docker: apps that run are served without it.
//
// There is no watchdog: what it would notice, a part that hangs, is not worth the connections that a kill cuts off.
func (p *program) announce(ctx context.Context) error {
	p.notify(daemon.SdNotifyReady)
	<-ctx.Done()
	p.notify(daemon.SdNotifyStopping)
	return nil
}

func (p *program) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		p.Log.Warn().Err(err).Str("state", state).Msg("cannot tell systemd")
	}
}
