package proxy_test

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

	"fisherman/proxy"
)

// ticker sends an event every so often, and one at once.
func ticker(every time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for n := 0; ; n++ {
			_, _ = fmt.Fprintf(w, "event: tick\ndata: %d\n\n", n)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(every):
			case <-r.Context().Done():
				return
			}
		}
	}
}

// TestWebSocketsAndEventStreamsAcrossASwitch: all of them work on until the last second, and then end as their
// protocols have it.
func TestWebSocketsAndEventStreamsAcrossASwitch(t *testing.T) {
	const each, drainTime = 20, 2500 * time.Millisecond
	p := start(t, proxy.Options{})
	routes := map[string][]string{"a.pl/": {backend(t, webSockets(t))}, "a.pl/events": {backend(t, ticker(10*time.Millisecond))}}
	point(t, p, "web", "1", routes)
	var group sync.WaitGroup
	var ready sync.WaitGroup
	ended := make(chan time.Time, 2*each)
	for range each {
		ready.Add(2)
		group.Go(func() { echoUntilClosed(t, p, ready.Done); ended <- time.Now() })
		group.Go(func() { listenUntilTheEnd(t, p, ready.Done); ended <- time.Now() })
	}
	ready.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), drainTime)
	defer cancel()
	deadline, _ := ctx.Deadline()
	if cut := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))(ctx, nil); cut != 0 {
		t.Errorf("cut %d", cut)
	}
	if late := time.Since(deadline); late > time.Second {
		t.Errorf("the drain returned %v after its deadline", late)
	}
	group.Wait()
	if early := deadline.Sub(<-ended); early > time.Second+100*time.Millisecond {
		t.Errorf("the first ended %v before the deadline", early)
	}
}

// echoUntilClosed speaks and listens without a break, and wants to be told in the end.
func echoUntilClosed(t *testing.T, p *proxy.Proxy, ready func()) {
	conn := connect(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	for n := 0; ; n++ {
		said := fmt.Sprint(n, strings.Repeat("x", n%300))
		writeErr := conn.Write(ctx, websocket.MessageText, []byte(said))
		_, heard, err := conn.Read(ctx)
		if websocket.CloseStatus(err) == websocket.StatusGoingAway {
			return
		}
		if err != nil || writeErr != nil || string(heard) != said {
			t.Errorf("said %q, heard %q: %v, %v", said, heard, writeErr, err)
			return
		}
		if n == 0 {
			ready()
		}
		time.Sleep(time.Millisecond)
	}
}

// listenUntilTheEnd wants whole events and a clean end.
func listenUntilTheEnd(t *testing.T, p *proxy.Proxy, ready func()) {
	c := client(t, p)
	res, err := c.Get("http://a.pl/events")
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	reader := bufio.NewReader(res.Body)
	begun, _ := reader.ReadString('\n')
	ready()
	rest, err := io.ReadAll(reader)
	if text := begun + string(rest); err != nil || !strings.HasSuffix(text, "\n\n") {
		t.Errorf("the stream ended with %q, %v", text[max(0, len(text)-30):], err)
	}
}

func TestEventStreamsAloneDoNotHoldADrainUp(t *testing.T) {
	p := start(t, proxy.Options{})
	for name, app := range map[string]http.HandlerFunc{
		"between events": ticker(time.Hour),
		"in the midst of an event": func(w http.ResponseWriter, r *http.Request) {
			ticker := ticker(time.Hour)
			_, _ = io.WriteString(w, "data: half\n")
			ticker(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			point(t, p, "web", "1", only("a.pl/", backend(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				app(w, r)
			})))
			res, err := client(t, p).Get("http://a.pl/")
			if err != nil {
				t.Fatal(err)
			}
			drain := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))
			begun := time.Now()
			if cut := drain(within(t), nil); cut != 0 {
				t.Errorf("cut %d", cut)
			}
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("the drain took %v", took)
			}
			read(t, res) // wants a clean end
		})
	}
}

