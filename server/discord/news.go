package discord

import (
	"strings"
	"time"

	"github.com/rs/zerolog"

	"fisherman/deployer"
)

// news is the newest of one thing that has a message of its own: a deployment or an outage.
type news struct {
	id      string // the deployment's or the outage's; the Store has the message under it
	service string
	text    message
	final   bool   // nothing follows
	open    string // for an outage, where the Store has its id while it lasts
}

// newsOf is what there is to tell of a deployment.
func (n *Notifier) newsOf(d deployer.Deployment) news {
	var bake time.Duration
	if n.bake != nil {
		bake = n.bake(d.Service)
	}
	return news{id: d.ID, service: d.Service, text: render(d, bake), final: d.State.Ended()}
}

// MarshalZerologObject says what a line of the log is about.
func (n news) MarshalZerologObject(line *zerolog.Event) {
	if strings.Contains(n.service, " ") { // a warning's
		line.Str("about", n.service)
		return
	}
	line.Str("service", n.service)
	if n.open == "" {
		line.Str("deployment", n.id)
	}
}

// returns reports whether more will be heard of it soon, so that this may be left out.
func (n news) returns() bool { return !n.final && n.open == "" }
