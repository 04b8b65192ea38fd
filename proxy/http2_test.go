package proxy_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"fisherman/proxy"
	"fisherman/proxy/proxytest"
)

// startFront is a proxy with HTTPS for a.pl, and the client's side of it.
func startFront(t *testing.T, app http.HandlerFunc) (p *proxy.Proxy, config *tls.Config, stop func()) {
	t.Helper()
	return startLingering(t, 200*time.Millisecond, app)
}

// startLingering is the same with another time that it lingers at a stop.
func startLingering(t *testing.T, linger time.Duration, app http.HandlerFunc) (p *proxy.Proxy, config *tls.Config, stop func()) {
	t.Helper()
	c := proxytest.NewCA(t, "test")
	p = prepare(t, proxy.Options{ListenTLS: "127.0.0.1:0", Timeouts: proxy.Timeouts{Linger: linger}})
	setTLS(t, p, proxy.TLS{Routes: hosts("a.pl"), Certificates: []proxy.KeyPair{pairFiles(t, c.Server(nil, "a.pl"))}})
	stop = run(t, p)
	p.Settle()
	point(t, p, "web", "1", only("a.pl/", backend(t, app)))
	return p, &tls.Config{RootCAs: c.Pool()}, stop
}

// TestAStopUnderLoadLosesNothingOverTLS: a request is answered, or its connection is refused.
func TestAStopUnderLoadLosesNothingOverTLS(t *testing.T) {
	bothVersions(t, func(t *testing.T, h2 bool) {
		p, config, stop := startFront(t, func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(5 * time.Millisecond)
			_, _ = io.WriteString(w, "reached")
		})
		address := p.AddrTLS().String()
		var answered atomic.Int64
		var load sync.WaitGroup
		for range 4 {
			load.Go(func() {
				c := clientTLS(t, p, config, h2)
				for {
					res, err := c.Get("https://a.pl/")
					switch {
					case err == nil:
						if body, err := io.ReadAll(res.Body); err != nil || string(body) != "reached" {
							t.Errorf("%s %q, %v", res.Status, body, err)
						}
						_ = res.Body.Close()
						answered.Add(1)
					case strings.Contains(err.Error(), "connection refused"):
						return
					default:
						t.Error(err)
						return
					}
				}
			})
		}
		soon(t, "the load to be under way", func() bool { return answered.Load() > 40 })
		stop()
		load.Wait()
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			t.Error("it still listens")
		}
	})
}

// TestWhoShakesHandsAtAStopIsAnswered though that takes longer than the proxy lingers for everybody. Mutant: leave without wait.
func TestWhoShakesHandsAtAStopIsAnswered(t *testing.T) {
	const linger = 100 * time.Millisecond
	bothVersions(t, func(t *testing.T, h2 bool) {
		p, config, stop := startLingering(t, linger, says("reached"))
		far, c := &farConn{waits: make(chan bool), goes: make(chan bool)}, clientTLS(t, p, config, h2)
		c.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (_ net.Conn, err error) {
			far.Conn, err = net.Dial("tcp", p.AddrTLS().String())
			return far, err
		}
		over := make(chan struct{})
		go func() {
			defer close(over)
			<-far.waits
			stop()
		}()
		go func() {
			defer close(far.goes)
			soon(t, "the listener to be closed", func() bool {
				conn, err := net.Dial("tcp", p.AddrTLS().String())
				if err == nil {
					_ = conn.Close()
				}
				return err != nil
			})
			time.Sleep(3 * linger)
		}()
		if res, body := fetch(t, c, "https://a.pl/"); body != "reached" {
			t.Errorf("%s %q", res.Status, body)
		}
		<-over
	})
}

// farConn says that the second thing a client says waits, and has it wait.
type farConn struct {
	net.Conn
	said  int
	waits chan bool
	goes  chan bool
}

func (c *farConn) Write(b []byte) (int, error) {
	if c.said++; c.said == 2 {
		close(c.waits)
		<-c.goes
	}
	return c.Conn.Write(b)
}

