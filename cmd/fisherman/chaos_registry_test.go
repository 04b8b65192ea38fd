package main

import (
	"net/http"
	"sync/atomic"
	"time"
)

// ill is how a registry can be.
type ill int32

const (
	well ill = iota
	slow
	dropping // half of an answer, then nothing
	throttling
	broken
	gone
)

func (i ill) String() string {
	return [...]string{"well", "slow", "dropping connections", "429", "5xx", "gone"}[i]
}

// brittle stands before a registry and makes it ill.
type brittle struct{ now atomic.Int32 }

func (b *brittle) be(i ill) { b.now.Store(int32(i)) }

func (b *brittle) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch ill(b.now.Load()) {
		case slow:
			time.Sleep(700 * time.Millisecond)
		case dropping:
			w = &half{ResponseWriter: w, left: 100}
		case throttling:
			w.Header().Set("Retry-After", "1")
			http.Error(w, `{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}`, http.StatusTooManyRequests)
			return
		case broken:
			http.Error(w, "upstream is down", http.StatusBadGateway)
			return
		case gone:
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}

// half breaks the connection in the middle of an answer's body.
type half struct {
	http.ResponseWriter
	left int // bytes
}

func (h *half) Write(p []byte) (int, error) {
	if len(p) <= h.left {
		h.left -= len(p)
		return h.ResponseWriter.Write(p)
	}
	_, _ = h.ResponseWriter.Write(p[:h.left])
	_ = http.NewResponseController(h.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// registryIll makes the registry ill while deployments need it, and well again.
func registryIll(how ill) round {
	return round{"registry " + how.String(), "registry " + how.String(), func(a *arena) error {
		releases := []*shipment{a.make(web, sound), a.make(single, sound)}
		a.source.be(how)
		defer a.source.be(well)
		sent := a.announceAll(releases...)
		time.Sleep(time.Second)
		a.pause(2 * time.Second)
		a.source.be(well)
		return sent.done()
	}}
}
