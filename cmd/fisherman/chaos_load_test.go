package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// span is when the first and the last request was sent that a version of an app answered.
type span struct{ first, last time.Time }

// hammer is clients that use every app of an arena without a pause, through restarts and faults, and write down which
// version answered and what failed.
type hammer struct {
	proxy string
	stop  context.CancelFunc
	wait  sync.WaitGroup
	sent  atomic.Int64

	mu     sync.Mutex // guards failed and spans
	failed []failure
	spans  map[string]map[string]span // by service and version
}

// beat sends clients to each service: one that reads, one that waits for slow answers and one that uploads in pieces.
func beat(proxy string, services ...string) *hammer {
	ctx, stop := context.WithCancel(context.Background())
	h := &hammer{proxy: proxy, stop: stop, spans: map[string]map[string]span{}}
	for _, service := range services {
		h.spans[service] = map[string]span{}
	}
	for _, service := range services {
		for _, ask := range []func(*visitor, int) (string, error){(*visitor).read, (*visitor).slow, (*visitor).upload} {
			c := &visitor{proxy: proxy, service: service, transport: &http.Transport{}}
			h.wait.Go(func() { h.run(ctx, c, ask) })
		}
	}
	return h
}

func (h *hammer) run(ctx context.Context, c *visitor, ask func(*visitor, int) (string, error)) {
	defer c.transport.CloseIdleConnections()
	for turn := 0; ctx.Err() == nil; turn++ {
		h.sent.Add(1)
		begun := time.Now()
		version, err := ask(c, turn)
		h.note(c.service, version, begun, err)
		time.Sleep(10 * time.Millisecond) // the clients share the machine with what they test
	}
}

func (h *hammer) note(service, version string, begun time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		f := failure{service: service, begun: begun, ended: time.Now(), why: err.Error()}
		var answered *statusError
		if errors.As(err, &answered) {
			f.status = answered.status
		}
		f.partial, f.stranger = errors.Is(err, errPartial), errors.Is(err, errStranger)
		h.failed = append(h.failed, f)
		return
	}
	if version == "" {
		return
	}
	s, known := h.spans[service][version]
	if !known {
		s.first = begun
	}
	if s.last = begun; !known || s.last.After(h.spans[service][version].last) {
		h.spans[service][version] = s
	}
}

// failures are those since the last call.
func (h *hammer) failures() []failure {
	h.mu.Lock()
	defer h.mu.Unlock()
	failed := h.failed
	h.failed = nil
	return failed
}

// answered is a copy of which version answered when.
func (h *hammer) answered() map[string]map[string]span {
	h.mu.Lock()
	defer h.mu.Unlock()
	spans := make(map[string]map[string]span, len(h.spans))
	for service, versions := range h.spans {
		spans[service] = make(map[string]span, len(versions))
		for version, s := range versions {
			spans[service][version] = s
		}
	}
	return spans
}

func (h *hammer) end() {
	h.stop()
	h.wait.Wait()
}

// visitor is one user of an app.
type visitor struct {
	proxy, service string
	transport      *http.Transport
}

// errStranger says that another service's app answered. No fault is an excuse for that.
var errStranger = errors.New("another app answered")

// errPartial says that an answer began and broke off.
var errPartial = errors.New("the answer broke off")

// statusError is a whole answer that is not 200.
type statusError struct {
	status int
	body   string
}

func (e *statusError) Error() string { return fmt.Sprintf("%d %s", e.status, e.body) }

func (c *visitor) read(int) (string, error) { return c.ask(http.MethodGet, "/", nil) }

func (c *visitor) slow(turn int) (string, error) {
	return c.ask(http.MethodGet, fmt.Sprintf("/slow?ms=%d", 100+turn%5*150), nil)
}

// upload sends a body in pieces, over a connection of its own: on one that is idle, a request that cannot be repeated
// may meet the server's closing it, which is nobody's fault (RFC 9112, 9.6).
func (c *visitor) upload(int) (string, error) {
	const pieces, piece = 10, "0123456789abcdef"
	body, w := io.Pipe()
	var writer sync.WaitGroup
	writer.Go(func() {
		for range pieces {
			if _, err := io.WriteString(w, piece); err != nil {
				return // the request has failed, and says why
			}
			time.Sleep(10 * time.Millisecond)
		}
		_ = w.Close()
	})
	defer writer.Wait()
	defer body.Close()
	c.transport.CloseIdleConnections()
	answer, err := c.ask(http.MethodPost, "/echo", body)
	if err == nil && answer != strconv.Itoa(pieces*len(piece)) {
		err = fmt.Errorf("of %d bytes %s arrived", pieces*len(piece), answer)
	}
	return "", err
}

// ask returns the body of an answer that is a success.
func (c *visitor) ask(method, path string, body io.Reader) (string, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+c.proxy+path, body)
	if err != nil {
		return "", err
	}
	request.Host = c.service + ".test"
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return "", fmt.Errorf("%w: %w", errPartial, err)
	}
	if response.StatusCode != http.StatusOK {
		return "", &statusError{response.StatusCode, strings.Join(strings.Fields(string(raw)), " ")}
	}
	if version, told := strings.CutPrefix(string(raw), c.service+" "); told || method != http.MethodGet {
		return version, nil
	}
	return "", fmt.Errorf("%w: %s", errStranger, raw)
}