// TestDrainsOverHTTP2 ends event streams and waits for requests, as over HTTP/1.1.
func TestDrainsOverHTTP2(t *testing.T) {
	begun, finish := make(chan struct{}, 2), make(chan struct{})
	p, config, _ := startFront(t, func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		if r.URL.Path == "/events" {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: one\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		<-finish
		_, _ = io.WriteString(w, "done")
	})
	c := clientTLS(t, p, config, true)
	events, err := c.Get("https://a.pl/events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = events.Body.Close() }()
	slow := make(chan string, 1)
	go func() {
		res, err := c.Get("https://a.pl/slow")
		if err != nil {
			slow <- err.Error()
			return
		}
		slow <- read(t, res)
	}()
	<-begun
	<-begun
	drain := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))
	drained := make(chan int, 1)
	go func() { drained <- drain(within(t), nil) }()
	if res, body := fetch(t, c, "https://a.pl/"); body != "new" {
		t.Errorf("after the switch %s %q", res.Status, body)
	}
	close(finish)
	if got := <-slow; got != "done" {
		t.Errorf("the request in flight got %q", got)
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("%d were cut", cut)
	}
	if rest, err := io.ReadAll(events.Body); err != nil || string(rest) != "data: one\n\n" {
		t.Errorf("the event stream ended with %q, %v", rest, err)
	}
}

// TestHeldUploadsStopNoOthersOverHTTP2, though they are on one connection. Mutant: serverTLS without windows.
func TestHeldUploadsStopNoOthersOverHTTP2(t *testing.T) {
	const held, each = 4, 512 << 10 // of these as many bytes are taken
	p, config, _ := startFront(t, echo)
	point(t, p, "api", "1", only("a.pl/api", backend(t, echo)))
	p.Pause("api")
	c := clientTLS(t, p, config, true)
	fetch(t, c, "https://a.pl/") // makes the connection
	ctx, cancel := context.WithCancel(t.Context())
	var sent atomic.Int64
	var uploads sync.WaitGroup
	defer uploads.Wait()
	defer cancel()
	for range held {
		uploads.Go(func() {
			body := io.LimitReader(endless(func(n int) { sent.Add(int64(n)) }), 8*each)
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "https://a.pl/api", body)
			if res, err := c.Do(req); err == nil {
				_ = res.Body.Close()
			}
		})
	}
	soon(t, "the held uploads to stall", func() bool { return sent.Load() >= held*each })
	res, err := c.Post("https://a.pl/", "text/plain", strings.NewReader("another"))
	if err != nil {
		t.Fatal(err)
	}
	if body := read(t, res); body != "another" {
		t.Errorf("%s %q", res.Status, body)
	}
}

// endless is a body without an end, and is told how much is read of it.
type endless func(n int)

func (e endless) Read(b []byte) (int, error) {
	e(len(b))
	return len(b), nil
}

// TestAnAnswerThatIsCutShortIsSeenOverHTTP2 and ends no other stream.
func TestAnAnswerThatIsCutShortIsSeenOverHTTP2(t *testing.T) {
	p, config, _ := startFront(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/whole" {
			_, _ = io.WriteString(w, "whole")
			return
		}
		_, _ = io.WriteString(w, "part")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	c := clientTLS(t, p, config, true)
	res, err := c.Get("https://a.pl/cut")
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("got %q and a clean end", body)
	}
	_ = res.Body.Close()
	if _, body := fetch(t, c, "https://a.pl/whole"); body != "whole" {
		t.Errorf("the next got %q", body)
	}
}

// TestAnHTTP10AnswerThatIsCutShortIsSeenOverTLS: the end of the connection would be the end of the answer.
func TestAnHTTP10AnswerThatIsCutShortIsSeenOverTLS(t *testing.T) {
	p, config, _ := startFront(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "part")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	config.ServerName = "a.pl"
	conn := dialTLS(t, p, config)
	_, _ = io.WriteString(conn, "GET / HTTP/1.0\r\nHost: a.pl\r\n\r\n")
	if answer, err := io.ReadAll(conn); err == nil {
		t.Errorf("got %q and a clean end", answer)
	}
}

