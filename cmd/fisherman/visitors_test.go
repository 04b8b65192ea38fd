package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// visitors use an app by a connection of its own for each request, so that none is repeated behind their backs, and note
// when what failed had begun.
type visitors struct {
	address, host string
	count         int
	stop          context.CancelFunc
	wait          sync.WaitGroup
	mu            sync.Mutex // guards what follows
	answered      int
	longest       time.Duration // of the answers to what the app answers at once
	failed        []visit
}

// visit is a request that failed.
type visit struct {
	began, ended time.Time
	err          error
}

// death is when a process was killed: it was alive before it and dead after it.
type death struct{ from, to time.Time }

// sendVisitors sends them: of three, one asks for what takes the app a while.
func sendVisitors(address, host string, count int) *visitors {
	ctx, stop := context.WithCancel(context.Background())
	v := &visitors{address: address, host: host, count: count, stop: stop}
	for n := range count {
		path := "/"
		if n%3 == 2 {
			path = "/slow?ms=50"
		}
		v.wait.Go(func() {
			for ctx.Err() == nil {
				v.note(path, time.Now(), v.ask(path))
				time.Sleep(15 * time.Millisecond) // they share the machine with what they test
			}
		})
	}
	return v
}

func (v *visitors) ask(path string) error {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+v.address+path, nil)
	if err != nil {
		return err
	}
	request.Host, request.Close = v.host, true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(response.Body)
	err = errors.Join(err, response.Body.Close())
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return err
}

func (v *visitors) note(path string, began time.Time, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	ended := time.Now()
	switch took := ended.Sub(began); {
	case err != nil:
		v.failed = append(v.failed, visit{began, ended, err})
	case path == "/":
		v.longest = max(v.longest, took)
		fallthrough
	default:
		v.answered++
	}
}

// more waits until so many more have been answered.
func (v *visitors) more(t *testing.T, count int) {
	t.Helper()
	v.mu.Lock()
	want := v.answered + count
	v.mu.Unlock()
	err := until("answers", func() (bool, error) {
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.answered >= want, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// pause returns the longest that anybody has waited for an answer since it was last called.
func (v *visitors) pause() (longest time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	longest, v.longest = v.longest, 0
	return longest
}

// end sends them home. Each request must have been answered, but for the one that each visitor may have had in flight in a
// process that was killed: its connection was taken, and broke off.
func (v *visitors) end(t *testing.T, deaths ...death) {
	t.Helper()
	v.stop()
	v.wait.Wait()
	inFlight := 0
	for _, f := range v.failed {
		if slices.ContainsFunc(deaths, func(d death) bool { return isCut(f.err) && f.began.Before(d.to) && f.ended.After(d.from) }) {
			inFlight++
			continue
		}
		t.Errorf("a request from %s to %s failed: %v", f.began.Format("15:04:05.000"), f.ended.Format("15:04:05.000"), f.err)
	}
	if inFlight > len(deaths)*v.count {
		t.Errorf("%d requests broke off when %d processes were killed, but %d visitors have one in flight each", inFlight, len(deaths), v.count)
	}
	t.Logf("%d requests answered; %d broke off that were in flight in a process that was killed (%d kills); %d others failed",
		v.answered, inFlight, len(deaths), len(v.failed)-inFlight)
}

// isCut reports whether a connection that was taken broke off, before or after the request was sent on it.
func isCut(err error) bool {
	return strings.HasSuffix(err.Error(), "http: server closed idle connection") || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
