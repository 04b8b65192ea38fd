package client

import (
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
	refused := &Error{Status: response.StatusCode, Text: said(response.Body)}
	switch {
	case response.StatusCode == http.StatusUnauthorized:
		refused.Text = fmt.Sprintf("%s refuses the token; give the server's with --token or FISHERMAN_TOKEN, "+
			"or run as a user who can read the file token in its state directory", c.base.Redacted())
	case response.Header.Get("Location") != "":
		refused.Text = fmt.Sprintf("%s redirects to %s; name the right address with --server or FISHERMAN_SERVER",
			c.base.Redacted(), response.Header.Get("Location"))
	case refused.Text == "":
		refused.Text = fmt.Sprintf("%s answered %s, and not as fisherman does; check --server or FISHERMAN_SERVER",
			c.base.Redacted(), response.Status)
	}
	return refused
}

// said is the server's own word for what went wrong; empty when that is no fisherman.
func said(body io.Reader) string {
	var problem server.Problem
	if err := json.NewDecoder(io.LimitReader(body, 64<<10)).Decode(&problem); err != nil {
		return ""
	}
	return problem.Error
}