func TestAWebSocketOverTLSIsClosedPolitely(t *testing.T) {
	p, config, stop := startFront(t, func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		for {
			kind, message, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			_ = conn.Write(r.Context(), kind, message)
		}
	})
	ctx := within(t)
	conn, _, err := websocket.Dial(ctx, "wss://a.pl/", &websocket.DialOptions{HTTPClient: clientTLS(t, p, config, false)})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, message, err := conn.Read(ctx); err != nil || string(message) != "hello" {
		t.Errorf("%q, %v", message, err)
	}
	ended := make(chan error, 1)
	go func() { _, _, err := conn.Read(ctx); ended <- err }()
	stop()
	if err := <-ended; websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("it ended with %v", err)
	}
}

// TestMalformedRequestsAreRefusedOverHTTP2 has what HTTP/1.1 cannot say and a backend must not get.
func TestMalformedRequestsAreRefusedOverHTTP2(t *testing.T) {
	var reached atomic.Int64
	p, config, _ := startFront(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	for name, request := range map[string][]string{
		"a blank in the path":     {":method", "GET", ":scheme", "https", ":authority", "a.pl", ":path", "/x HTTP/1.1"},
		"a fragment":              {":method", "GET", ":scheme", "https", ":authority", "a.pl", ":path", "/x#y"},
		"another Host":            {":method", "GET", ":scheme", "https", ":authority", "a.pl", ":path", "/", "host", "b.pl"},
		"CONNECT":                 {":method", "CONNECT", ":authority", "a.pl:80"},
		"*":                       {":method", "OPTIONS", ":scheme", "https", ":authority", "a.pl", ":path", "*"},
		"no authority":            {":method", "GET", ":scheme", "https", ":path", "/"},
		"a user in the authority": {":method", "GET", ":scheme", "https", ":authority", "x@a.pl", ":path", "/"},
		"a transfer encoding":     {":method", "POST", ":scheme", "https", ":authority", "a.pl", ":path", "/", "transfer-encoding", "chunked"},
		"a line break in a field": {":method", "GET", ":scheme", "https", ":authority", "a.pl", ":path", "/", "x", "y\r\nz: a"},
		"a connection of its own": {":method", "GET", ":scheme", "https", ":authority", "a.pl", ":path", "/", "connection", "close"},
		"a path that may be two":  {":method", "GET", ":scheme", "https", ":authority", "a.pl", ":path", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			status, err := askHTTP2(t, p, config, request)
			if err == nil && (status < 400 || status >= 500) {
				t.Errorf("answered %d", status)
			}
		})
	}
	if reached.Load() != 0 {
		t.Errorf("%d reached the app", reached.Load())
	}
	if status, err := askHTTP2(t, p, config, []string{":method", "GET", ":scheme", "http", ":authority", "a.pl", ":path", "/"}); err != nil || status != 200 {
		t.Errorf("a scheme that says http: %d, %v", status, err) // it came over TLS all the same
	}
}

// askHTTP2 sends a request of any fields on a connection of its own. An error is a refusal of the stream or the connection.
func askHTTP2(t *testing.T, p *proxy.Proxy, config *tls.Config, fields []string) (status int, err error) {
	t.Helper()
	config = config.Clone()
	config.ServerName, config.NextProtos = cmp.Or(config.ServerName, "a.pl"), []string{"h2"}
	conn := dialTLS(t, p, config)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := 0; i < len(fields); i += 2 {
		_ = encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	_, _ = io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings()
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true})
	for {
		frame, err := framer.ReadFrame()
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			return strconv.Atoi(f.PseudoValue("status"))
		case *http2.RSTStreamFrame:
			return 0, fmt.Errorf("the stream was reset: %v", f.ErrCode)
		}
		if err != nil {
			return 0, err
		}
	}
}