// TestAnEventStreamOutlivesARequestUnderWay: it is ended only when the drain has nothing else to wait for.
func TestAnEventStreamOutlivesARequestUnderWay(t *testing.T) {
	p := start(t, proxy.Options{})
	slow := newGate(t)
	point(t, p, "web", "1", map[string][]string{"a.pl/slow": {slow.address}, "a.pl/": {backend(t, ticker(time.Millisecond))}})
	answers := make(chan string, 1)
	go func() { _, body := get(t, p, "http://a.pl/slow"); answers <- body }()
	<-slow.entered
	res, err := client(t, p).Get("http://a.pl/")
	if err != nil {
		t.Fatal(err)
	}
	events := bufio.NewReader(res.Body)
	drained := make(chan int, 1)
	drain := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))
	go func() { drained <- drain(within(t), nil) }()
	for range 300 {
		if _, err := events.ReadString('\n'); err != nil {
			t.Fatalf("the stream ended too early: %v", err)
		}
	}
	close(slow.open)
	if body := <-answers; body != "old" {
		t.Errorf("got %q", body)
	}
	if _, err := io.ReadAll(events); err != nil {
		t.Errorf("the stream broke off: %v", err)
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("cut %d", cut)
	}
}

func TestADrainEndsWhenTheLastWebSocketCloses(t *testing.T) {
	p := start(t, proxy.Options{})
	point(t, p, "web", "1", only("a.pl/", backend(t, webSockets(t))))
	conn := connect(t, p)
	talk(t, conn, "hello")
	drain := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))
	drained := make(chan int, 1)
	go func() { drained <- drain(context.Background(), nil) }()
	talk(t, conn, "still here")
	select {
	case <-drained:
		t.Fatal("the drain did not wait")
	default:
	}
	_ = conn.Close(websocket.StatusNormalClosure, "")
	select {
	case cut := <-drained:
		if cut != 0 {
			t.Errorf("cut %d", cut)
		}
	case <-time.After(patience):
		t.Error("the drain goes on")
	}
}

// TestAPauseWaitsForNoWebSocket: requests are held meanwhile. It does wait for what ends by itself. Mutant: Pause without press.
func TestAPauseWaitsForNoWebSocket(t *testing.T) {
	p := start(t, proxy.Options{})
	slow := newGate(t)
	point(t, p, "web", "1", map[string][]string{"a.pl/": {backend(t, webSockets(t))}, "a.pl/slow": {slow.address}})
	conn := connect(t, p)
	talk(t, conn, "hello")
	under := async(t, p, "http://a.pl/slow")
	<-slow.entered
	long, cancel := context.WithTimeout(t.Context(), 10*patience)
	defer cancel()
	drain, drained := p.Pause("web"), make(chan int, 1)
	go func() { drained <- drain(long, nil) }()
	talk(t, conn, "a request is under way")
	close(slow.open)
	if _, _, err := conn.Read(within(t)); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Fatalf("the WebSocket ended with %v", err)
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("cut %d", cut)
	}
	if answer := <-under; answer != "200 old" {
		t.Errorf("under way: %q", answer)
	}
}

// TestStoppingSaysGoodbye on what is live, and on what was replaced and is in the midst of its drain.
func TestStoppingSaysGoodbye(t *testing.T) {
	for name, then := range map[string]func(*proxy.Proxy){
		"while it is live": func(*proxy.Proxy) {},
		"after a switch":   func(p *proxy.Proxy) { point(t, p, "web", "2", only("a.pl/", backend(t, says("new")))) },
		"after its removal": func(p *proxy.Proxy) {
			if _, err := remove(p, "web"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := prepare(t, proxy.Options{})
			stop := run(t, p)
			p.Settle()
			point(t, p, "web", "1", map[string][]string{"a.pl/": {backend(t, webSockets(t))}, "a.pl/events": {backend(t, ticker(time.Millisecond))}})
			var group sync.WaitGroup
			var ready sync.WaitGroup
			for range 5 {
				ready.Add(2)
				group.Go(func() { echoUntilClosed(t, p, ready.Done) })
				group.Go(func() { listenUntilTheEnd(t, p, ready.Done) })
			}
			ready.Wait()
			then(p)
			begun := time.Now()
			stop()
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			group.Wait()
		})
	}
}

// TestWebSocketsFromBeforeARepointAreDrainedByTheSwitch: the release has only moved.
func TestWebSocketsFromBeforeARepointAreDrainedByTheSwitch(t *testing.T) {
	p := start(t, proxy.Options{})
	address := backend(t, webSockets(t))
	point(t, p, "web", "1", only("a.pl/", address))
	conn := connect(t, p)
	talk(t, conn, "hello")
	point(t, p, "web", "1", map[string][]string{"a.pl/": {address, nobody(t)}})
	if n := inFlight(p); n != 1 {
		t.Errorf("%d in flight on an address that stays, want 1", n)
	}
	drain := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))
	drained := make(chan int, 1)
	go func() { drained <- drain(over(), nil) }()
	if _, _, err := conn.Read(within(t)); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("it ended with %v", err)
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("cut %d", cut)
	}
}
