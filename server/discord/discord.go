// Package discord tells a Discord channel about deployments: one message each, sent once it has left the waiting room
// and edited as it goes. It speaks to Discord's REST API only, and nothing that Discord does or fails to do reaches a
// deployment: those who report to it never wait.
package discord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"fisherman/deployer"
)

const (
	// capacity is how many deployments are remembered at once.
	capacity = 1000
	// spacing is the least time between two edits of a message, but for the last: Discord allows about one a second.
	spacing = time.Second
	// grace is how long Run goes on after its context ended, to tell what is still untold.
	grace = 3 * time.Second
	// patience bounds each request.
	patience = 10 * time.Second
)

// Store keeps which message belongs to which deployment, so that after a restart it is edited and not sent again.
type Store interface {
	// Message returns the id of a deployment's message, empty when it has none.
	Message(deployment string) (id string, err error)
	SetMessage(deployment, id string) error
}

// Options of a Notifier.
type Options struct {
	Token     string            // the bot's, with or without the word Bot before it
	ChannelID string            // where to write
	API       string            // scheme and host of Discord; https://discord.com/ when empty
	Store     Store             //
	Log       zerolog.Logger    //
	Transport http.RoundTripper // a copy of http.DefaultTransport when nil
}

// Notifier is an observer of deployments.
type Notifier struct {
	client *client
	store  Store
	log    zerolog.Logger
	queue  *queue
	mood   mood
}

// New checks the options; Discord is not asked before there is something to tell.
func New(o Options) (*Notifier, error) {
	if o.Store == nil {
		return nil, errors.New("discord: no store for message ids")
	}
	client, err := newClient(o)
	if err != nil {
		return nil, fmt.Errorf("discord: %w", err)
	}
	log := o.Log.With().Str("channel", o.ChannelID).Logger()
	return &Notifier{client: client, store: o.Store, log: log, queue: newQueue(capacity), mood: mood{log: log}}, nil
}

// Observe takes note of a deployment's newest state. It never blocks. What happens faster than Discord can be told is
// told as the newest state only; how a deployment ended is forgotten only when a thousand others wait to be told.
func (n *Notifier) Observe(d deployer.Deployment) {
	if d.State == deployer.Waiting {
		return
	}
	d.Notes = nil // long, and no part of the message
	if forgotten, full := n.queue.put(d); full {
		n.log.Warn().Str("deployment", forgotten).Msg("too much to tell Discord: this deployment is left out")
	}
}

// Run tells Discord what was observed until ctx ends, and for at most three seconds more what is still untold. It
// returns nil.
func (n *Notifier) Run(ctx context.Context) error {
	lingering, cancel := outlive(ctx, grace)
	defer cancel()
	for ctx.Err() == nil {
		next, wait := n.queue.next(time.Now())
		if wait > 0 {
			n.idle(ctx, wait)
			continue
		}
		pause(ctx, n.attempt(lingering, next))
	}
	n.flush(lingering)
	return nil
}

// flush tells what is left, as long as Discord takes it.
func (n *Notifier) flush(ctx context.Context) {
	for ctx.Err() == nil {
		next, wait := n.queue.next(time.Now().Add(spacing))
		if wait > 0 {
			return
		}
		if wait = n.attempt(ctx, next); wait > grace {
			break
		}
		pause(ctx, wait)
	}
	n.log.Warn().Int("deployments", n.queue.untold()).Msg("stopping before Discord could be told everything")
}
