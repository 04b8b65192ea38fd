package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"fisherman/deployer"
	"fisherman/server/config"
	"fisherman/server/discord"
)

// outlet is Discord as it is configured at the moment, or nothing. Another configuration puts another notifier in its place;
// the one before tells what it has still to tell, for a few seconds at most, and the new one begins after that.
type outlet struct {
	open func(config.Discord) (*discord.Notifier, error)

	mu   sync.Mutex // guards the field below
	line []*turn    // the last one is told everything; Run is at the first
}

// turn is a notifier's time.
type turn struct {
	*discord.Notifier                 // nil: nobody is told
	over              context.Context // ended when another one takes its place
	end               context.CancelFunc
}

func newOutlet(open func(config.Discord) (*discord.Notifier, error)) *outlet {
	o := &outlet{open: open}
	o.begin(nil)
	return o
}

// set changes where things are told; nil is nowhere. When that is impossible all stays as it was.
func (o *outlet) set(to *config.Discord) error {
	if to == nil {
		o.begin(nil)
		return nil
	}
	n, err := o.open(*to)
	if err == nil {
		o.begin(n)
	}
	return err
}

func (o *outlet) begin(n *discord.Notifier) {
	next := &turn{Notifier: n}
	next.over, next.end = context.WithCancel(context.Background())
	o.mu.Lock()
	defer o.mu.Unlock()
	if last := len(o.line) - 1; last >= 0 {
		o.line[last].end()
	}
	o.line = append(o.line, next)
}

// Run lets one notifier after the other tell what it was told, until ctx ends and the last has told the rest.
func (o *outlet) Run(ctx context.Context) error {
	for now := o.first(); ; now = o.following() {
		running, stop := context.WithCancel(ctx)
		unhook := context.AfterFunc(now.over, stop)
		now.run(running)
		unhook()
		stop()
		if ctx.Err() != nil && now == o.current() {
			return nil
		}
	}
}

func (t *turn) run(ctx context.Context) {
	if t.Notifier == nil {
		<-ctx.Done()
		return
	}
	_ = t.Run(ctx) // always nil
}

func (o *outlet) first() *turn {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.line[0]
}

// following ends the turn of the first in line. There is another one behind it.
func (o *outlet) following() *turn {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.line = o.line[1:]
	return o.line[0]
}

func (o *outlet) current() *turn {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.line[len(o.line)-1]
}

// Observe, Notify and Warn are the present notifier's. They never wait for Discord.
func (o *outlet) Observe(d deployer.Deployment) {
	if n := o.current().Notifier; n != nil {
		n.Observe(d)
	}
}

func (o *outlet) Notify(notice deployer.Notice) {
	if n := o.current().Notifier; n != nil {
		n.Notify(notice)
	}
}

func (o *outlet) Warn(w discord.Warning) {
	if n := o.current().Notifier; n != nil {
		n.Warn(w)
	}
}

// openDiscord makes the outlet, with what is configured.
func (p *program) openDiscord(context.Context) error {
	p.outlet = newOutlet(func(c config.Discord) (*discord.Notifier, error) {
		return discord.New(discord.Options{
			Token: c.Token, ChannelID: c.ChannelID, API: c.API, Bake: p.bakeOf, Store: p.journal, Log: p.part("discord"),
		})
	})
	p.setBakes(p.Services)
	p.observers = append(p.observers, p.outlet.Observe)
	p.notices = append(p.notices, p.outlet.Notify)
	err := p.outlet.set(p.Discord)
	if errors.Is(err, deployer.ErrUnavailable) { // the token is lacking, which is told already
		return nil
	}
	return err
}

// bakeOf is how long a service's old release stays warm.
func (p *program) bakeOf(service string) time.Duration {
	return (*p.bakes.Load())[service]
}

func (p *program) setBakes(services []deployer.Service) {
	times := map[string]time.Duration{}
	for _, s := range services {
		times[s.Name] = s.Bake
	}
	p.bakes.Store(&times)
}
