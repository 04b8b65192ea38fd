package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// LogOptions choose container output.
type LogOptions struct {
	Follow bool
	Tail   int    // lines; 0 is all
	Since  string // RFC 3339, or how long ago, by the server's clock: "10m"; empty is all
}

// Logs streams the output of a service's containers. The caller closes it. Followed, it goes on with the next release,
// until ctx ends; otherwise it has to be whole within 45 s.
func (c *Client) Logs(ctx context.Context, service string, o LogOptions) (io.ReadCloser, error) {
	query := url.Values{"follow": {strconv.FormatBool(o.Follow)}, "tail": {strconv.Itoa(o.Tail)}}
	if o.Since != "" {
		query.Set("since", o.Since)
	}
	return c.stream(ctx, o.Follow, call{method: http.MethodGet, path: []string{"services", service, "logs"}, query: query})
}

// DeploymentLog streams a deployment's own log. The caller closes it. Followed, it goes on until the deployment has
// ended; otherwise it has to be whole within 45 s.
func (c *Client) DeploymentLog(ctx context.Context, id string, follow bool) (io.ReadCloser, error) {
	what := call{method: http.MethodGet, path: []string{"deployments", id, "log"}}
	if follow {
		what.query = url.Values{"follow": {"true"}}
	}
	return c.stream(ctx, follow, what)
}

// stream is an answer that is read as it comes; one that is not followed has a deadline.
func (c *Client) stream(ctx context.Context, follow bool, what call) (io.ReadCloser, error) {
	cancel := context.CancelFunc(func() {})
	if !follow {
		ctx, cancel = context.WithTimeout(ctx, answerWithin)
	}
	response, err := c.send(ctx, what) //nolint:bodyclose // the caller closes the stream
	if err != nil {
		cancel()
		return nil, err
	}
	return &stream{response.Body, cancel}, nil
}

// stream is an answer's body together with its deadline.
type stream struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close ends the stream.
func (s *stream) Close() error {
	defer s.cancel()
	return s.ReadCloser.Close()
}