// TestAnUnfinishedHeadIsCutOverHTTP2, and not a client that waits for its answer meanwhile.
func TestAnUnfinishedHeadIsCutOverHTTP2(t *testing.T) {
	const bound = 500 * time.Millisecond
	c, slow := proxytest.NewCA(t, "test"), newGate(t)
	p := startTLS(t, proxy.Options{Timeouts: proxy.Timeouts{ReadHeader: bound}}, proxy.TLS{
		Routes: hosts("a.pl"), Certificates: []proxy.KeyPair{pairFiles(t, c.Server(nil, "a.pl"))},
	})
	point(t, p, "web", "1", only("a.pl/", slow.address))
	patient := make(chan error, 1)
	well := clientTLS(t, p, &tls.Config{RootCAs: c.Pool()}, true)
	go func() {
		res, err := well.Get("https://a.pl/")
		if err == nil {
			err = res.Body.Close()
		}
		patient <- err
	}()
	<-slow.entered
	config := &tls.Config{RootCAs: c.Pool(), ServerName: "a.pl", NextProtos: []string{"h2"}}
	for name, begin := range map[string]func(*http2.Framer, net.Conn, []byte){
		"after its first frame": func(framer *http2.Framer, _ net.Conn, block []byte) {
			_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:1], EndStream: true})
		},
		"with a request under way": func(framer *http2.Framer, _ net.Conn, block []byte) {
			_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndStream: true, EndHeaders: true})
			<-slow.entered
			_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: block[:1], EndStream: true})
		},
		"within its only frame": func(_ *http2.Framer, conn net.Conn, _ []byte) {
			_, _ = conn.Write([]byte{0, 0, 9, 1, 4, 0, 0, 0, 1, 0})
		},
		"one byte after the other": func(_ *http2.Framer, conn net.Conn, _ []byte) {
			_, _ = conn.Write([]byte{0, 63, 0, 1, 4, 0, 0, 0, 1})
			for range time.Tick(bound / 5) {
				if _, err := conn.Write([]byte{0}); err != nil {
					return
				}
			}
		},
	} {
		conn := dialTLS(t, p, config)
		_, _ = io.WriteString(conn, http2.ClientPreface)
		framer := http2.NewFramer(conn, conn)
		_ = framer.WriteSettings()
		begin(framer, conn, headOf("a.pl"))
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: not cut", name)
		}
	}
	close(slow.open)
	if err := <-patient; err != nil {
		t.Errorf("who has waited patiently got %v", err)
	}
}

// headOf is a request for a host's root, as HTTP/2 has it.
func headOf(host string) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range []hpack.HeaderField{
		{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: host}, {Name: ":path", Value: "/"},
	} {
		_ = encoder.WriteField(f)
	}
	return block.Bytes()
}

// TestWhoReadsSlowlyGetsEverythingOverHTTP2: what is asked of such a client waits behind all that it has not read yet.
// Mutant: a ping that is to be answered within ReadHeader.
func TestWhoReadsSlowlyGetsEverythingOverHTTP2(t *testing.T) {
	const bound, size = 100 * time.Millisecond, 8 << 20
	c := proxytest.NewCA(t, "test")
	p := startTLS(t, proxy.Options{Timeouts: proxy.Timeouts{ReadHeader: bound}}, proxy.TLS{
		Routes: hosts("a.pl"), Certificates: []proxy.KeyPair{pairFiles(t, c.Server(nil, "a.pl"))},
	})
	point(t, p, "web", "1", only("a.pl/", backend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, size)) })))
	conn := dialTLS(t, p, &tls.Config{RootCAs: c.Pool(), ServerName: "a.pl", NextProtos: []string{"h2"}})
	_, _ = io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, conn)
	_ = framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: size})
	_ = framer.WriteWindowUpdate(0, size)
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: headOf("a.pl"), EndStream: true, EndHeaders: true})
	soon(t, "the request to be under way", func() bool { return inFlight(p) == 1 })
	time.Sleep(5 * bound)
	for got := 0; ; {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
		if data, is := frame.(*http2.DataFrame); is {
			if got += len(data.Data()); data.StreamEnded() {
				if got != size {
					t.Errorf("got %d bytes of %d", got, size)
				}
				return
			}
		}
	}
}

