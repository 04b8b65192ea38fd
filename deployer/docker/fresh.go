package docker

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/docker/docker/client"
)

// fresh speaks to the engine on a new connection for each request.
type fresh struct{ http *http.Client }

func newFresh(api *client.Client) fresh {
	dial := api.Dialer()
	return fresh{&http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}}}
}

// post returns the body of the answer, to be closed. It is read until ctx ends.
func (f fresh) post(ctx context.Context, path, body string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+client.DummyHost+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := f.http.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		defer func() { _ = answer.Body.Close() }()
		said, _ := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
		return nil, fmt.Errorf("the engine answers %s: %s", answer.Status, said)
	}
	return answer.Body, nil
}

// prompt is within what an engine that runs takes a new connection and answers it. One that is stopped by systemd, which keeps
// its socket open, takes far longer: until it is back.
const prompt = time.Second

// leaving says why the engine is on its way out, or gone: it takes no new connections. dockerd closes its socket first and
// stops containers then, while requests that came before are still answered; what ends at that time did not fail by itself.
func (f fresh) leaving(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, prompt)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+client.DummyHost+"/_ping", nil)
	if err != nil {
		return err
	}
	answer, err := f.http.Do(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}
