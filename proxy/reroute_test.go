package proxy_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"fisherman/proxy"
)

// TestARerouteChangesNothingBeforeItIsSaved: requests go where they went while the disk takes its time, and when it refuses.
// Mutant: succeed before save.
func TestARerouteChangesNothingBeforeItIsSaved(t *testing.T) {
	file := routeFile(t)
	p := start(t, proxy.Options{File: file})
	web := backend(t, says("web"))
	point(t, p, "web", "1", only("a.pl/", web))
	if err := syscall.Mkfifo(file+".new", 0o600); err != nil {
		t.Fatal(err)
	}
	disk, err := os.OpenFile(file+".new", os.O_RDWR, 0) // takes only as much as the test reads
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := p.Reroute(map[string]map[string][]string{
			"web": {"a.pl/": {web}, "b.pl/" + strings.Repeat("x", 1<<20): {web}},
		})
		failed <- err
	}()
	_, begun := disk.Read(make([]byte, 1))
	if answer := <-async(t, p, "http://a.pl/"); begun != nil || answer != "200 web" {
		t.Errorf("while it is saved: %q, %v", answer, begun)
	}
	_ = disk.Close()
	if err := <-failed; !errors.Is(err, syscall.EPIPE) {
		t.Errorf("a broken disk: %v", err)
	}
	if answer := <-async(t, p, "http://a.pl/"); answer != "200 web" {
		t.Errorf("when it could not be saved: %q", answer)
	}
	if err := os.Remove(file + ".new"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Reroute(map[string]map[string][]string{"web": only("b.pl/", web)}); err != nil {
		t.Fatal(err)
	}
	if answer := <-async(t, p, "http://b.pl/"); answer != "200 web" {
		t.Errorf("at last: %q", answer)
	}
}

// TestAPauseIsDrainedThroughReroutes: what is stopped after it must have nothing in flight. Mutant: hand what is paused its flight.
func TestAPauseIsDrainedThroughReroutes(t *testing.T) {
	p := start(t, proxy.Options{})
	slow, wide := newGate(t), map[string][]string{}
	for n := range 500 { // so many routes take their time
		wide[fmt.Sprintf("%d.pl/", n)] = nil
	}
	point(t, p, "wide", "1", wide)
	point(t, p, "web", "1", only("a.pl/", slow.address))
	under := async(t, p, "http://a.pl/")
	<-slow.entered
	drain, drained := p.Pause("web"), make(chan int, 1)
	waits := make(chan int, 1)
	go func() { drained <- drain(within(t), func(left int) { waits <- left }) }()
	<-waits
	for range 10 {
		if _, err := p.Reroute(map[string]map[string][]string{"web": only("a.pl/", slow.address), "wide": wide}); err != nil {
			t.Fatal(err)
		}
	}
	if len(drained) > 0 {
		t.Error("the drain did not wait")
	}
	close(slow.open)
	if answer := <-under; answer != "200 old" {
		t.Errorf("under way: %q", answer)
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("cut %d", cut)
	}
}

// TestADrainWaitsForWhatCameByAnotherRoute to an address that is to go, and for nothing at one that stays. Mutant: nothing abandoned.
func TestADrainWaitsForWhatCameByAnotherRoute(t *testing.T) {
	p := start(t, proxy.Options{})
	slow, other := newGate(t), backend(t, says("other"))
	point(t, p, "web", "1", only("a.pl/", slow.address))
	under := async(t, p, "http://a.pl/")
	<-slow.entered
	for _, host := range []string{"b.pl/", "c.pl/"} {
		if _, err := p.Reroute(map[string]map[string][]string{"web": only(host, slow.address)}); err != nil {
			t.Fatal(err)
		}
	}
	point(t, p, "web", "1", map[string][]string{"c.pl/": {slow.address, other}})(within(t), func(left int) {
		t.Errorf("waits for %d at addresses that stay", left)
	})
	p.Pause("web")
	drain, drained := point(t, p, "web", "1", only("c.pl/", other)), make(chan struct{})
	waits := make(chan int, 1)
	go func() {
		defer close(drained)
		drain(within(t), func(left int) { waits <- left })
	}()
	select {
	case left := <-waits:
		if left != 1 {
			t.Errorf("waits for %d", left)
		}
	case <-drained:
		t.Error("the drain did not wait")
	}
	close(slow.open)
	if answer := <-under; answer != "200 old" {
		t.Errorf("under way: %q", answer)
	}
	<-drained
}
