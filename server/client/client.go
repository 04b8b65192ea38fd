// Package client speaks to a running server for the commands of a person. Its errors are for that person: what happened,
// and what to do.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"fisherman/deployer"
)

const (
	dialWithin   = 5 * time.Second
	answerWithin = 45 * time.Second // longer than the server takes to give up by itself
)

// Client speaks to one server. It is safe for concurrent use.
type Client struct {
	Version string // of the program that asks, for what is said of a server of another one; set it before use

	base  *url.URL
	token deployer.Secret
	http  *http.Client
}

// New returns a client of the server at an address such as http://127.0.0.1:5000, with the API's bearer token. It fails
// only on an address that is no HTTP URL, and on a token that cannot be opened.
func New(address string, token deployer.Secret) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("server %q: not a URL; write http://HOST:PORT (--server, FISHERMAN_SERVER)", address)
	}
	clear, err := token.Reveal()
	if err != nil {
		return nil, fmt.Errorf("open the token: it %w", err)
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialWithin}).DialContext,
		TLSHandshakeTimeout:   dialWithin,
		ResponseHeaderTimeout: answerWithin, // the one deadline of logs that are followed
	}
	return &Client{base: base, token: deployer.Plain(strings.TrimSpace(clear)), http: &http.Client{
		Transport: transport,
		// A redirect is a wrong address: following it could turn a POST into a GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// call is one request to the API.
type call struct {
	method string
	path   []string // below /api/v1, unescaped
	query  url.Values
	body   map[string]string // nil: none
	raw    []byte            // in its place, as it is
	header http.Header
}

// send returns an answer that is a success; its body is the caller's to close.
func (c *Client) send(ctx context.Context, what call) (*http.Response, error) {
	request, err := c.request(ctx, what)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	return nil, c.refusal(response)
}

func (c *Client) request(ctx context.Context, what call) (*http.Request, error) {
	segments := make([]string, len(what.path))
	for i, segment := range what.path {
		segments[i] = url.PathEscape(segment)
		if strings.Trim(segment, ".") == "" { // which means another place in a path
			segments[i] = strings.ReplaceAll(segment, ".", "%2E")
		}
	}
	target := c.base.JoinPath(append([]string{"api", "v1"}, segments...)...)
	target.RawQuery = what.query.Encode()
	var body io.Reader = bytes.NewReader(what.raw)
	if what.body != nil {
		raw, err := json.Marshal(what.body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, what.method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	maps.Copy(request.Header, what.header)
	token, err := c.token.Reveal()
	if err != nil {
		return nil, fmt.Errorf("open the token: it %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("User-Agent", "fisherman")
	return request, nil
}

// ask sends a call and decodes what it is answered with.
func ask[T any](ctx context.Context, c *Client, what call) (answer T, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	response, err := c.send(ctx, what)
	if err != nil {
		return answer, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return answer, c.misunderstood(response, err)
	}
	return answer, nil
}
