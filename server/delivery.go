package server

import (
	"fisherman/deployer"
	"fisherman/webhooks"
)

// Delivery answers a genuine webhook. GitHub shows it to whoever looks at the webhook's deliveries.
type Delivery struct {
	Delivery    string     `json:"delivery"`
	Deployments []Accepted `json:"deployments"`         // never null
	Ignored     string     `json:"ignored,omitempty"`   // why it led to nothing
	Duplicate   bool       `json:"duplicate,omitempty"` // seen before; the deployments are those of that time
	Warnings    []string   `json:"warnings,omitempty"`  // of a ping: what is wrong with the webhook's settings
}

// Accepted is a deployment as the sender of a webhook sees it.
type Accepted struct {
	ID      string         `json:"id"`
	Service string         `json:"service"`
	State   deployer.State `json:"state"`
}

// outcome is what became of a delivery.
type outcome string

const (
	accepted  outcome = "accepted"
	ignored   outcome = "ignored"
	duplicate outcome = "duplicate"
	refused   outcome = "refused"
)

func (d Delivery) outcome() outcome {
	switch {
	case d.Duplicate:
		return duplicate
	case d.Ignored != "":
		return ignored
	}
	return accepted
}

// trigger is what an event means to deployments. Of an event that is not ignored, Push or Package is set.
func trigger(e webhooks.Event) deployer.Trigger {
	t := deployer.Trigger{Delivery: e.Delivery, Repository: e.Repository, Sender: e.Sender}
	if p := e.Push; p != nil {
		t.Kind = deployer.KindPush
		t.Branch, t.DefaultBranch = p.Branch, p.DefaultBranch
		t.Before, t.After, t.Forced = p.Before, p.After, p.Forced
		t.Message, t.Author = p.Message, p.Author
	}
	if p := e.Package; p != nil {
		t.Kind = deployer.KindPackage
		t.Image, t.Tag, t.Digest, t.Commit = p.Image, p.Tag, p.Digest, p.Commit
	}
	return t
}
