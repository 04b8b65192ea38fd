// Package registry answers what a tag of a container image points to, and which commit an image was built from, by
// the OCI distribution protocol: with credentials, with mirrors, and never by downloading an image.
package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rs/zerolog"

	"fisherman/deployer"
)

// DefaultTimeout bounds what one registry is asked, logging in included.
const DefaultTimeout = 10 * time.Second

// Credential is how to read from one registry. Without a username it is read anonymously.
type Credential struct {
	Username string
	Password deployer.Secret
	Mirror   string // "host:port" to ask first, with the credential of that host and never with this one
}

// Options of a Client. The zero value reads every registry anonymously.
type Options struct {
	Credentials map[string]Credential // by registry, as in image names: "ghcr.io", "docker.io", "127.0.0.1:5000"
	Timeout     time.Duration         // for each registry that is asked; DefaultTimeout when 0
	Transport   http.RoundTripper     // a copy of http.DefaultTransport when nil
	Log         zerolog.Logger
}

// Client implements deployer.Registry. It keeps no state between calls.
type Client struct {
	logins    atomic.Pointer[logins]
	timeout   time.Duration
	transport http.RoundTripper
	log       zerolog.Logger
}

// logins are how registries are reached, by the names that images have of them. They never change.
type logins struct {
	auth    map[string]authn.Authenticator
	mirrors map[string]name.Registry
}

// New checks the names of registries and mirrors; nothing is asked yet.
func New(o Options) (*Client, error) {
	c := &Client{
		timeout:   o.Timeout,
		transport: guard{next: o.Transport},
		log:       o.Log,
	}
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	if o.Transport == nil {
		c.transport = guard{next: http.DefaultTransport.(*http.Transport).Clone()}
	}
	return c, c.SetCredentials(o.Credentials)
}

// SetCredentials changes how registries are reached, from the next call on. An error means that nothing has changed.
func (c *Client) SetCredentials(credentials map[string]Credential) error {
	next := &logins{auth: map[string]authn.Authenticator{}, mirrors: map[string]name.Registry{}}
	for host, credential := range credentials {
		if err := next.add(host, credential); err != nil {
			return fmt.Errorf("registries.%s: %w", host, err)
		}
	}
	c.logins.Store(next)
	return nil
}

func (l *logins) add(host string, credential Credential) error {
	registry, err := parseRegistry(host)
	if err != nil {
		return err
	}
	password, err := credential.Password.Reveal()
	switch {
	case errors.Is(err, deployer.ErrUnavailable):
		l.auth[registry.Name()] = lacking{err}
	case err != nil:
		return fmt.Errorf("open the password: it %w", err)
	case credential.Username != "":
		l.auth[registry.Name()] = authn.FromConfig(authn.AuthConfig{
			Username: credential.Username,
			Password: password,
		})
	}
	if credential.Mirror == "" {
		return nil
	}
	mirror, err := parseRegistry(credential.Mirror)
	if err != nil {
		return fmt.Errorf("mirror: %w", err)
	}
	l.mirrors[registry.Name()] = mirror
	return nil
}

// lacking is a login whose password could not be had.
type lacking struct{ why error }

func (l lacking) Authorization() (*authn.AuthConfig, error) {
	return nil, fmt.Errorf("log in: the password %w", l.why)
}

// Resolve returns the digest an image's tag points to; for an image of several platforms that of the index.
//
// No such repository or tag wraps deployer.ErrNotFound. A registry that asks to be left alone for a while (429, or 503
// with Retry-After) is a *deployer.RetryError; one that does not answer, or with another 5xx, wraps
// deployer.ErrUnavailable. Everything else is final, a refused login above all.
func (c *Client) Resolve(ctx context.Context, image, tag string) (string, error) {
	repository, err := parseTag(image, tag)
	if err != nil {
		return "", fmt.Errorf("look up %s:%s: %w", image, tag, err)
	}
	digest, err := c.ask(ctx, repository, func(ctx context.Context, p *remote.Puller, at name.Repository) (string, error) {
		return digestOf(ctx, p, at.Tag(tag))
	})
	if err != nil {
		return "", fmt.Errorf("look up %s:%s: %w", image, tag, err)
	}
	return digest, nil
}

// Revision returns the commit an image says it was built from: its label org.opencontainers.image.revision (OCI image
// specification, annotations), on Linux and this architecture; empty when there is none or it is not 40 hex digits.
// Errors are those of Resolve.
func (c *Client) Revision(ctx context.Context, image, digest string) (string, error) {
	repository, err := parseDigest(image, digest)
	if err != nil {
		return "", fmt.Errorf("read the revision of %s@%s: %w", image, digest, err)
	}
	commit, err := c.ask(ctx, repository, func(ctx context.Context, p *remote.Puller, at name.Repository) (string, error) {
		return revisionOf(ctx, p, at.Digest(digest))
	})
	if err != nil {
		return "", fmt.Errorf("read the revision of %s@%s: %w", image, digest, err)
	}
	return commit, nil
}
