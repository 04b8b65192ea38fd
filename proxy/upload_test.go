package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"fisherman/proxy"
)

// TestABackendThatBreaksAnUploadOffHarmsNobodyElse has the client finish its upload after the refusal and go on with the
// same connection, as any client may. net/http panics there when a body that was read in full duplex is drained after
// the answer (go.dev/issue/68560), and takes the process down when a transport is reading.
func TestABackendThatBreaksAnUploadOffHarmsNobodyElse(t *testing.T) {
	for name, c := range map[string]struct {
		serve  func([]string, net.Conn)
		status int
	}{
		"by closing": {func(_ []string, conn net.Conn) { _ = conn.Close() }, http.StatusBadGateway},
		"by an answer": {func(_ []string, conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn) // closed now, it would reset the connection under the answer
		}, http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) { breakOff(t, wire(t, c.serve), c.status) })
	}
}

// breakOff begins uploads to a backend that does not take them, and wants each to be answered so.
func breakOff(t *testing.T, backend string, status int) {
	var log lines
	p := start(t, proxy.Options{Log: zerolog.New(&log)})
	point(t, p, "web", "1", only("a.pl/", backend))
	const begin, piece, end = "POST / HTTP/1.1\r\nHost: a.pl\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n", "0\r\n\r\n"
	for range 50 {
		conn := dial(t, p)
		answers := bufio.NewReader(conn)
		send := begin
		for range 3 {
			_, _ = io.WriteString(conn, send+piece) // may be closed already, which the answer tells
			soon(t, "an answer to a broken upload", func() bool {
				_, _ = io.WriteString(conn, piece)
				_ = conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
				_, err := answers.Peek(1)
				return err == nil || !errors.Is(err, os.ErrDeadlineExceeded)
			})
			res, err := http.ReadResponse(answers, nil)
			if err != nil {
				t.Fatalf("an upload that the backend broke off got no answer: %v", err)
			}
			if _ = read(t, res); res.StatusCode != status {
				t.Fatalf("answered %s, want %d", res.Status, status)
			}
			if res.Close {
				break
			}
			send = end + begin
		}
		_ = conn.Close()
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	if strings.Contains(log.buf.String(), "panic") {
		t.Errorf("the proxy panicked:\n%.2000s", log.buf.String())
	}
}
