package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"fisherman/proxy"
)

const handshake = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

// goingAway is the frame that clients get in the end.
const goingAway = "\x88\x0c\x03\xe9going away"

// upgrade begins a WebSocket with a backend below HTTP and returns both ends of it.
func upgrade(t *testing.T, p *proxy.Proxy) (browser *net.TCPConn, received *bufio.Reader, app net.Conn) {
	t.Helper()
	conns, release := make(chan net.Conn), make(chan struct{})
	point(t, p, "web", "1", only("a.pl/", wire(t, func(_ []string, conn net.Conn) {
		_, _ = io.WriteString(conn, handshake)
		_ = conn.SetDeadline(time.Now().Add(patience))
		conns <- conn
		<-release
	})))
	t.Cleanup(func() { close(release) })
	browser = dial(t, p)
	_, _ = io.WriteString(browser, "GET / HTTP/1.1\r\nHost: a.pl\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n")
	received = bufio.NewReader(browser)
	res, err := http.ReadResponse(received, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", res, err)
	}
	return browser, received, <-conns
}

// bigFrame is the head and the payload of a frame whose length takes 64 bits.
func bigFrame() (head, payload []byte) {
	payload = bytes.Repeat([]byte(goingAway), 10_000)
	return binary.BigEndian.AppendUint64([]byte{0x82, 127}, uint64(len(payload))), payload
}

func expectBytes(t *testing.T, from io.Reader, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(from, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %.40x (%d bytes), %v; want %.40x (%d)", got, n, err, want, len(want))
	}
}

// TestACloseFrameWaitsForTheEndOfABigFrame, whose head is sent in two pieces, in a message of several fragments.
func TestACloseFrameWaitsForTheEndOfABigFrame(t *testing.T) {
	p := start(t, proxy.Options{})
	browser, received, app := upgrade(t, p)
	head, payload := bigFrame()
	head[0] = 0x02 // the first fragment
	_, _ = app.Write(head[:4])
	expectBytes(t, received, head[:4])
	drain := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))
	drained := make(chan int, 1)
	go func() { drained <- drain(over(), nil) }()
	_, _ = io.ReadFull(app, make([]byte, 18)) // the backend's close frame: the end is asked for by now
	_, _ = app.Write(append(head[4:], payload[:70_000]...))
	expectBytes(t, received, append(head[4:], payload[:70_000]...))
	_, _ = app.Write(append(payload[70_000:], 0x80, 1, 'x')) // the last fragment, which comes too late
	expectBytes(t, received, payload[70_000:])
	expectBytes(t, received, []byte(goingAway))
	_, _ = browser.Write([]byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9})
	if rest, err := io.ReadAll(received); err != nil || len(rest) > 0 {
		t.Errorf("afterwards %x, %v", rest, err)
	}
	_ = app.Close()
	if cut := <-drained; cut != 0 {
		t.Errorf("cut %d", cut)
	}
}

func TestAFrameThatNeverEndsIsCut(t *testing.T) {
	p := start(t, proxy.Options{})
	_, received, app := upgrade(t, p)
	head, _ := bigFrame()
	_, _ = app.Write(head)
	expectBytes(t, received, head)
	begun := time.Now()
	if cut := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))(over(), nil); cut != 1 {
		t.Errorf("cut %d, want 1", cut)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestBothSidesAreToldAndABusyClientIsNotReset: it sends on while it is told, and answers only then.
func TestBothSidesAreToldAndABusyClientIsNotReset(t *testing.T) {
	p := start(t, proxy.Options{})
	browser, received, app := upgrade(t, p)
	head, payload := bigFrame()
	head[1] |= 0x80
	frame := append(append(head, 0, 0, 0, 0), payload...)
	_, _ = browser.Write(frame[:20])
	expectBytes(t, app, frame[:20])
	drain := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))
	drained := make(chan int, 1)
	go func() { drained <- drain(over(), nil) }()
	expectBytes(t, received, []byte(goingAway))
	go func() { _, _ = browser.Write(frame[20:]) }()
	expectBytes(t, app, frame[20:])
	told := make([]byte, 6+len(goingAway)-2)
	if _, err := io.ReadFull(app, told); err != nil || told[0] != 0x88 || told[1] != 0x8c {
		t.Fatalf("the app was told %x, %v", told, err)
	}
	for i := range told[6:] {
		told[6+i] ^= told[2+i%4]
	}
	if string(told[6:]) != goingAway[2:] {
		t.Errorf("the app was told %q", told[6:])
	}
	_, _ = browser.Write([]byte{0x82, 0x81, 0, 0, 0, 0, 'x', 0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9}) // too late for the app
	begun := time.Now()
	if rest, err := io.ReadAll(received); err != nil || len(rest) > 0 {
		t.Errorf("afterwards the client got %x, %v", rest, err)
	}
	if took := time.Since(begun); took > 700*time.Millisecond {
		t.Errorf("the client waited %v for the end, which does not depend on the app", took)
	}
	if rest, err := io.ReadAll(app); err != nil || len(rest) > 0 {
		t.Errorf("afterwards the app got %x, %v", rest, err)
	}
	_ = app.Close()
	if cut := <-drained; cut != 0 {
		t.Errorf("cut %d", cut)
	}
}

// TestAClientThatDoesNotAnswerIsWaitedForAMomentOnly: it was told, and does not count as cut.
func TestAClientThatDoesNotAnswerIsWaitedForAMomentOnly(t *testing.T) {
	p := start(t, proxy.Options{})
	_, received, _ := upgrade(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begun := time.Now()
	if cut := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))(ctx, nil); cut != 0 {
		t.Errorf("cut %d", cut)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	expectBytes(t, received, []byte(goingAway))
}

// TestOtherUpgradesAreCut: nobody here knows how they end.
func TestOtherUpgradesAreCut(t *testing.T) {
	p := start(t, proxy.Options{})
	release := make(chan struct{})
	point(t, p, "web", "1", only("a.pl/", wire(t, func(_ []string, conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
		<-release
	})))
	t.Cleanup(func() { close(release) })
	conn := dial(t, p)
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a.pl\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
	received := bufio.NewReader(conn)
	if _, err := http.ReadResponse(received, nil); err != nil {
		t.Fatal(err)
	}
	if cut := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))(over(), nil); cut != 1 {
		t.Errorf("cut %d, want 1", cut)
	}
	if rest, _ := io.ReadAll(received); len(rest) > 0 {
		t.Errorf("it was told %q", rest)
	}
}
