package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fisherman/proxy"
)

// TestASwitchLosesNothing moves a service on and on while many clients ask for it. A backend is closed once its drain
// has returned, so that a single late request would fail.
func TestASwitchLosesNothing(t *testing.T) {
	const clients, switches = 32, 25
	p := start(t, proxy.Options{})
	app := httptest.NewServer(http.HandlerFunc(echo))
	point(t, p, "web", "0", only("a.pl/", app.Listener.Addr().String()))
	stop, answered := hammer(t, p, clients)
	for release := 1; release <= switches; release++ {
		before := answered.Load()
		soon(t, "requests between switches", func() bool { return answered.Load() > before+clients })
		next := httptest.NewServer(http.HandlerFunc(echo))
		drain := point(t, p, "web", fmt.Sprint(release), only("a.pl/", next.Listener.Addr().String()))
		if cut := drain(within(t), nil); cut != 0 {
			t.Fatalf("switch %d cut %d requests", release, cut)
		}
		retire(t, app)
		app = next
	}
	stop()
	retire(t, app)
	if n := inFlight(p); n != 0 {
		t.Errorf("%d requests in flight in the end", n)
	}
}

// retire closes a backend as SIGKILL would, and fails the test if it was working on a request.
func retire(t *testing.T, app *httptest.Server) {
	t.Helper()
	app.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	app.CloseClientConnections()
	app.Close()
}

// hammer sends requests over many connections and fails the test for any that is not answered as it should be.
func hammer(t *testing.T, p *proxy.Proxy, clients int) (stop func(), answered *atomic.Int64) {
	ctx, cancel := context.WithCancel(t.Context())
	answered = new(atomic.Int64)
	shared := client(t, p)
	shared.Transport.(*http.Transport).MaxIdleConnsPerHost = clients
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if err := ask(shared, i+n); err != nil {
					t.Error(err)
					return
				}
				answered.Add(1)
			}
		})
	}
	return func() { cancel(); group.Wait() }, answered
}

func ask(c *http.Client, n int) error {
	body := fmt.Sprintf("body %d", n)
	req, err := http.NewRequest(http.MethodPost, "http://a.pl/", strings.NewReader(body))
	if err != nil {
		return err
	}
	if n%2 == 0 {
		req.ContentLength = -1 // chunked
	}
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || string(got) != body {
		return fmt.Errorf("sent %q, got %d %q, %w", body, res.StatusCode, got, err)
	}
	return nil
}

func echo(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }

// gate is a backend that holds every request until it is opened.
type gate struct {
	address string
	entered chan struct{}
	open    chan struct{}
}

func newGate(t testing.TB) *gate {
	g := &gate{entered: make(chan struct{}, 100), open: make(chan struct{})}
	g.address = backend(t, func(w http.ResponseWriter, r *http.Request) {
		g.entered <- struct{}{}
		select {
		case <-g.open:
			_, _ = io.WriteString(w, "old")
		case <-r.Context().Done():
		}
	})
	return g
}

func TestAnAnswerUnderWayOutlivesTheSwitch(t *testing.T) {
	p := start(t, proxy.Options{})
	old := newGate(t)
	point(t, p, "web", "1", only("a.pl/", old.address))
	answers := make(chan string, 1)
	go func() { _, body := get(t, p, "http://a.pl/"); answers <- body }()
	<-old.entered
	drain := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))
	if _, body := get(t, p, "http://a.pl/"); body != "new" {
		t.Errorf("after the switch: %q", body)
	}
	drained := make(chan int, 1)
	go func() { drained <- drain(within(t), nil) }()
	select {
	case <-drained:
		t.Fatal("drained while a request was in flight")
	case <-time.After(20 * time.Millisecond):
	}
	close(old.open)
	if body := <-answers; body != "old" {
		t.Errorf("under way: %q", body)
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("cut %d", cut)
	}
	if cut := drain(over(), nil); cut != 0 {
		t.Errorf("draining again cut %d", cut)
	}
}

