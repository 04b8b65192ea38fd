package client

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"fisherman/server"
)

// ErrUnreachable means that no answer came. A command that had been sent may have been carried out all the same.
var ErrUnreachable = errors.New("cannot reach fisherman")

// Error is a server's answer that is no success.
type Error struct {
	Status int // HTTP
	Text   string
}

func (e *Error) Error() string { return e.Text }

// unreachable words why no answer came. That the caller gave up is for the caller to word.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w at %s (%w); is `fisherman serve` running there? Name another server with --server or FISHERMAN_SERVER",
		ErrUnreachable, c.base.Redacted(), cause(err))
}

// cause leaves away the method and the address, which url.Error repeats.
func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// refusal words an answer that is no success.
func (c *Client) refusal(response *http.Response) error {
	problem := said(response.Body)
	refused := &Error{Status: response.StatusCode, Text: problem.Error}
	switch {
	case response.StatusCode == http.StatusUnauthorized:
		refused.Text = fmt.Sprintf("%s refuses the token; give the server's with --token or FISHERMAN_TOKEN, "+
			"or run as a user who can read the file token in its state directory", c.base.Redacted())
	case response.Header.Get("Location") != "":
		refused.Text = fmt.Sprintf("%s redirects to %s; name the right address with --server or FISHERMAN_SERVER",
			c.base.Redacted(), response.Header.Get("Location"))
	case problem.Error == "":
		refused.Text = fmt.Sprintf("%s answered %s, and not as fisherman does; check --server or FISHERMAN_SERVER",
			c.base.Redacted(), response.Status)
	case problem.NoSuchPath(), response.StatusCode == http.StatusMethodNotAllowed:
		refused.Text = fmt.Sprintf("%s does not know this command: %s", c.base.Redacted(), c.versions(response))
	}
	return refused
}

// misunderstood words a success that is not the answer that was asked for.
func (c *Client) misunderstood(response *http.Response, err error) error {
	if response.Header.Get(server.VersionHeader) == "" {
		return fmt.Errorf("%s did not answer as fisherman does (%w); check --server or FISHERMAN_SERVER", c.base.Redacted(), err)
	}
	return fmt.Errorf("the answer of %s cannot be understood (%w): %s", c.base.Redacted(), err, c.versions(response))
}

// versions says who does not understand whom, and what to do.
func (c *Client) versions(response *http.Response) string {
	theirs := cmp.Or(response.Header.Get(server.VersionHeader), "of an older version")
	return fmt.Sprintf("the server is fisherman %s, this command is %s; use the same version here as there", theirs, cmp.Or(c.Version, server.Unreleased))
}

// said is the server's own word for what went wrong; empty when that is no fisherman.
func said(body io.Reader) (problem server.Problem) {
	if err := json.NewDecoder(io.LimitReader(body, 64<<10)).Decode(&problem); err != nil {
		return server.Problem{}
	}
	return problem
}
