package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fisherman/deployer/deployertest"
	"fisherman/server"
)

// TestNoRequestFails deploys a dozen releases, one after the other, while clients of several sorts use the app. It also
// says what it measured.
func TestNoRequestFails(t *testing.T) {
	const releases = 12
	s := newStage(t, deployertest.App(t), t.TempDir())
	s.deployUnderLoad(t, "testdata/load.yaml", releases, 32)
	lines, err := s.containers("fisherman.network=" + s.network)
	if err != nil || len(lines) != 2 {
		t.Errorf("at the end there are %d containers, want one for each of 2 replicas: %v\n%s", len(lines), err, joined(lines))
	}
	if _, version, err := get(s.server.proxy, "web.test", "/"); version != strconv.Itoa(releases+1) {
		t.Errorf("at the end version %s serves, want %d: %v", version, releases+1, err)
	}
	if err := s.server.end(syscall.SIGTERM, exitDone); err != nil {
		t.Error(err)
	}
}

// deployUnderLoad deploys releases one after the other, from version 2 on, while clients use the app. None may fail.
func (s *stage) deployUnderLoad(t *testing.T, config string, releases, clients int) {
	t.Helper()
	if err := s.play(config); err != nil {
		t.Fatal(err)
	}
	s.deploy(t, "1")
	load := s.begin(clients)
	for n := 2; n <= releases+1; n++ {
		s.deploy(t, strconv.Itoa(n))
	}
	load.end()
	t.Logf("%d requests while %d releases were deployed", load.sent.Load(), releases)
	for _, err := range load.failed {
		t.Errorf("a request failed: %v", err)
	}
}

// play starts a server with a configuration.
func (s *stage) play(config string) (err error) {
	if config, err = filepath.Abs(config); err != nil {
		return err
	}
	if s.server, err = launch(alone{s}, "--config", config); err != nil {
		return err
	}
	return s.server.ready()
}

// alone is the world of a test without a script.
type alone struct{ *stage }

func (a alone) MkAbs(file string) string { return filepath.Join(a.work, file) }

func (a alone) Getenv(name string) string {
	for _, one := range append(a.vars(), "PATH="+os.Getenv("PATH")) {
		if value, ok := strings.CutPrefix(one, name+"="); ok {
			return value
		}
	}
	return ""
}

// deploy pushes a version as GitHub would, with both webhooks, and waits until it has succeeded.
func (s *stage) deploy(t *testing.T, version string) {
	t.Helper()
	digest := s.push("o/web", "latest", version)
	id := ""
	for _, event := range []string{"push", "package"} {
		status, answer, err := s.newDelivery(event, version, digest, nil).deliver(s.server.api)
		if err != nil || status != http.StatusAccepted {
			t.Fatalf("deliver %s of version %s: %d %s %v", event, version, status, answer, err)
		}
		_, rest, _ := strings.Cut(answer, `"id":"`)
		id, _, _ = strings.Cut(rest, `"`)
	}
	_, err := s.await(id, "succeed", func(d server.Deployment) bool { return d.State == "succeeded" })
	if err != nil {
		t.Fatalf("version %s: %v", version, err)
	}
}

// load is clients that use the app.
type load struct {
	proxy  string
	client *http.Client
	stop   context.CancelFunc
	wait   sync.WaitGroup
	sent   atomic.Int64
	mu     sync.Mutex // guards failed
	failed []error
}

// begin sends clients: of four, two read, one reads slowly and one uploads in pieces.
func (s *stage) begin(clients int) *load {
	ctx, stop := context.WithCancel(context.Background())
	l := &load{proxy: s.server.proxy, stop: stop, client: &http.Client{
		Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: clients},
	}}
	sorts := []func(int) error{l.read, l.read, l.slow, l.upload}
	for n := range clients {
		l.wait.Go(func() {
			for turn := n; ctx.Err() == nil; turn++ {
				l.sent.Add(1)
				if err := sorts[n%len(sorts)](turn); err != nil {
					l.note(err)
				}
				time.Sleep(5 * time.Millisecond) // the clients share the machine with what they test
			}
		})
	}
	return l
}

func (l *load) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, err)
}

func (l *load) end() {
	l.stop()
	l.wait.Wait()
	l.client.CloseIdleConnections()
}

func (l *load) read(int) error {
	_, err := l.ask(http.MethodGet, "/", nil)
	return err
}

func (l *load) slow(turn int) error {
	_, err := l.ask(http.MethodGet, fmt.Sprintf("/slow?ms=%d", 100+turn%5*150), nil)
	return err
}

func (l *load) upload(int) error {
	const pieces, piece = 10, "0123456789abcdef"
	body, w := io.Pipe()
	go func() {
		for range pieces {
			_, _ = io.WriteString(w, piece) // fails only when the request has, which tells why
			time.Sleep(10 * time.Millisecond)
		}
		_ = w.Close()
	}()
	defer body.Close()
	answer, err := l.ask(http.MethodPost, "/echo", body)
	if err == nil && answer != strconv.Itoa(pieces*len(piece)) {
		err = fmt.Errorf("of %d bytes %s arrived", pieces*len(piece), answer)
	}
	return err
}

// ask returns the body of an answer that is a success.
func (l *load) ask(method, path string, body io.Reader) (string, error) {
	request, err := http.NewRequest(method, "http://"+l.proxy+path, body)
	if err != nil {
		return "", err
	}
	request.Host = "web.test"
	response, err := l.client.Do(request)
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(response.Body)
	err = errors.Join(err, response.Body.Close())
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, raw)
	}
	return string(raw), err
}
