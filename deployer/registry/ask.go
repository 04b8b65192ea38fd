package registry

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// question is what one registry is asked about one of its repositories.
type question func(ctx context.Context, p *remote.Puller, at name.Repository) (string, error)

// ask puts the question to the registry's mirror when it has one, and to the registry itself when the mirror is of no
// help. When neither is, it is the registry's answer that says of what kind the error is.
func (c *Client) ask(ctx context.Context, repository name.Repository, q question) (string, error) {
	mirror, ok := c.logins.Load().mirrors[repository.Registry.Name()]
	if !ok {
		return c.askOne(ctx, repository, q)
	}
	answer, mirrorErr := c.askOne(ctx, mirror.Repo(repository.RepositoryStr()), q)
	if mirrorErr == nil || ctx.Err() != nil {
		return answer, mirrorErr
	}
	c.log.Debug().Err(mirrorErr).Str("image", repository.Name()).Msg("the mirror is of no help, asking the registry itself")
	answer, err := c.askOne(ctx, repository, q)
	if err != nil {
		return "", fmt.Errorf("%w (asked after its mirror: %v)", err, mirrorErr) //nolint:errorlint // one kind of error, not two
	}
	return answer, nil
}

func (c *Client) askOne(ctx context.Context, at name.Repository, q question) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	puller, err := c.puller(at.Registry)
	if err != nil {
		return "", err
	}
	answer, err := q(ctx, puller, at)
	if err != nil {
		return "", explain(people(at.Registry), err)
	}
	return answer, nil
}

// puller is made anew for each question: it logs in once and forgets. Its own retries are off, so that a Retry-After is
// obeyed by whoever waits, and a deadline is spent on waiting for an answer only.
func (c *Client) puller(registry name.Registry) (*remote.Puller, error) {
	auth, ok := c.logins.Load().auth[registry.Name()]
	if !ok {
		auth = authn.Anonymous
	}
	return remote.NewPuller(
		remote.WithAuth(auth),
		remote.WithTransport(c.transport),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}),
		remote.WithRetryStatusCodes(),
		remote.WithPlatform(platform()),
	)
}
