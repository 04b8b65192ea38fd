package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"fisherman/server/config/source"
)

// patience is how long a test waits for what must come. It is not a measure of anything.
const patience = 2 * time.Minute

// watched is a Source that runs, with all that it told, in that order.
type watched struct {
	*source.Source
	t    *testing.T
	told chan told
}

// told is a change, or a trouble.
type told struct{ change, trouble string }

func watch(t *testing.T, location string, o source.Options) *watched {
	t.Helper()
	w := &watched{t: t, told: make(chan told, 100)}
	o.Trouble = func(_ string, err error) { w.told <- told{trouble: kind(err)} }
	var err error
	if w.Source, err = source.Open(location, o); err != nil {
		t.Fatal(err)
	}
	return w
}

func kind(err error) string {
	switch {
	case err == nil:
		return "over"
	case errors.Is(err, source.ErrAbsent):
		return "absent"
	case errors.Is(err, source.ErrRefused):
		return "refused"
	case errors.Is(err, source.ErrAway):
		return "away"
	}
	return "other"
}

// run runs it until the test ends.
func (w *watched) run() *watched {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		w.Run(ctx, func(_ context.Context, raw []byte) { w.told <- told{change: string(raw)} })
	})
	w.t.Cleanup(func() { stop(); running.Wait() })
	return w
}

// read wants the content that is there.
func (w *watched) read(want string) *watched {
	w.t.Helper()
	raw, err := w.Read(w.t.Context())
	if err != nil || string(raw) != want {
		w.t.Fatalf("read %q, %v; want %q", raw, err, want)
	}
	return w
}

// becomes waits for a change to this content, and wants nothing else before it.
func (w *watched) becomes(want string) {
	w.t.Helper()
	w.next(told{change: want})
}

// has waits for this trouble ("absent", "refused", "away", "other", or "over"), and wants nothing else before it.
func (w *watched) has(want string) {
	w.t.Helper()
	w.next(told{trouble: want})
}

func (w *watched) next(want told) {
	w.t.Helper()
	select {
	case got := <-w.told:
		if got != want {
			w.t.Fatalf("told %+v, want %+v", got, want)
		}
	case <-time.After(patience):
		w.t.Fatalf("not told %+v within %s", want, patience)
	}
}

// quick looks often, so that tests need not wait.
var quick = source.Options{Look: 5 * time.Millisecond, Settle: 100 * time.Millisecond, Poll: 50 * time.Millisecond}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAFileIsFollowed through every way in which people and programs replace one.
func TestAFileIsFollowed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "fisherman.yaml")
	write(t, path, "one")
	w := watch(t, path, quick).read("one").run()

	write(t, path, "two") // in place, as long as before
	w.becomes("two")

	write(t, path+"~", "three") // as editors do
	if err := os.Rename(path+"~", path); err != nil {
		t.Fatal(err)
	}
	w.becomes("three")

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	w.has("absent")
	write(t, path, "three")
	w.has("over") // and nothing has changed
	write(t, path, "four")
	w.becomes("four")

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	w.has("other")
}

// TestALinkThatIsSwapped is how a ConfigMap changes: nothing about the path itself does.
func TestALinkThatIsSwapped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, v := range []string{"v1", "v2"} {
		if err := os.Mkdir(filepath.Join(dir, v), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, v, "fisherman.yaml"), v)
	}
	if err := errors.Join(os.Symlink("v1", filepath.Join(dir, "..data")),
		os.Symlink("..data/fisherman.yaml", filepath.Join(dir, "fisherman.yaml"))); err != nil {
		t.Fatal(err)
	}
	w := watch(t, filepath.Join(dir, "fisherman.yaml"), quick).read("v1").run()
	if err := errors.Join(os.Symlink("v2", filepath.Join(dir, "..new")),
		os.Rename(filepath.Join(dir, "..new"), filepath.Join(dir, "..data"))); err != nil {
		t.Fatal(err)
	}
	w.becomes("v2")
}

// TestAHalfWrittenFileIsNotTaken: whoever writes slowly is waited for, and only the whole counts.
func TestAHalfWrittenFileIsNotTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fisherman.yaml")
	write(t, path, "before")
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path, source.Options{}).read("before").run()
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if _, err := file.WriteString("a part;"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(1900 * time.Millisecond)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		w.becomes(strings.Repeat("a part;", 20))
	})
}