func TestAnUploadUnderWayOutlivesTheSwitch(t *testing.T) {
	p := start(t, proxy.Options{})
	point(t, p, "web", "1", only("a.pl/", backend(t, echo)))
	body, sender := io.Pipe()
	type result struct {
		text string
		err  error
	}
	results := make(chan result, 1)
	c := client(t, p)
	go func() {
		res, err := c.Post("http://a.pl/", "text/plain", body)
		if err != nil {
			results <- result{"", err}
			return
		}
		defer func() { _ = res.Body.Close() }()
		text, err := io.ReadAll(res.Body)
		results <- result{string(text), err}
	}()
	_, _ = io.WriteString(sender, "before ")
	soon(t, "the upload", func() bool { return inFlight(p) == 1 })
	drain := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))
	_, _ = io.WriteString(sender, "and after")
	_ = sender.Close()
	if got := <-results; got.err != nil || got.text != "before and after" {
		t.Errorf("got %+v", got)
	}
	if cut := drain(within(t), nil); cut != 0 {
		t.Errorf("cut %d", cut)
	}
}

func TestADrainCutsWhatIsLeftWhenItsTimeIsOver(t *testing.T) {
	p := start(t, proxy.Options{})
	for name, c := range map[string]struct {
		app  http.HandlerFunc
		send string
	}{
		"a backend that does not answer": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, ""},
		"a client that does not read": {func(w http.ResponseWriter, _ *http.Request) {
			for piece, err := make([]byte, 1<<20), error(nil); err == nil; {
				_, err = w.Write(piece)
			}
		}, ""},
		"a client that does not send": {echo, "Content-Length: 10\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			point(t, p, "web", "1", only("a.pl/", backend(t, c.app)))
			conn := dial(t, p)
			_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a.pl\r\n"+c.send+"\r\n")
			soon(t, "the request", func() bool { return inFlight(p) == 1 })
			drain := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))
			if cut := drain(over(), nil); cut != 1 {
				t.Errorf("cut %d, want 1", cut)
			}
			if cut := drain(within(t), nil); cut != 0 {
				t.Errorf("then still %d in flight", cut)
			}
			_, _ = io.Copy(io.Discard, conn) // ends, or fails the deadline below
			if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOtherServicesDoNotNoticeASwitch(t *testing.T) {
	p := start(t, proxy.Options{})
	other := newGate(t)
	point(t, p, "other", "1", only("b.pl/", other.address))
	point(t, p, "web", "1", only("a.pl/", backend(t, says("1"))))
	answers := make(chan string, 1)
	go func() { _, body := get(t, p, "http://b.pl/"); answers <- body }()
	<-other.entered
	if cut := point(t, p, "web", "2", only("a.pl/", backend(t, says("2"))))(over(), nil); cut != 0 {
		t.Errorf("cut %d", cut)
	}
	drain, err := remove(p, "web")
	if err != nil || drain(over(), nil) != 0 {
		t.Errorf("remove: %v", err)
	}
	close(other.open)
	if body := <-answers; body != "old" {
		t.Errorf("the other service answered %q", body)
	}
	if status, _ := get(t, p, "http://a.pl/"); status != http.StatusNotFound {
		t.Errorf("a removed service answers %d", status)
	}
}

func TestWorkersAndUnknownServicesDrainAtOnce(t *testing.T) {
	p := prepare(t, proxy.Options{})
	if cut := point(t, p, "worker", "1", nil)(within(t), nil); cut != 0 {
		t.Errorf("first: cut %d", cut)
	}
	if cut := point(t, p, "worker", "2", nil)(within(t), nil); cut != 0 {
		t.Errorf("second: cut %d", cut)
	}
	if drain, err := remove(p, "nobody"); err != nil || drain(within(t), nil) != 0 {
		t.Errorf("remove nobody: %v", err)
	}
}
