package main

import (
	"context"
	"errors"
	"net"
	"time"

	"fisherman/deployer"
)

// run runs the parts until ctx ends or one of them fails, and stops them in the order in which nothing is lost: first
// what takes deployments in, then what carries them out, then what tells of them, and last the apps' traffic.
func (p *program) run(ctx context.Context) error {
	p.Log.Info().Str("webhooks", p.listener.Addr().String()).Str("proxy", p.proxy.Addr().String()).
		Str("state", p.State).Str("version", version().Version).Msg("serving")
	for _, warning := range warnings(p.Config) {
		p.Log.Warn().Msg(warning)
	}
	var parts []part
	if p.from != nil {
		parts = append(parts, p.hot.follow, p.hot.mend)
	}
	parts = append(parts,
		p.announce,
		func(ctx context.Context) error { return p.server.Run(ctx, p.listener) },
		p.deploy,
		p.outlet.Run,
		p.proxy.Run,
	)
	err := inOrder(ctx, parts)
	if err == nil {
		p.Log.Info().Msg("stopped; apps keep running")
	}
	return errors.Join(err, p.close())
}

// deploy carries out deployments once the engine answers and is this program's alone.
func (p *program) deploy(ctx context.Context) error {
	for {
		err := p.engine.Ready(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil
		}
		if !errors.Is(err, deployer.ErrUnavailable) {
			return err
		}
		p.Log.Error().Err(err).Msg("waiting for Docker; webhooks are queued meanwhile")
		select {
		case <-time.After(p.pause):
		case <-ctx.Done():
			return nil
		}
	}
	claim, err := p.engine.Lock(ctx)
	if err != nil {
		return err
	}
	return errors.Join(p.deployer.Run(ctx), claim.Close())
}

// part blocks until its context ends or it fails.
type part func(context.Context) error

// inOrder runs all parts side by side. When ctx ends, or one of them returns, they are stopped one after the other.
func inOrder(ctx context.Context, parts []part) error {
	returned := make(chan error, len(parts))
	stops := make([]func(), len(parts))
	for i, run := range parts {
		partCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		done := make(chan struct{})
		go func() {
			defer close(done)
			returned <- run(partCtx)
		}()
		stops[i] = func() { cancel(); <-done }
	}
	select {
	case <-ctx.Done():
	case err := <-returned:
		returned <- err
	}
	for _, stop := range stops {
		stop()
	}
	var all []error
	for range parts {
		if err := <-returned; err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, net.ErrClosed) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}
