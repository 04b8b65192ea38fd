// Package discord tells a Discord channel about deployments and outages: one message each, edited as it goes; that of a
// deployment is sent once it has left the waiting room. It speaks to Discord's REST API only, and nothing that Discord
// does or fails to do reaches a deployment: those who report to it never wait.
package discord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"fisherman/deployer"
)

const (
	// capacity is how many deployments and outages are remembered at once.
	capacity = 1000
	// spacing is the least time between two edits of a message, but for the last: Discord allows about one a second.
	spacing = time.Second
	// grace is how long Run goes on after its context ended, to tell what is still untold.
	grace = 3 * time.Second
	// patience bounds each request.
	patience = 10 * time.Second
)

// Store keeps a few texts by key, so that after a restart a message is edited and not sent again: under the id of a
// deployment or an outage that of its message, and under openOutage which outage a service has.
type Store interface {
	// Message returns what was kept, empty when nothing was.
	Message(key string) (id string, err error)
	SetMessage(key, id string) error
}

// Options of a Notifier.
type Options struct {
	Token     deployer.Secret                    // the bot's, with or without the word Bot before it
	ChannelID string                             // where to write
	API       string                             // scheme and host of Discord; https://discord.com/ when empty
	Store     Store                              //
	Log       zerolog.Logger                     //
	Bake      func(service string) time.Duration // how long its old release stays warm; 0: it is told without, as when nil
	Transport http.RoundTripper                  // a copy of http.DefaultTransport when nil
}

// Notifier is told of deployments (Observe), of services (Notify) and of what else goes wrong (Warn), and tells Discord (Run).
type Notifier struct {
	client *client
	store  Store
	bake   func(service string) time.Duration
	log    zerolog.Logger
	queue  *queue
	mood   mood

	mu      sync.Mutex         // guards the field below
	outages map[string]*outage // by service; nil where there is none, and absent where the Store has not been asked
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
	return &Notifier{
		client: client, store: o.Store, bake: o.Bake, log: log, queue: newQueue(capacity), mood: mood{log: log},
		outages: map[string]*outage{},
	}, nil
}

// Observe takes note of a deployment's newest state. It never blocks. What happens faster than Discord can be told is
// told as the newest state only; how a deployment ended is forgotten only when a thousand others wait to be told.
func (n *Notifier) Observe(d deployer.Deployment) {
	if d.State != deployer.Waiting {
		n.put(n.newsOf(d))
	}
}

func (n *Notifier) put(newest news) {
	if forgotten, full := n.queue.put(newest); full {
		n.log.Warn().EmbedObject(forgotten).Msg("too much to tell Discord: this is left out")
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
	n.log.Warn().Int("untold", n.queue.untold()).Msg("stopping before Discord could be told everything")
}
