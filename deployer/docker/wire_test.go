package docker_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fisherman/deployer/docker"
)

// wire is a socket before the engine's that can be cut or frozen.
type wire struct {
	listener net.Listener
	engine   string // the engine's socket
	serving  sync.WaitGroup

	mu     sync.Mutex // guards the rest
	closed bool
	conns  map[net.Conn]bool
	deaf   bool          // to pings: who sends one loses the connection
	stuck  string        // who asks for what contains this gets no answer
	over   chan struct{} // closed when the wire is cut
	thawed chan struct{} // closed while bytes pass
	asked  chan struct{} // closed by the next bytes from a client
}

// behindWire is the same bench, its engine reached through a wire.
func (b *bench) behindWire(t *testing.T) (*bench, *wire) {
	t.Helper()
	path, ok := strings.CutPrefix(b.api.DaemonHost(), "unix://")
	if !ok {
		t.Fatalf("these tests need the engine's own socket, not %s", b.api.DaemonHost())
	}
	dir, err := os.MkdirTemp("", "wire") // t.TempDir may be longer than a socket's path can be
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "docker.sock"))
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener, engine: path, conns: map[net.Conn]bool{}, thawed: make(chan struct{}), asked: make(chan struct{}), over: make(chan struct{})}
	close(w.thawed)
	w.serving.Go(w.serve)
	t.Cleanup(func() {
		w.cut()
		w.serving.Wait()
		_ = os.RemoveAll(dir)
	})
	other := *b
	other.Engine = b.engine(t, docker.Options{Host: "unix://" + listener.Addr().String(), Network: b.network})
	return &other, w
}

func (w *wire) serve() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		engine, err := net.Dial("unix", w.engine)
		if err != nil {
			_ = client.Close()
			continue
		}
		if !w.hold(client, engine) {
			_, _ = client.Close(), engine.Close()
			continue
		}
		w.serving.Go(func() { w.pass(engine, client, true) })
		w.serving.Go(func() { w.pass(client, engine, false) })
	}
}

// hold takes connections into account, unless the wire is cut.
func (w *wire) hold(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		w.conns[c] = true
	}
	return !w.closed
}

// pass copies until one side ends, and halts while the wire is frozen.
func (w *wire) pass(to, from net.Conn, asking bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	for piece := make([]byte, 32<<10); ; {
		n, err := from.Read(piece)
		if err != nil || asking && w.ignores(piece[:n]) {
			return
		}
		if asking && w.sticks(piece[:n]) {
			<-w.over
			return
		}
		<-w.gate(asking)
		if _, err := to.Write(piece[:n]); err != nil {
			return
		}
	}
}

func (w *wire) gate(asking bool) chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if asking {
		close(w.asked)
		w.asked = make(chan struct{})
	}
	return w.thawed
}

// freeze holds every byte back, as an engine that hangs does. The channel closes when something is asked of it.
func (w *wire) freeze() (asked <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.thawed = make(chan struct{})
	return w.asked
}

// cut ends every connection and refuses new ones, as an engine that dies does.
func (w *wire) cut() {
	_ = w.listener.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		close(w.over)
	}
	w.closed = true
	for c := range w.conns {
		_ = c.Close()
	}
	select {
	case <-w.thawed:
	default:
		close(w.thawed)
	}
}

// ignorePings makes an engine that comes and goes: away when it is pinged, back for what is asked next.
func (w *wire) ignorePings(deaf bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf = deaf
}

func (w *wire) ignores(piece []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.deaf && bytes.Contains(piece, []byte(" /_ping "))
}

// stick makes an engine that is busy with one thing and answers for the others.
func (w *wire) stick(part string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stuck = part
}

func (w *wire) sticks(piece []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stuck != "" && bytes.Contains(piece, []byte(w.stuck))
}
