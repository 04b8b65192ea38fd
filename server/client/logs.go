package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// Logs streams the output of a service's containers, from its last tail lines on (0: all there is). The caller closes
// it. Followed, it goes on until ctx ends; otherwise it has to be whole within 45 s.
func (c *Client) Logs(ctx context.Context, service string, follow bool, tail int) (io.ReadCloser, error) {
	cancel := context.CancelFunc(func() {})
	if !follow {
		ctx, cancel = context.WithTimeout(ctx, answerWithin)
	}
	query := url.Values{"follow": {strconv.FormatBool(follow)}, "tail": {strconv.Itoa(tail)}}
	response, err := c.send(ctx, call{method: http.MethodGet, path: []string{"services", service, "logs"}, query: query}) //nolint:bodyclose // the caller closes the stream
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
