package discord

import (
	"fmt"
	"strings"
	"time"

	"fisherman/deployer"
)

// outage is a time in which none of a service's replicas is well, or in which something else is not.
type outage struct {
	service string // or what else it is about, which has a blank
	warning bool
	reason  string
	since   time.Time
	until   time.Time // zero while it lasts
}

// Notify takes note that a service went down, or is well again. It never waits for Discord; the first time it is told of a
// service it reads the Store. An outage has one message, which is edited once it is over. That a service is well which was
// not known to be down is nothing to tell: so after a restart the state of every service may be passed, and what was told
// before it is brought up to date.
func (n *Notifier) Notify(notice deployer.Notice) {
	n.note(outage{service: notice.Service, reason: notice.Reason}, notice.Down, notice.At, false)
}

// Warning is news of something that is no service and needs somebody's attention.
type Warning struct {
	About  string // in a few words: "certificate of a.pl"
	Reason string // for a person; empty: it is over
	Again  bool   // it was told before, and is to be told anew
	At     time.Time
}

// Warn does for a warning what Notify does for an outage.
func (n *Notifier) Warn(w Warning) {
	n.note(outage{service: w.About, warning: true, reason: w.Reason}, w.Reason != "", w.At, w.Again)
}

func (n *Notifier) note(now outage, lasts bool, at time.Time, anew bool) {
	n.mu.Lock()
	o := n.outageLocked(now, lasts, at, anew)
	n.mu.Unlock()
	if o != nil {
		n.put(o.news())
	}
}

// outageLocked is the outage that is begun, gone on with or ended; nil when there is none.
func (n *Notifier) outageLocked(now outage, lasts bool, at time.Time, anew bool) *outage {
	o, met := n.outages[now.service]
	if !met {
		o = n.recall(now.service)
	}
	switch {
	case !lasts && o == nil:
		n.outages[now.service] = nil
		return nil
	case !lasts:
		n.outages[now.service] = nil
		now.reason, now.since, now.until = o.reason, o.since, at
		return &now
	case o == nil || anew:
		now.since = at
	default:
		now.since = o.since
	}
	n.outages[now.service] = &now
	return &now
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
	if o.warning {
		m.headline, m.color = line(o.service)+": needs attention", orange
	}
	if !o.until.IsZero() {
		m.headline = line(o.service) + ": well again after " + span(o.until.Sub(o.since))
		m.color = green
		m.body = fmt.Sprintf("%s from <t:%d:f> to <t:%d:f>", o.word(), o.since.Unix(), o.until.Unix())
	}
	if o.reason != "" {
		m.body = reason(o.reason) + "\n" + m.body
	}
	return m
}

func (o outage) word() string {
	if o.warning {
		return "it was so"
	}
	return "down"
}
