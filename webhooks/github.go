// Package webhooks turns one signed HTTP request from GitHub into one verified Event.
//
// It is a leaf: it knows GitHub and HTTP, and nothing of deployments. What an Event leads to, whether it was seen before
// and how it is answered is decided by its callers. github.com/google/go-github verifies signatures and parses pushes and
// pings; packages are parsed here, because version 57 fails on GitHub's own examples of them and does not know
// registry_package.
package webhooks

import (
	"fmt"
	"net/http"
	"regexp"
	"sync/atomic"

	"github.com/google/go-github/v57/github"
)

// signatureForm is the only form GitHub sends; go-github alone would also take sha1 and sha512.
var signatureForm = regexp.MustCompile(`^sha256=[0-9a-fA-F]{64}$`)

// GitHub verifies and parses deliveries. It is safe for concurrent use; the bound on memory is per GitHub, so a server has one.
type GitHub struct {
	keys   atomic.Pointer[keyring]
	bodies *bodies
}

// New returns a GitHub that trusts these secrets. Without any secret it refuses every delivery.
func New(secrets Secrets) *GitHub {
	g := &GitHub{bodies: newBodies()}
	g.SetSecrets(secrets)
	return g
}

// SetSecrets replaces all secrets at once. A delivery that is being verified meanwhile is judged wholly by the old ones or
// wholly by the new ones.
func (g *GitHub) SetSecrets(secrets Secrets) {
	g.keys.Store(newKeyring(secrets))
}

// Parse reads, verifies and parses one delivery, in this order: form of the signature, length, signature, headers and JSON,
// right of the signing secret to speak for the repository. A request that fails one step is not looked at further; one
// without a well-formed signature is refused before its body is read.
//
// A delivery that is genuine but leads to nothing is no error: Event.Ignored says why. Status gives an error's HTTP status;
// its text is meant for the sender. When there is an error, the Event is empty.
//
// Parse waits for memory by itself, but cannot interrupt a body that stops arriving: the caller sets a read deadline on the
// connection first (http.ResponseController.SetReadDeadline; GitHub gives up after 10 s).
//
// https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
func (g *GitHub) Parse(r *http.Request) (Event, error) {
	if !signatureForm.MatchString(r.Header.Get(github.SHA256SignatureHeader)) {
		return Event{}, fmt.Errorf("%w: header %s is missing or not sha256= and 64 hex digits; set a secret on the webhook",
			ErrUnverified, github.SHA256SignatureHeader)
	}
	return g.bodies.read(r, func(body []byte) (Event, error) { return g.judge(r, body) })
}

// judge verifies a whole body and parses it.
func (g *GitHub) judge(r *http.Request, body []byte) (Event, error) {
	keys := g.keys.Load()
	signers := keys.signers(r.Header.Get(github.SHA256SignatureHeader), body)
	if len(signers) == 0 {
		return Event{}, fmt.Errorf("%w: no configured secret signed it; give the webhook and the configuration the same one",
			ErrUnverified)
	}
	event, payload, err := open(r, body)
	if err != nil {
		return Event{}, err
	}
	known, err := keys.admit(event.Repository, signers)
	if err != nil {
		return Event{}, err
	}
	if !known {
		event.Ignored = foreign(event.Repository)
	}
	if err := event.detail(payload); err != nil {
		return Event{}, err
	}
	return event, nil
}

func foreign(repository string) string {
	if repository == "" {
		return "the delivery names no repository"
	}
	return fmt.Sprintf("repository %s is not configured here", repository)
}
