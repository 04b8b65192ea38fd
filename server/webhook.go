package server

import (
	"net/http"

	"github.com/rs/zerolog"

	"fisherman/deployer"
	"fisherman/webhooks"
)

// webhook takes one delivery. What it leads to is on disk before the answer, and nothing of it is done in here.
func (s *Server) webhook(w http.ResponseWriter, r *http.Request) error {
	event, err := s.GitHub.Parse(r)
	if err != nil {
		return s.refused(r, claimed(r), unread(err))
	}
	delivery, err := s.deliver(event)
	if err != nil {
		return s.refused(r, event, unrecorded(err))
	}
	status := http.StatusOK
	if delivery.outcome() == accepted && event.Ping == nil {
		status = http.StatusAccepted
	}
	s.metrics.delivery(event.Kind, delivery.outcome(), status)
	report(r, event, delivery)
	write(w, r, status, delivery)
	return nil
}

// deliver finds out what an event leads to.
func (s *Server) deliver(e webhooks.Event) (Delivery, error) {
	d := Delivery{Delivery: e.Delivery, Deployments: []Accepted{}, Ignored: e.Ignored}
	if e.Ping != nil {
		d.Warnings = e.Ping.Warnings
	}
	if e.Ping != nil || e.Ignored != "" {
		return d, nil
	}
	receipt, err := s.Deployer.Submit(trigger(e))
	if err != nil {
		return Delivery{}, err
	}
	d.Duplicate = receipt.Duplicate
	d.Deployments = list(receipt.Deployments, func(one deployer.Deployment) Accepted {
		return Accepted{ID: one.ID, Service: one.Service, State: one.State}
	})
	if len(d.Deployments) == 0 { // otherwise it is for somebody here, whoever else it is not for
		d.Ignored = receipt.Ignored
	}
	return d, nil
}

// unread words why a delivery was not taken.
func unread(err error) *refusal {
	if status := webhooks.Status(err); status != http.StatusInternalServerError {
		return &refusal{status: status, text: err.Error()}
	}
	return &refusal{http.StatusInternalServerError, "internal error; see fisherman's log, then redeliver", err}
}

func unrecorded(err error) *refusal {
	return &refusal{
		http.StatusServiceUnavailable,
		"the delivery could not be recorded; redeliver it once fisherman can write to its disk again", err,
	}
}

// claimed is what the headers of an unverified delivery say, for the log.
func claimed(r *http.Request) webhooks.Event {
	return webhooks.Event{Delivery: clip(r.Header.Get("X-GitHub-Delivery")), Kind: clip(r.Header.Get("X-GitHub-Event"))}
}

// clip bounds what strangers can put into the log.
func clip(text string) string { return text[:min(len(text), 64)] }

// report leaves the one line that a delivery has in the log, and one for each warning of a ping.
func report(r *http.Request, e webhooks.Event, d Delivery) {
	ids := make([]string, 0, len(d.Deployments))
	for _, one := range d.Deployments {
		ids = append(ids, one.ID)
	}
	event := line(zerolog.Ctx(r.Context()).Info(), e).Str("outcome", string(d.outcome())).Strs("deployments", ids)
	if d.Ignored != "" {
		event.Str("ignored", d.Ignored)
	}
	if len(d.Deployments) == 1 {
		event.Str("service", d.Deployments[0].Service).Str("deployment", ids[0])
	}
	event.Msg("webhook")
	for _, warning := range d.Warnings {
		line(zerolog.Ctx(r.Context()).Warn(), e).Msg(warning)
	}
}

func (s *Server) refused(r *http.Request, e webhooks.Event, why *refusal) error {
	s.metrics.delivery(e.Kind, refused, why.status)
	line(zerolog.Ctx(r.Context()).Warn(), e).Str("outcome", string(refused)).Int("status", why.status).
		Str("why", why.text).Msg("webhook")
	return why
}

func line(log *zerolog.Event, e webhooks.Event) *zerolog.Event {
	return log.Str("delivery", e.Delivery).Str("event", e.Kind).Str("repository", e.Repository)
}