// TestAChangeIsToldWithinFiveSeconds with the pauses that a server has, since people wait for it.
func TestAChangeIsToldWithinFiveSeconds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fisherman.yaml")
	write(t, path, "one")
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, path, source.Options{}).read("one").run()
		for n := range 20 { // at any moment between two looks
			time.Sleep(10*time.Second + time.Duration(n)*31*time.Millisecond)
			begun, content := time.Now(), strings.Repeat("longer", n+1)
			write(t, path, content)
			w.becomes(content)
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
		}
	})
}

// TestWhatLiesBesideIsFollowed as long as the configuration names it, there or not.
func TestWhatLiesBesideIsFollowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, beside, missing := filepath.Join(dir, "fisherman.yaml"), filepath.Join(dir, "web.env"), filepath.Join(dir, "missing.env")
	write(t, path, "config")
	write(t, beside, "A=1")
	w := watch(t, path, quick).read("config")
	read := w.Beside(t.Context())
	if got, err := read("web.env", "web.env"); string(got) != "A=1" || err != nil {
		t.Fatalf("read %q, %v", got, err)
	}
	if _, err := read("missing.env", "missing.env"); !errors.Is(err, source.ErrAbsent) || !strings.Contains(err.Error(), missing) {
		t.Fatalf("what is missing: %v", err)
	}
	w.run()
	w.has("absent")
	write(t, beside, "A=2")
	w.becomes("config")
	write(t, missing, "B=1")
	w.has("over")
	w.becomes("config")

	// What the configuration no longer names is left alone.
	w.Beside(t.Context())
	write(t, beside, "A=3")
	write(t, path, "other")
	w.becomes("other")
	select {
	case got := <-w.told:
		t.Errorf("told again: %+v", got)
	case <-time.After(300 * time.Millisecond): // thrice what a file must rest
	}
}

// TestWhatANameTakesFromTheEnvironmentIsNotTold: it may be the secret itself, where `{ file: "${NAME}" }` was written for ${NAME}.
func TestWhatANameTakesFromTheEnvironmentIsNotTold(t *testing.T) {
	t.Parallel()
	const written = "${PASSWORD}"
	path := filepath.Join(t.TempDir(), "fisherman.yaml")
	write(t, path, "config")
	var log bytes.Buffer // written to before each trouble is told
	told := make(chan string, 100)
	o := quick
	o.Log = zerolog.New(&log)
	o.Trouble = func(place string, err error) { told <- fmt.Sprint(place, ": ", err) }
	w := watch(t, path, o).read("config")
	w.Trouble = o.Trouble
	_, err := w.Beside(t.Context())("hunter2", written)
	if !errors.Is(err, source.ErrAbsent) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("what is missing: %v", err)
	}
	w.run()
	if got := <-told; strings.Contains(got+log.String(), "hunter2") || !strings.HasPrefix(got, written+": "+written+" is not there") {
		t.Errorf("told %q, logged %s", got, log.String())
	}
}

// TestFilesThatCannotBeRead say why and what to do.
func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "large"), strings.Repeat("x", source.MaxSize+1000))
	for name, want := range map[string]string{
		"missing":       "missing is not there; write it, or name another",
		".":             "is a directory; name a file in it",
		"large/of/file": "is not there",
	} {
		s, err := source.Open(filepath.Join(dir, name), source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(t.Context()); !errors.Is(err, source.ErrUnread) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	s, err := source.Open(filepath.Join(dir, "large"), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := s.Read(t.Context()); err != nil || len(raw) != source.MaxSize+1 {
		t.Errorf("of a large file: %d bytes, %v", len(raw), err)
	}
}

// TestALookTellsNothing: what is only looked at is still told of when it differs from what was read, and nothing else is watched.
func TestALookTellsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, beside := filepath.Join(dir, "fisherman.yaml"), filepath.Join(dir, "web.env")
	write(t, path, "one")
	write(t, beside, "A=1")
	w := watch(t, path, quick).read("one")
	if _, err := w.Beside(t.Context())("web.env", "web.env"); err != nil {
		t.Fatal(err)
	}

	write(t, path, "two")
	if raw, err := w.Peek(t.Context()); err != nil || string(raw) != "two" {
		t.Fatalf("seen %q, %v", raw, err)
	}
	look := w.PeekBeside(t.Context())
	if raw, err := look("web.env", "web.env"); err != nil || string(raw) != "A=1" {
		t.Fatalf("seen %q, %v", raw, err)
	}
	if _, err := look("missing.env", "missing.env"); !errors.Is(err, source.ErrAbsent) {
		t.Fatalf("what is missing: %v", err)
	}
	w.run()
	w.becomes("two")
	write(t, beside, "A=2")
	w.becomes("two")
}
