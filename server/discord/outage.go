package discord

import (
	"fmt"
	"strings"
	"time"

	"fisherman/deployer"
)

// outage is a time in which none of a service's replicas is well.
type outage struct {
	service string
	reason  string
	since   time.Time
	until   time.Time // zero while it lasts
}

// Notify takes note that a service went down, or is well again. It never waits for Discord; the first time it is told of a
// service it reads the Store. An outage has one message, which is edited once it is over. That a service is well which was
// not known to be down is nothing to tell: so after a restart the state of every service may be passed, and what was told
// before it is brought up to date.
func (n *Notifier) Notify(notice deployer.Notice) {
	n.mu.Lock()
	o := n.outageLocked(notice)
	n.mu.Unlock()
	if o != nil {
		n.put(o.news())
	}
}

// outageLocked is the outage that a notice begins, goes on with or ends; nil when there is none.
func (n *Notifier) outageLocked(notice deployer.Notice) *outage {
	o, met := n.outages[notice.Service]
	if !met {
		o = n.recall(notice.Service)
	}
	switch {
	case notice.Down && o == nil:
		o = &outage{service: notice.Service, reason: notice.Reason, since: notice.At}
	case notice.Down:
		o = &outage{service: o.service, reason: notice.Reason, since: o.since}
	case o != nil:
		n.outages[notice.Service] = nil
		return &outage{service: o.service, reason: o.reason, since: o.since, until: notice.At}
	}
	n.outages[notice.Service] = o
	return o
}

// recall is the outage that Discord was told of before a restart and that was not over then; nil when there was none.
func (n *Notifier) recall(service string) *outage {
	id, err := n.store.Message(openOutage(service))
	if err != nil {
		n.log.Warn().Str("service", service).Err(err).Msg("cannot read whether an outage was told of before the start; it may be told of twice")
	}
	since, err := time.Parse(time.RFC3339Nano, strings.TrimPrefix(id, outageOf(service)))
	if err != nil {
		return nil
	}
	return &outage{service: service, since: since}
}

// openOutage is where the Store has the id of a service's outage while it lasts. Deployments have no blank in their ids.
func openOutage(service string) string { return "outage of " + service }

func outageOf(service string) string { return service + " down since " }

func (o outage) news() news {
	return news{
		service: o.service, id: outageOf(o.service) + o.since.UTC().Format(time.RFC3339Nano), text: o.render(),
		final: !o.until.IsZero(), open: openOutage(o.service),
	}
}

func (o outage) render() message {
	m := message{
		headline: line(o.service) + ": down, none of its replicas is well",
		color:    red,
		body:     fmt.Sprintf("since <t:%d:R>", o.since.Unix()),
	}
	if !o.until.IsZero() {
		m.headline = line(o.service) + ": well again after " + span(o.until.Sub(o.since))
		m.color = green
		m.body = fmt.Sprintf("down from <t:%d:f> to <t:%d:f>", o.since.Unix(), o.until.Unix())
	}
	if o.reason != "" {
		m.body = reason(o.reason) + "\n" + m.body
	}
	return m
}
