package docker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"fisherman/deployer"
)

// probeMost is how much of an answer is read.
const probeMost = 64 << 10

// probeHTTP asks for the health path as the outside would through the proxy. Only a 2xx is well. Every probe is a
// connection of its own, as a new client's would be. An http.Client, with its goroutines for each connection, would cost
// twice as much, and probes are what an idle program does.
func probeHTTP(s deployer.Service) func(context.Context, target) error {
	return func(ctx context.Context, t target) error {
		request, err := healthRequest(ctx, s, t)
		if err != nil {
			return err
		}
		conn, err := (&net.Dialer{KeepAlive: -1}).DialContext(ctx, "tcp", request.URL.Host)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
		if err := request.Write(conn); err != nil {
			return err
		}
		return answered(io.LimitReader(conn, probeMost), request)
	}
}

// answered judges the first answer that is final (RFC 9110, 15.2).
func answered(conn io.Reader, request *http.Request) error {
	for from := bufio.NewReader(conn); ; {
		answer, err := http.ReadResponse(from, request)
		if err != nil {
			return fmt.Errorf("it answers no HTTP: %w", err)
		}
		if answer.StatusCode >= http.StatusOK {
			_, _ = io.Copy(io.Discard, answer.Body) // an app that is cut off in the midst of it would complain
			_ = answer.Body.Close()
			return judge(answer)
		}
	}
}

func healthRequest(ctx context.Context, s deployer.Service, t target) (*http.Request, error) {
	where := "http://" + net.JoinHostPort(t.address, strconv.Itoa(s.Health.Port)) + s.Health.Path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "fisherman-health")
	request.Close = true
	if len(s.Routes) > 0 {
		request.Host = s.Routes[0].Host
		if s.Routes[0].TLS != deployer.TLSOff {
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
