package webhooks

import "fmt"

// Kinds of events that are parsed. Any other event keeps GitHub's name for it and is ignored.
const (
	KindPing    = "ping"
	KindPush    = "push"
	KindPackage = "package" // also what GitHub Apps receive as registry_package
)

// Event is one verified delivery. At most one of Ping, Push and Package is set, the one that Kind names; with Ignored they hold what
// is known, for the log.
type Event struct {
	Delivery   string // X-GitHub-Delivery, the same again when GitHub redelivers
	Kind       string
	Repository string // owner/name, lower-cased; empty when the delivery names none
	Sender     string // login of who caused it; may be empty
	Ignored    string // why the event leads to nothing, for a person; empty when it may lead to something

	Ping    *Ping
	Push    *Push
	Package *Package
}

// Ping is what GitHub sends when a webhook is made.
type Ping struct {
	Warnings []string // what is wrong with the webhook's settings, each with its remedy
}

// Push moves a branch. Commits are lower-case hex of 40 digits, or 64 in a SHA-256 repository.
type Push struct {
	Branch        string // without refs/heads/; empty for a tag
	DefaultBranch string
	Before        string // empty when the push made the branch
	After         string // empty when the push deleted it
	Deleted       bool
	Forced        bool
	Message       string // first line of the head commit's message
	Author        string // of the head commit: the name, else the login
}

// Package is one version of a container image.
type Package struct {
	Image  string // registry/namespace/name, lower-cased, without a tag
	Tag    string // the one tag GitHub names, of perhaps several; empty for an untagged manifest
	Digest string // sha256: and 64 hex digits
	Commit string // 40 lower-case hex digits, or empty when the event names none
	Branch string // the branch it was built from, as GitHub sees it; may be empty
}

// detail parses what is particular to the event's kind. Of an event that is ignored already only a ping is read: its warnings
// help whoever has just made the webhook, also an organisation's.
func (e *Event) detail(payload []byte) (err error) {
	switch {
	case e.Kind == KindPing:
		e.Ping, err = parsePing(payload)
	case e.Ignored != "":
	case e.Kind == KindPush:
		e.Push, e.Ignored, err = parsePush(payload)
	case e.Kind == KindPackage:
		e.Package, e.Ignored, err = parsePackage(payload)
	default:
		e.Ignored = fmt.Sprintf("event %q deploys nothing; only push and package do", e.Kind)
	}
	return err
}
