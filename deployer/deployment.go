package deployer

import (
	"cmp"
	"fmt"
	"time"
)

// Kind says what caused a deployment.
type Kind string

// The causes.
const (
	KindPush      Kind = "push"
	KindPackage   Kind = "package"
	KindManual    Kind = "manual"
	KindRollback  Kind = "rollback"
	KindReconcile Kind = "reconcile"
)

// deliberate reports whether a person asked: then neither order nor a judgement counts.
func (c Cause) deliberate() bool {
	return c.Kind == KindManual || c.Kind == KindRollback || c.Configured
}

// Cause is who or what asked for a deployment.
type Cause struct {
	Kind     Kind
	Delivery string // GitHub's delivery id, empty for anything but a webhook
	Sender   string // a login

	Configured bool `json:",omitempty"` // somebody has changed the configuration: that is a person's word
}

// Deployment is one attempt to make a digest live for a service. It is a plain value; what callers hold are snapshots.
type Deployment struct {
	ID         string
	Service    string
	State      State
	Image      string // without tag: "ghcr.io/owner/name"
	Reference  string // the tag it was asked for by, empty when only a digest was named
	Digest     string // empty while unknown
	Commit     string // 40 hex or empty
	Repository string // "owner/name" or empty
	Message    string // first line of the commit's message, or empty
	Author     string // of the commit, or empty
	Cause      Cause
	Reason     string // why it ended so, for a person; empty on success
	CreatedAt  time.Time
	FinishedAt time.Time // zero until it ended
	Steps      []Step
	Notes      []Note // its own log, bounded
	Dropped    int    `json:",omitempty"` // how many of its oldest notes had to go

	Anew      bool   `json:",omitempty"` // it makes a release that was lost again, with the configuration that it had
	Warning   string `json:",omitempty"` // what went wrong though it succeeded, for a person
	Concluded bool   `json:",omitempty"` // the service's After has ended

	Told     *Ending `json:",omitempty"` // how it is to end, while it is being stopped
	Replaces string  // the deployment that was live when it switched
	Before   Share   // the answers of that one in the minutes before

	From    string // a rollback: the deployment whose release it goes back to, itself never a rollback
	Spec    string // of the configuration that made its containers, once it has started
	Stops   int    // how many deployments in a row were stopped to make room for it
	Arrival int64  // a logical clock: which of two was asked for later
}

// Ending is why a deployment is stopped before its switch, or its switch is taken back.
type Ending struct {
	State  State
	Reason string
}

func (e *Ending) Error() string { return string(e.State) + ": " + e.Reason }

// Step is the moment a deployment entered a state.
type Step struct {
	State State
	At    time.Time
	Tick  int64  `json:",omitempty"` // of the logical clock: its place among the steps of all deployments
	Known *Known `json:",omitempty"` // when it differs from what was known at the step before
}

// Known is what is not known of a deployment from the beginning, or may change.
type Known struct {
	Digest, Commit string
	Cause          Cause
}

// Note is one line of a deployment's log.
type Note struct {
	At   time.Time
	Text string
}

// short is a commit as people say it.
func short(commit string) string {
	if len(commit) > 7 {
		return commit[:7]
	}
	return commit
}

// name is what a reason calls a deployment: its commit where there is one, else its digest, else its id.
func (d Deployment) name() string {
	switch {
	case d.Commit != "":
		return "commit " + short(d.Commit)
	case d.Digest != "":
		return fmt.Sprintf("digest %.19s", d.Digest)
	}
	return "deployment " + d.ID
}

// origin is the deployment whose release it runs: a rollback, or a good digest deployed anew, stands for an earlier one.
func (d Deployment) origin() string { return cmp.Or(d.From, d.ID) }

// underWay reports whether it has left the waiting room and has not ended.
func (d Deployment) underWay() bool { return d.State != Waiting && !d.State.Ended() }
