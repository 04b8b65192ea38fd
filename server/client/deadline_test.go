package client

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"fisherman/deployer"
)

// deadlines answers everything with null, and remembers whether each request had a deadline.
type deadlines []bool

func (d *deadlines) RoundTrip(r *http.Request) (*http.Response, error) {
	_, has := r.Context().Deadline()
	*d = append(*d, has)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("null"))}, nil
}

// Every call has a deadline, except following logs.
func TestCallsHaveDeadlines(t *testing.T) {
	c, err := New("http://127.0.0.1:5000", deployer.Plain("token"))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		call func(context.Context) error
		want bool
	}{
		"services":       {func(ctx context.Context) error { _, err := c.Services(ctx); return err }, true},
		"deploy":         {func(ctx context.Context) error { _, err := c.Deploy(ctx, "web", ""); return err }, true},
		"deployment log": {func(ctx context.Context) error { return c.readNotes(ctx, false) }, true},
		"a followed log": {func(ctx context.Context) error { return c.readNotes(ctx, true) }, false},
		"logs":           {func(ctx context.Context) error { return c.readLogs(ctx, false) }, true},
		"followed logs":  {func(ctx context.Context) error { return c.readLogs(ctx, true) }, false},
	}
	for name, test := range tests {
		var seen deadlines
		c.http.Transport = &seen
		if err := test.call(t.Context()); err != nil || len(seen) != 1 || seen[0] != test.want {
			t.Errorf("%s: %v, deadlines %v, want one request with a deadline: %t", name, err, seen, test.want)
		}
	}
}

func (c *Client) readLogs(ctx context.Context, follow bool) error {
	return drained(c.Logs(ctx, "web", LogOptions{Follow: follow}))
}

func (c *Client) readNotes(ctx context.Context, follow bool) error {
	return drained(c.DeploymentLog(ctx, "01A", follow))
}

func drained(output io.ReadCloser, err error) error {
	if err != nil {
		return err
	}
	defer output.Close()
	_, err = io.ReadAll(output)
	return err
}
