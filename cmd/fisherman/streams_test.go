package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"fisherman/deployer/deployertest"
)

// TestStreamsAcrossADeployment: every WebSocket echoes until the last second of the drain and is closed with 1001, every
// event stream has a clean end, and only then is the old container told to stop.
func TestStreamsAcrossADeployment(t *testing.T) {
	const each, drain, spread = 20, 3 * time.Second, time.Second
	s := newStage(t, deployertest.App(t), t.TempDir())
	if err := s.play("testdata/streams.yaml"); err != nil {
		t.Fatal(err)
	}
	s.deploy(t, "1")
	told := s.sigterm(t)
	var ready, ended sync.WaitGroup
	sockets := make(chan socketEnd, each)
	for range each {
		ready.Add(2)
		ended.Go(func() { sockets <- s.echoUntilClosed(t, ready.Done) })
		ended.Go(func() { s.listenUntilTheEnd(t, ready.Done) })
	}
	ready.Wait()
	begun := time.Now()
	s.deploy(t, "2")
	ended.Wait()
	close(sockets)
	stopped := <-told
	for socket := range sockets {
		if held := socket.closed.Sub(begun); held < drain-spread {
			t.Errorf("a WebSocket was closed %s after the deployment began, want the drain time of %s without its last second at least", held, drain)
		}
		if stopped.Before(socket.echoed) {
			t.Errorf("the old container got SIGTERM at %s, before it echoed what was said at %s", stopped, socket.echoed)
		}
	}
}

// TestRecreateIsAPause: requests that come while nothing runs wait, and none fails.
func TestRecreateIsAPause(t *testing.T) {
	s := newStage(t, deployertest.App(t), t.TempDir())
	s.deployUnderLoad(t, "testdata/recreate.yaml", 3, 16)
}

// socketEnd is when a WebSocket was closed, and when the last thing was said that came back.
type socketEnd struct{ echoed, closed time.Time }

func (s *stage) echoUntilClosed(t *testing.T, ready func()) (end socketEnd) {
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	tell := sync.OnceFunc(ready)
	defer tell()
	conn, _, err := websocket.Dial(ctx, "ws://"+s.server.proxy+"/ws", &websocket.DialOptions{Host: "web.test"})
	if err != nil {
		t.Error(err)
		return end
	}
	defer func() { _ = conn.CloseNow() }()
	for n := 0; ; n++ {
		said, at := fmt.Sprint(n), time.Now()
		unsaid := conn.Write(ctx, websocket.MessageText, []byte(said))
		_, heard, err := conn.Read(ctx)
		if websocket.CloseStatus(err) == websocket.StatusGoingAway {
			end.closed = time.Now()
			return end
		}
		if err != nil || unsaid != nil || string(heard) != said {
			t.Errorf("said %s, heard %q: %v, %v; want it to come back, or 1001", said, heard, unsaid, err)
			return end
		}
		end.echoed = at
		tell()
		time.Sleep(5 * time.Millisecond) // the clients share the machine with what they test
	}
}

func (s *stage) listenUntilTheEnd(t *testing.T, ready func()) {
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	tell := sync.OnceFunc(ready)
	defer tell()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.server.proxy+"/sse", nil)
	if err != nil {
		t.Error(err)
		return
	}
	request.Host, request.Close = "web.test", true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	first, _ := lines.ReadString('\n')
	tell()
	rest, err := io.ReadAll(lines)
	if text := first + string(rest); err != nil || !strings.HasSuffix(text, "data: 1\n\n") {
		t.Errorf("the event stream ended with %q, %v; want a whole event and a clean end", text[max(0, len(text)-30):], err)
	}
}

// sigterm follows the output of the one container there is, which says when it is told to stop.
func (s *stage) sigterm(t *testing.T) (at <-chan time.Time) {
	t.Helper()
	found, err := s.docker.ContainerList(t.Context(), container.ListOptions{Filters: filters.NewArgs(filters.Arg("label", "fisherman.network="+s.network))})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d containers run, %v; want one", len(found), err)
	}
	output, err := s.docker.ContainerLogs(t.Context(), found[0].ID, container.LogsOptions{ShowStdout: true, Follow: true, Timestamps: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = output.Close() })
	told := make(chan time.Time, 1)
	go func() {
		defer close(told)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			const frame = 8 // what Docker puts in front of each piece of output
			before, _, found := strings.Cut(lines.Text(), " got SIGTERM")
			if when, err := time.Parse(time.RFC3339Nano, before[min(frame, len(before)):]); found && err == nil {
				told <- when
			}
		}
	}()
	return told
}
