package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"fisherman/deployer"
)

// probeHTTP asks for the health path as the outside would through the proxy. Only a 2xx is well.
func probeHTTP(s deployer.Service) func(context.Context, target) error {
	client := &http.Client{
		// No proxy of the environment, and every probe is a connection of its own, as a new client's would be.
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context, t target) error {
		request, err := healthRequest(ctx, s, t)
		if err != nil {
			return err
		}
		answer, err := client.Do(request)
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			return wrapped.Err // the rest repeats the request
		}
		if err != nil {
			return err
		}
		_, _ = io.CopyN(io.Discard, answer.Body, 64<<10)
		_ = answer.Body.Close()
		return judge(answer)
	}
}

func healthRequest(ctx context.Context, s deployer.Service, t target) (*http.Request, error) {
	where := "http://" + net.JoinHostPort(t.address, strconv.Itoa(s.Health.Port)) + s.Health.Path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "fisherman-health")
	if len(s.Routes) > 0 {
		request.Host = s.Routes[0].Host
		if !s.Routes[0].Plain {
			request.Header.Set("X-Forwarded-Proto", "https")
		}
	}
	return request, nil
}

func judge(answer *http.Response) error {
	target := answer.Header.Get("Location")
	switch {
	case answer.StatusCode/100 == 2:
		return nil
	case answer.StatusCode/100 == 3 && target != "":
		return fmt.Errorf("it redirects (%d) to %s; a health path must answer 2xx itself", answer.StatusCode, harmless(target))
	}
	return fmt.Errorf("it answers %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
}

func probeTCP(port int) func(context.Context, target) error {
	return func(ctx context.Context, t target) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(t.address, strconv.Itoa(port)))
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// probeSteady is for what cannot be asked: it only has to go on running, which another goroutine watches.
func probeSteady(ctx context.Context, _ target) error {
	select {
	case <-time.After(steadyTime):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("it has not run %s yet", steadyTime)
	}
}
