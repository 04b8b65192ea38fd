package webhooks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
)

// filler is a body of n bytes, streamed, so that its length is not declared.
func filler(n int64) io.Reader { return io.LimitReader(zeros{}, n) }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestBodiesThatAreTooLong(t *testing.T) {
	tests := []struct {
		name     string
		body     io.Reader
		declared int64
		want     error
	}{
		{"declared too long", untouchable{t}, maxBody + 1, ErrTooLarge},
		{"declared far too long", untouchable{t}, 1 << 62, ErrTooLarge},
		{"chunked, too long", filler(maxBody + 1), -1, ErrTooLarge},
		{"chunked, endless", zeros{}, -1, ErrTooLarge},
		{"longer than declared", filler(maxBody + 1), 10, ErrTooLarge},
		{"cut by the server's own limit", iotest.ErrReader(&http.MaxBytesError{Limit: 1}), -1, ErrTooLarge},
		{"chunked, as long as may be", filler(maxBody), -1, nil},
		{"declared, as long as may be", filler(maxBody), maxBody, nil},
		{"empty", filler(0), 0, nil},
		{"client gone", io.MultiReader(filler(99), iotest.ErrReader(io.ErrUnexpectedEOF)), 200, ErrIncomplete},
		{"client gone in a long one", io.MultiReader(filler(1<<20), iotest.ErrReader(io.ErrUnexpectedEOF)), -1, ErrIncomplete},
		{"read deadline", iotest.ErrReader(os.ErrDeadlineExceeded), -1, ErrIncomplete},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", tt.body)
			r.ContentLength = tt.declared
			b := newBodies()
			_, err := b.read(r, func([]byte) (Event, error) { return Event{}, nil })
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if len(b.small)+len(b.large) != 0 {
				t.Error("a slot was not given back")
			}
		})
	}
}

func TestBodiesArriveWhole(t *testing.T) {
	for _, size := range []int{0, 1, smallSlot - bytes.MinRead - 1, smallSlot - bytes.MinRead, smallSlot - bytes.MinRead + 1, smallSlot, 3 << 20} {
		sent := bytes.Repeat([]byte("tide"), size/4+1)[:size]
		for _, declared := range []int64{int64(size), -1} {
			r := httptest.NewRequest(http.MethodPost, "/", iotest.HalfReader(bytes.NewReader(sent)))
			r.ContentLength = declared
			_, err := newBodies().read(r, func(body []byte) (Event, error) {
				if !bytes.Equal(body, sent) {
					t.Errorf("%d bytes sent, declared %d: %d arrived", size, declared, len(body))
				}
				if slot := largeSlot; cap(body) > slot || len(body) < smallSlot-bytes.MinRead && cap(body) > smallSlot {
					t.Errorf("%d bytes take %d, more than their slot", size, cap(body))
				}
				return Event{}, nil
			})
			if err != nil {
				t.Errorf("%d bytes: %v", size, err)
			}
		}
	}
}

// Every slot taken is all the memory there is.
func TestSlotsFillTheBound(t *testing.T) {
	held := maxSmall*smallSlot + maxLarge*largeSlot
	if held > maxHeld || held < maxHeld-smallSlot {
		t.Errorf("all slots hold %d bytes of %d", held, maxHeld)
	}
}

// Load is no reason to refuse: more long bodies than there is room for wait for each other, and all are read.
func TestLongBodiesWaitTheirTurn(t *testing.T) {
	b := newBodies()
	var now, most atomic.Int64
	var senders sync.WaitGroup
	for range 12 {
		senders.Go(func() {
			r := httptest.NewRequest(http.MethodPost, "/", filler(5<<20))
			r.ContentLength = -1
			_, err := b.read(r, func([]byte) (Event, error) {
				defer now.Add(-1)
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				return Event{}, nil
			})
			if err != nil {
				t.Errorf("refused at load: %v", err)
			}
		})
	}
	senders.Wait()
	if most.Load() > maxLarge {
		t.Errorf("%d long bodies were held at once", most.Load())
	}
}

// Senders that declare much and send little, or send much and stop, take the room for long bodies at most: an ordinary delivery
// is parsed beside them, and another long one is told after a while that there is no room.
func TestStalledSenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := configured()
		stop := make(chan struct{})
		var stalled sync.WaitGroup
		for _, sent := range []int64{0, 1, 1 << 10, 1 << 20, 1 << 20} {
			stalled.Go(func() {
				r := deliver(secret, "push", nil)
				r.Body = io.NopCloser(io.MultiReader(filler(sent), until(stop)))
				r.ContentLength = maxBody
				refused(t, g, r, http.StatusRequestTimeout)
			})
		}
		synctest.Wait()
		if len(g.bodies.large) != maxLarge {
			t.Fatalf("%d long bodies stalled, want %d", len(g.bodies.large), maxLarge)
		}
		if _, err := g.Parse(deliver(secret, "push", payload(t, "push.json"))); err != nil {
			t.Errorf("an ordinary delivery: %v", err)
		}
		refused(t, g, deliver(secret, "push", make([]byte, 1<<20)), http.StatusServiceUnavailable)
		close(stop)
		stalled.Wait()
		refused(t, g, deliver(secret, "push", make([]byte, 1<<20)), http.StatusBadRequest)
	})
}

// until is a body that stops arriving, until the server's read deadline cuts it.
type until chan struct{}

func (u until) Read([]byte) (int, error) {
	<-u
	return 0, os.ErrDeadlineExceeded
}

func TestWaitingEndsWithTheRequest(t *testing.T) {
	b := newBodies()
	for range maxSmall {
		b.small <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequest(http.MethodPost, "/", untouchable{t}).WithContext(ctx)
	if _, err := b.read(r, nil); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want %v", err, ErrBusy)
	}
}

// Over a real connection: an unsigned request is answered without asking for its body, a chunked one is cut at the limit.
func TestOverTheWire(t *testing.T) {
	g := configured()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := g.Parse(r)
		w.WriteHeader(Status(err))
	}))
	defer server.Close()
	tests := []struct {
		name      string
		body      io.Reader
		signature string
		want      int
	}{
		{"unsigned, waiting for 100 Continue", untouchable{t}, "", http.StatusUnauthorized},
		{"chunked, too long", filler(maxBody + 1), sign("", nil), http.StatusRequestEntityTooLarge},
		{"chunked, signed", bytes.NewReader(payload(t, "push.json")), sign(secret, payload(t, "push.json")), http.StatusOK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, io.NopCloser(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = deliver("", "push", nil).Header
			r.Header.Set("X-Hub-Signature-256", tt.signature)
			r.Header.Set("Expect", "100-continue")
			client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: maxWait, DisableKeepAlives: true}}
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := answer.Body.Close(); err != nil {
				t.Error(err)
			}
			if answer.StatusCode != tt.want {
				t.Errorf("status %d, want %d", answer.StatusCode, tt.want)
			}
		})
	}
}
