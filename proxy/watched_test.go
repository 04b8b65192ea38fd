package proxy

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// TestAFileThatIsBeingWrittenIsNotUsed, though what is there of it makes sense: a certificate whose chain is to come.
func TestAFileThatIsBeingWrittenIsNotUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	w := watched[string]{files: []string{file}, make: func(contents [][]byte) (string, error) { return string(contents[0]), nil }}
	for i, step := range []struct {
		content string
		want    string
	}{{"old", "old"}, {"old", "old"}, {"ne", "old"}, {"new", "old"}, {"new", "new"}, {"new", "new"}} {
		if err := os.WriteFile(file, []byte(step.content), 0o600); err != nil {
			t.Fatal(err)
		}
		before := w.is
		if changed := w.reread(); changed != (before != w.is) || w.is != step.want || w.err != nil {
			t.Errorf("look %d: %q, changed %v, %v; want %q", i, w.is, changed, w.err, step.want)
		}
	}
}

// TestTwoLooksInARowAreOne: somebody else may look, too, and only what stays for a while is not being written.
func TestTwoLooksInARowAreOne(t *testing.T) {
	const pause = time.Minute
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		w := watched[string]{files: []string{file}, pause: pause, make: func(contents [][]byte) (string, error) { return string(contents[0]), nil }}
		for i, step := range []struct {
			after   time.Duration
			content string
			want    string
		}{
			{0, "old", "old"},
			{0, "ne", "old"},
			{pause / 2, "ne", "old"},
			{pause / 2, "new", "old"}, // in time
			{pause / 2, "new", "old"},
			{pause / 2, "new", "new"},
			{pause, "old", "new"},
			{pause, "old", "old"},
		} {
			time.Sleep(step.after)
			if err := os.WriteFile(file, []byte(step.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if w.reread(); w.is != step.want {
				t.Errorf("look %d: %q, want %q", i, w.is, step.want)
			}
		}
	})
}

// TestASlowDiskMakesNoPause: what took long to read has stayed only since then. Mutant: count from before it was read.
func TestASlowDiskMakesNoPause(t *testing.T) {
	const pause = time.Minute
	synctest.Test(t, func(t *testing.T) {
		w := watched[string]{pause: pause, make: func(contents [][]byte) (string, error) { return string(contents[0]), nil }}
		for i, step := range []struct {
			after, takes time.Duration
			content      string
			want         string
		}{
			{0, time.Second, "old", "old"},
			{pause, 2 * pause, "ne", "old"},
			{time.Millisecond, time.Second, "ne", "old"},
			{pause, 2 * pause, "new", "old"},
			{time.Millisecond, 2 * pause, "new", "old"},
			{time.Millisecond, time.Second, "new", "new"},
		} {
			time.Sleep(step.after)
			g := glance{at: time.Now(), contents: [][]byte{[]byte(step.content)}, sum: sha256.Sum256([]byte(step.content))}
			time.Sleep(step.takes)
			if w.take(g); w.is != step.want {
				t.Errorf("look %d: %q, want %q", i, w.is, step.want)
			}
		}
	})
}

// TestRoutesMoveWhileFilesAreRead, however slow the disk is that they are on: also those of a host that is served for nobody.
func TestRoutesMoveWhileFilesAreRead(t *testing.T) {
	private := TLS{Routes: []TLSRoute{{Host: "a.pl", Prefix: "/", ClientCA: filepath.Join(t.TempDir(), "far away")}}}
	for what, read := range map[string]func(*Proxy) error{
		"for another configuration": func(p *Proxy) error { return p.SetTLS(private) },
		"now and then":              func(p *Proxy) error { p.vault.look(); return nil },
	} {
		t.Run(what, func(t *testing.T) {
			p, err := New(Options{File: filepath.Join(t.TempDir(), "routes.json")})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Point("web", "1", map[string][]string{"a.pl/": nil}); err != nil {
				t.Fatal(err)
			}
			for _, set := range []TLS{private, {}} {
				if err := p.SetTLS(set); err != nil {
					t.Fatal(err)
				}
			}
			begun, goOn, read1, moved := make(chan struct{}), make(chan struct{}), make(chan error, 1), make(chan error, 1)
			p.vault.glance = func(files ...string) glance {
				begun <- struct{}{}
				<-goOn
				return glanceAt(files...)
			}
			go func() { read1 <- read(p) }()
			<-begun
			go func() {
				_, err := p.Point("web", "2", map[string][]string{"b.pl/": nil})
				moved <- err
			}()
			select {
			case err = <-moved:
			case <-time.After(10 * time.Second):
				t.Error("the routes wait for the files")
				defer func() { <-moved }()
			}
			close(goOn)
			if err := errors.Join(err, <-read1); err != nil {
				t.Error(err)
			}
		})
	}
}
