package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fisherman/server/client"
)

// Logs that are followed go on after a restart of the server, from there on.
func TestFollowedLogsOutliveTheServer(t *testing.T) {
	ctx, leave := context.WithTimeout(t.Context(), patience)
	defer leave()
	streams := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/logs") {
			_, _ = io.WriteString(w, "{}")
			return
		}
		since, err := time.ParseDuration(r.URL.Query().Get("since")) // whatever the clocks say
		switch streams++; streams {
		case 1:
			_, _ = io.WriteString(w, "before\n")
		default:
			if err != nil || since < retryPause || r.URL.Query().Get("tail") != "0" {
				t.Errorf("went on with %s", r.URL.RawQuery)
			}
			_, _ = io.WriteString(w, "after\n")
			_ = http.NewResponseController(w).Flush()
			leave()
			<-r.Context().Done()
		}
	}))
	defer s.Close()
	var out, errs bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs([]string{"logs", "web", "-f", "--tail", "5", "--server", s.URL, "--token", "t"})
	if err := root.ExecuteContext(ctx); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(out.String(), "before\n") || !strings.Contains(errs.String(), "waiting for it") {
		t.Errorf("printed %q, and said %q", out.String(), errs.String())
	}
}

// What is read by something else than a person arrives byte for byte.
func TestPipedLogsAreByteForByte(t *testing.T) {
	const raw = "\x1b[2J\xff\x00\r\nno end"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, raw) }))
	defer s.Close()
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetArgs([]string{"logs", "web", "--server", s.URL, "--token", "t"})
	if err := root.ExecuteContext(t.Context()); err != nil || out.String() != raw {
		t.Errorf("got %q, %v, want %q", out.String(), err, raw)
	}
}

// followLogs runs `logs web -f` until it ends, against a server, or none.
func followLogs(ctx context.Context, t *testing.T, out io.Writer, serve http.HandlerFunc) (said string, err error) {
	t.Helper()
	s := httptest.NewServer(serve)
	defer s.Close()
	if serve == nil {
		s.Close()
	}
	var errs bytes.Buffer
	root := newRoot()
	root.SetOut(out)
	root.SetErr(&errs)
	root.SetArgs([]string{"logs", "web", "-f", "--server", s.URL, "--token", "t"})
	err = root.ExecuteContext(ctx)
	return errs.String(), err
}

// A disk that is full is no server that is away.
func TestLogsThatCannotBePrintedEnd(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	ctx, leave := context.WithTimeout(t.Context(), patience)
	defer leave()
	said, err := followLogs(ctx, t, full, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "tide\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	if !errors.Is(err, syscall.ENOSPC) || strings.Contains(said, "away") {
		t.Errorf("it ends with %v, and said %q", err, said)
	}
}

// What cannot be reached in the first place is not waited for.
func TestLogsOfNoServerEndAtOnce(t *testing.T) {
	said, err := followLogs(t.Context(), t, io.Discard, nil)
	if !errors.Is(err, client.ErrUnreachable) || said != "" {
		t.Errorf("it ends with %v, and said %q", err, said)
	}
}

// A server that breaks every connection is not asked as fast as it can answer, and one that starts is waited for.
func TestFollowedLogsAskAgainWithPauses(t *testing.T) {
	ctx, leave := context.WithTimeout(t.Context(), patience)
	defer leave()
	begun, asked := time.Now(), 0
	said, err := followLogs(ctx, t, io.Discard, func(w http.ResponseWriter, _ *http.Request) {
		switch asked++; asked {
		case 3:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 5:
			leave()
		}
	})
	if took := time.Since(begun); err != nil || took < 4*retryPause || strings.Count(said, "\n") != 3 {
		t.Errorf("asked %d times in %s, ended with %v, and said\n%s", asked, took, err, said)
	}
}

// The log of a deployment that has not ended is not whole when the server goes.
func TestADeploymentsLogThatBreaksOffIsNoSuccess(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/log") {
			_, _ = io.WriteString(w, "pulling\n")
			return
		}
		_, _ = io.WriteString(w, `{"id": "01A", "service": "web", "state": "pulling"}`)
	}))
	defer s.Close()
	for _, follow := range []bool{false, true} {
		root := newRoot()
		root.SetOut(io.Discard)
		root.SetArgs([]string{"logs", "--deployment", "01A", "--follow=" + strconv.FormatBool(follow), "--server", s.URL, "--token", "t"})
		if err := root.ExecuteContext(t.Context()); (err != nil) != follow {
			t.Errorf("followed %v: %v", follow, err)
		}
	}
}
