package server_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/server"
)

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// feed is output that a test writes and whose reader's end it sees.
type feed struct {
	*io.PipeWriter
	options chan deployer.LogOptions
	ended   chan struct{} // closed when the server has let go
}

func newFeed() (*feed, *standIn) {
	reader, writer := io.Pipe()
	f := &feed{writer, make(chan deployer.LogOptions, 1), make(chan struct{})}
	return f, &standIn{output: func(ctx context.Context, o deployer.LogOptions) io.ReadCloser {
		f.options <- o
		context.AfterFunc(ctx, func() { reader.CloseWithError(ctx.Err()) })
		return source{reader, f.ended}
	}}
}

type source struct {
	*io.PipeReader
	ended chan struct{}
}

func (s source) Close() error {
	close(s.ended)
	return s.PipeReader.Close()
}

func (f *feed) wait(t *testing.T) {
	t.Helper()
	select {
	case <-f.ended:
	case <-time.After(patience):
		t.Error("the output is still held")
	}
}

func (f *feed) say(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(f, text); err != nil {
		t.Error(err)
	}
}

// follow asks for output, which arrives as it comes: the head of the answer before any of it.
func (h harness) follow(t *testing.T, ctx context.Context, query string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	response, err := http.DefaultClient.Do(h.request(t, http.MethodGet, "/api/v1/services/web/logs"+query, "").WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Fatalf("got %d, %s", response.StatusCode, response.Header.Get("Content-Type"))
	}
	return response
}

func TestFollowingLogsEndsWithTheClient(t *testing.T) {
	f, d := newFeed()
	h := start(t, d)
	ctx, leave := context.WithCancel(t.Context())
	output := bufio.NewReader(h.follow(t, ctx, "?follow=true&tail=20&since=2025-06-02T08:15:00Z").Body)
	if o := <-f.options; o != (deployer.LogOptions{Follow: true, Tail: 20, Since: at(0)}) {
		t.Errorf("asked for %+v", o)
	}
	for _, text := range []string{"tide is rising\n", "tide is high\n"} { // each is read before the next is written
		f.say(t, text)
		if got, err := output.ReadString('\n'); got != text || err != nil {
			t.Fatalf("read %q, %v, want %q", got, err, text)
		}
	}
	leave()
	f.wait(t)
}

func TestLogsEndWithTheOutput(t *testing.T) {
	f, d := newFeed()
	h := start(t, d)
	response := h.follow(t, t.Context(), "")
	if o := <-f.options; o != (deployer.LogOptions{}) {
		t.Errorf("asked for %+v", o)
	}
	f.say(t, "all there is\n")
	f.Close()
	if got, err := io.ReadAll(response.Body); string(got) != "all there is\n" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	f.wait(t)
}

// Output that breaks off is not taken for whole.
func TestLogsThatBreakOff(t *testing.T) {
	f, d := newFeed()
	h := start(t, d)
	response := h.follow(t, t.Context(), "?follow=1")
	f.say(t, "half of\n")
	f.CloseWithError(errors.New(internals))
	got, err := io.ReadAll(response.Body)
	if err == nil || strings.Contains(string(got), internals) {
		t.Errorf("read %q, %v, want an error and no internals", got, err)
	}
	if len(h.log.lines("page 7 corrupt")) != 1 {
		t.Errorf("the log does not say why, once:\n%s", h.log)
	}
}

func TestSince(t *testing.T) {
	now := at(30)
	tests := map[string]struct {
		at time.Time
		ok bool
	}{
		"10s":                       {at(20), true},
		"0":                         {now, true},
		"2025-06-02T08:15:07Z":      {at(7), true},
		"2025-06-02T10:15:07+02:00": {at(7), true},
		"2025-06-02T08:15:07.5Z":    {at(7).Add(time.Second / 2), true},
		"-10s":                      {ok: false},
		"yesterday":                 {ok: false},
		"2025-06-02":                {ok: false},
		"10":                        {ok: false},
		"":                          {ok: false},
	}
	for text, want := range tests {
		if got, ok := server.Since(text, now); ok != want.ok || ok && !got.Equal(want.at) {
			t.Errorf("%q: %v, %v, want %v, %v", text, got, ok, want.at, want.ok)
		}
	}
}
