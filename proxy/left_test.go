package proxy_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"fisherman/proxy"
)

// TestADrainSaysHowManyItWaitsFor: at first, and when it has become fewer. Mutant: count once.
func TestADrainSaysHowManyItWaitsFor(t *testing.T) {
	const each = 3
	p := start(t, proxy.Options{})
	entered, one, rest := make(chan struct{}), make(chan struct{}), make(chan struct{})
	slow := backend(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		if r.URL.Path == "/0" {
			<-one
			return
		}
		<-rest
	}))
	point(t, p, "web", "1", only("a.pl/", slow))
	answered := make(chan error, each)
	for n := range each {
		go func() {
			res, err := client(t, p).Get(fmt.Sprintf("http://a.pl/%d", n))
			if err == nil {
				err = res.Body.Close()
			}
			answered <- err
		}()
		<-entered
	}
	var told []int
	drain := point(t, p, "web", "2", only("a.pl/", backend(t, says("new"))))
	cut := drain(within(t), func(left int) {
		told = append(told, left)
		switch left {
		case each:
			close(one)
		case each - 1:
			close(rest)
		}
	})
	if cut != 0 || !slices.Equal(told[:2], []int{each, each - 1}) {
		t.Errorf("cut %d, told %v", cut, told)
	}
	for range each {
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}
}
