package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"fisherman/proxy"
)

// TestPiecesArriveAtOnce has the backend send a piece only when the client has the one before.
func TestPiecesArriveAtOnce(t *testing.T) {
	for name, set := range map[string]func(http.Header){
		"server-sent events":  func(h http.Header) { h.Set("Content-Type", "text/event-stream") },
		"unknown length":      func(http.Header) {},
		"of announced length": func(h http.Header) { h.Set("Content-Length", "15") },
	} {
		t.Run(name, func(t *testing.T) {
			received := make(chan struct{})
			p := start(t, proxy.Options{})
			point(t, p, "web", "1", only("a.pl/", backend(t, func(w http.ResponseWriter, r *http.Request) {
				set(w.Header())
				for range 3 {
					_, _ = io.WriteString(w, "data\n")
					_ = http.NewResponseController(w).Flush()
					select {
					case <-received:
					case <-r.Context().Done():
					}
				}
			})))
			res, err := client(t, p).Get("http://a.pl/")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			lines := bufio.NewScanner(res.Body)
			for n := range 3 {
				if !lines.Scan() {
					t.Fatalf("piece %d: %v", n, lines.Err())
				}
				received <- struct{}{}
			}
		})
	}
}

func TestAnswersAndUploadsMayOverlap(t *testing.T) {
	p := start(t, proxy.Options{})
	point(t, p, "web", "1", only("a.pl/", backend(t, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.EnableFullDuplex()
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			_, _ = io.WriteString(w, "got "+lines.Text()+"\n")
			_ = control.Flush()
		}
	})))
	conn := dial(t, p)
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a.pl\r\nTransfer-Encoding: chunked\r\n\r\n")
	_, _ = io.WriteString(conn, "2\r\na\n\r\n")
	reader := bufio.NewReader(conn)
	res, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer := bufio.NewReader(res.Body)
	for _, next := range []string{"2\r\nb\n\r\n", "2\r\nc\n\r\n", "0\r\n\r\n"} {
		line, err := answer.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "got ") {
			t.Fatalf("%q, %v", line, err)
		}
		_, _ = io.WriteString(conn, next)
	}
	if rest, err := io.ReadAll(answer); err != nil || len(rest) != 0 {
		t.Errorf("in the end %q, %v", rest, err)
	}
}

func webSockets(t testing.TB) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.CloseNow() }()
		for {
			kind, text, err := conn.Read(r.Context())
			if err != nil || conn.Write(r.Context(), kind, text) != nil {
				return
			}
		}
	}
}

func connect(t *testing.T, p *proxy.Proxy) *websocket.Conn {
	t.Helper()
	c := client(t, p)
	c.Timeout = 0
	conn, _, err := websocket.Dial(within(t), "ws://a.pl/", &websocket.DialOptions{HTTPClient: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

func talk(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(within(t), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := conn.Read(within(t)); err != nil || string(got) != text {
		t.Fatalf("said %q, heard %q, %v", text, got, err)
	}
}

func TestWebSocketsPassAndAreInFlight(t *testing.T) {
	p := start(t, proxy.Options{})
	point(t, p, "web", "1", only("a.pl/", backend(t, webSockets(t))))
	leaving, staying := connect(t, p), connect(t, p)
	talk(t, leaving, "hello")
	talk(t, staying, "\nContent-Length: 1\nTransfer-Encoding: chunked\n") // nothing for the guard to see
	if n := inFlight(p); n != 2 {
		t.Errorf("%d in flight, want 2", n)
	}
	drain := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))
	talk(t, staying, "still here")
	_ = leaving.Close(websocket.StatusNormalClosure, "")
	drained := make(chan int, 1)
	go func() { drained <- drain(over(), nil) }()
	if _, _, err := staying.Read(within(t)); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("it ended with %v", err)
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("cut %d", cut)
	}
}

func TestADeadBackendNeverLooksLikeACompleteAnswer(t *testing.T) {
	p := start(t, proxy.Options{})
	for name, begun := range map[string]string{
		"chunked":             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
		"of announced length": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart",
	} {
		for _, version := range []string{"HTTP/1.1", "HTTP/1.0"} {
			t.Run(name+" for "+version, func(t *testing.T) {
				point(t, p, "web", "1", only("a.pl/", wire(t, func(_ []string, conn net.Conn) {
					_, _ = io.WriteString(conn, begun)
				})))
				conn := dial(t, p)
				_, _ = io.WriteString(conn, "GET / "+version+"\r\nHost: a.pl\r\n\r\n")
				res, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					return // cut before the head: not complete either
				}
				if body, err := io.ReadAll(res.Body); err == nil {
					t.Errorf("got %q and no error", body)
				}
			})
		}
	}
}