// TestAnUploadThatTheClientGivesUpIsItsOwnDoingOverHTTP2: no malformed one.
func TestAnUploadThatTheClientGivesUpIsItsOwnDoingOverHTTP2(t *testing.T) {
	var log lines
	c, begun := proxytest.NewCA(t, "test"), make(chan bool, 1)
	p := startTLS(t, proxy.Options{Log: zerolog.New(&log)}, proxy.TLS{
		Routes: hosts("a.pl"), Certificates: []proxy.KeyPair{pairFiles(t, c.Server(nil, "a.pl"))},
	})
	point(t, p, "web", "1", only("a.pl/", backend(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, 5))
		begun <- true
		_, _ = io.Copy(io.Discard, r.Body)
	})))
	body, send := io.Pipe()
	ctx, giveUp := context.WithCancel(within(t))
	request, _ := http.NewRequestWithContext(ctx, http.MethodPost, "https://a.pl/", body)
	go func() {
		_, _ = io.WriteString(send, "hello")
		<-begun
		giveUp()
	}()
	res, err := clientTLS(t, p, &tls.Config{RootCAs: c.Pool()}, true).Do(request)
	if err == nil {
		_ = res.Body.Close()
		t.Fatal(res.Status)
	}
	if line := log.find(t, `"message":"request"`); line["status"] != 499.0 {
		t.Errorf("logged %v", line)
	}
}

// TestWhoComesLateIsToldToLeave: whoever has a connection, however slow to begin, and however idle, hears that it ends before it does.
// net/http tells only those that have begun when a stop begins.
func TestWhoComesLateIsToldToLeave(t *testing.T) {
	p, config, stop := startLingering(t, time.Millisecond, says("reached"))
	config.ServerName, config.NextProtos = "a.pl", []string{"h2"}
	slow, err := net.Dial("tcp", p.AddrTLS().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = slow.SetDeadline(time.Now().Add(patience))
	idle := dialTLS(t, p, config)
	fetch(t, clientTLS(t, p, config, true), "https://a.pl/") // by now both are accepted
	over := make(chan struct{})
	go func() { defer close(over); stop() }()
	if code, err := farewell(idle); err != nil || code != http2.ErrCodeNo {
		t.Errorf("who was there: %v, %v", code, err)
	}
	if code, err := farewell(tls.Client(slow, config)); err != nil || code != http2.ErrCodeNo {
		t.Errorf("who came late: %v, %v", code, err)
	}
	<-over
}

// farewell begins HTTP/2 and says nothing more until the server says that it is over.
func farewell(conn net.Conn) (http2.ErrCode, error) {
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return 0, err
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		return 0, err
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return 0, err
		}
		if last, is := frame.(*http2.GoAwayFrame); is {
			return last.ErrCode, nil
		}
	}
}

// TestOneConnectionHoldsOnlySoMuchOverHTTP2: what has been sent of requests is kept until they are answered.
func TestOneConnectionHoldsOnlySoMuchOverHTTP2(t *testing.T) {
	p, config, _ := startFront(t, says("reached"))
	config.ServerName, config.NextProtos = "a.pl", []string{"h2"}
	conn := dialTLS(t, p, config)
	_, _ = io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, conn)
	_ = framer.WriteSettings()
	frame, err := framer.ReadFrame()
	settings, is := frame.(*http2.SettingsFrame)
	if !is {
		t.Fatalf("begins with %v, %v", frame, err)
	}
	for of, most := range map[http2.SettingID]uint32{
		http2.SettingMaxConcurrentStreams: 100, http2.SettingMaxFrameSize: 16 << 10, http2.SettingMaxHeaderListSize: 65 << 10,
	} {
		if got, told := settings.Value(of); !told || got > most {
			t.Errorf("%v: %d", of, got)
		}
	}
}
