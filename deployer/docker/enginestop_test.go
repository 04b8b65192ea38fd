package docker_test

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"fisherman/deployer"
)

// The engine takes its containers along when it stops: they did not exit.
func TestAnEngineThatStopsFailsNoRelease(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	engine := newSecond(t, b)
	b = b.on(t, engine)
	r := b.release(b.push(t))
	r.Service.Health.Successes = 1 << 20 // it is awaited for as long as it takes
	b.start(t, r)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		ended, waiting := make(chan error, 1), make(chan struct{})
		begun := sync.OnceFunc(func() { close(waiting) })
		go func() {
			_, err := b.Await(t.Context(), r, func(deployer.Report) { begun() })
			ended <- err
		}()
		<-waiting
		time.Sleep(500 * time.Millisecond) // it waits for the container's end by now, or is about to: both must do
		engine.stop(t, signal)
		select {
		case err := <-ended:
			if !errors.Is(err, deployer.ErrUnavailable) {
				t.Errorf("stopped by %s, awaited with %v; want unavailable", signal, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("stopped by %s, it waits on", signal)
		}
		engine.again(t)
		if err := b.Start(t.Context(), r); err != nil {
			t.Fatalf("start again after %s: %v", signal, err)
		}
	}
	r.Service.Health.Successes = 2
	if _, err := b.Await(t.Context(), r, silent); err != nil {
		t.Errorf("with the engine back, awaited with %v", err)
	}
}

// What is live comes back with the engine, at addresses dealt anew, and Watch ends so that whoever follows looks.
func TestLiveReleasesComeBackWithTheEngine(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	engine := newSecond(t, b)
	b = b.on(t, engine)
	first, second := b.release(b.push(t)), b.release(b.push(t))
	b.live(t, first)
	b.live(t, second)
	watched := make(chan error, 1)
	go func() { watched <- b.Watch(t.Context(), func(string, string) {}) }()
	time.Sleep(200 * time.Millisecond) // it listens by now; if not, it fails likewise
	engine.stop(t, syscall.SIGTERM)
	select {
	case err := <-watched:
		if !errors.Is(err, deployer.ErrUnavailable) {
			t.Errorf("watched with %v, want unavailable", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the engine is gone, and it watches on")
	}
	engine.again(t)
	for _, r := range []deployer.Release{first, second} {
		b.answersWhereListed(t, r)
	}
}

// answersWhereListed waits until a release is listed as running, and knocks at its address.
func (b *bench) answersWhereListed(t *testing.T, r deployer.Release) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		all, err := b.Releases(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range all {
			if found.ID == r.ID && found.Up(1) && b.answers(t, r, found.Replicas[0]) {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("release %s does not answer where it is listed: %+v", r.ID, all)
		}
	}
}

func (b *bench) answers(t *testing.T, r deployer.Release, at deployer.Replica) bool {
	t.Helper()
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(at.Address, fmt.Sprint(r.Service.Routes[0].Port)), time.Second)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// An engine that stops answers on the connections it has while it ends one container after the other: what is listed then
// would be held against a release, and so would a restart that it counts. Mutant: endOf without taken.
func TestAnEngineThatStopsListsNoContainerAsEnded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	engine := newSecond(t, b)
	b = b.on(t, engine)
	r, busy := b.release(b.push(t)), b.release(b.push(t))
	b.live(t, r)
	hang(t, b.live(t, busy)[0].Address) // the engine waits for it
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		engine.stop(t, syscall.SIGTERM)
	}()
	listings := b.listUntil(t, stopped)
	for _, found := range listings {
		if !found.Up(1) {
			t.Errorf("while the engine stops it lists %+v", found)
			break
		}
	}
	engine.again(t)
	for _, r := range []deployer.Release{r, busy} {
		b.answersWhereListed(t, r)
		if n, err := b.Restarts(t.Context(), r.ID); err != nil || n != 0 {
			t.Errorf("it started again %d times by itself, %v; want never", n, err)
		}
	}
}

// listUntil is all that listings had that were answered.
func (b *bench) listUntil(t *testing.T, over <-chan struct{}) (listed []deployer.Running) {
	for {
		if all, err := b.Releases(t.Context()); err == nil {
			listed = append(listed, all...)
		}
		select {
		case <-over:
			return listed
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// hang makes a request on which the app, told to end, waits until it is killed.
func hang(t *testing.T, address string) {
	t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort(address, "8080"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET /slow?ms=60000 HTTP/1.1\r\nHost: web.test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
}
