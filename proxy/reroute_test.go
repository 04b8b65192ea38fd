package proxy_test

import (
	"errors"
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
