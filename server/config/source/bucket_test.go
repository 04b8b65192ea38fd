package source_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"fisherman/server/config/source"
	"fisherman/server/config/source/sourcetest"
)

// at has the AWS SDK find a gateway as it would find S3: by its own environment variables.
func at(t *testing.T, g *sourcetest.Gateway) {
	t.Helper()
	for name, value := range g.Env() {
		t.Setenv(name, value)
	}
}

// TestAnObjectIsFollowed on a real S3 server: by its version, through absence and outages.
func TestAnObjectIsFollowed(t *testing.T) {
	g := sourcetest.Start(t)
	at(t, g)
	g.Put("p/fisherman.yaml", "one")
	g.Put("p/web.env", "A=1")
	w := watch(t, g.Location("p/fisherman.yaml"), quick).read("one")
	read := w.Beside(t.Context())
	if got, err := read("web.env", "web.env"); string(got) != "A=1" || err != nil {
		t.Fatalf("read %q, %v", got, err)
	}
	w.run()

	// Without a change nothing but 304 is answered, and nobody is told.
	whole := g.Answers(http.StatusOK)
	until(t, "304s", func() bool { return g.Answers(http.StatusNotModified) >= 6 })
	if again := g.Answers(http.StatusOK); again != whole {
		t.Errorf("it was sent whole %d more times", again-whole)
	}

	g.Put("p/fisherman.yaml", "two")
	w.becomes("two")
	g.Put("p/web.env", "A=2")
	w.becomes("two")

	g.Remove("p/fisherman.yaml")
	w.has("absent")
	g.Put("p/fisherman.yaml", "three")
	w.has("over")
	w.becomes("three")

	g.SetAway(true)
	w.has("away") // the configuration and what lies beside it, each once
	w.has("away")
	g.SetAway(false)
	w.has("over")
	w.has("over")
	g.Put("p/fisherman.yaml", "four")
	w.becomes("four")
}

// TestAnObjectThatComesLater: whoever could not read it at first is told when it is there, and not twice that it is not.
func TestAnObjectThatComesLater(t *testing.T) {
	g := sourcetest.Start(t)
	at(t, g)
	w := watch(t, g.Location("fisherman.yaml"), quick)
	if _, err := w.Read(t.Context()); !errors.Is(err, source.ErrAbsent) || !strings.Contains(err.Error(), "s3://configs/fisherman.yaml") {
		t.Fatalf("read with %v", err)
	}
	w.run()
	until(t, "another try", func() bool { return g.Answers(http.StatusNotFound) >= 3 })
	g.Put("fisherman.yaml", "here")
	w.has("over")
	w.becomes("here")
}

// TestObjectsThatCannotBeRead say why and what to do, and nothing that is secret.
func TestObjectsThatCannotBeRead(t *testing.T) {
	g := sourcetest.Start(t)
	g.Put("large", strings.Repeat("x", source.MaxSize+1000))
	for name, c := range map[string]struct {
		location string
		env      map[string]string
		kind     error
		want     string
	}{
		"no object":    {"s3://configs/no", nil, source.ErrAbsent, "s3://configs/no is not there: S3 says NoSuchKey; upload it to the bucket configs"},
		"no bucket":    {"s3://nobody/no", nil, source.ErrAbsent, "there is no bucket nobody at this endpoint"},
		"a wrong key":  {"s3://configs/large", map[string]string{"AWS_SECRET_ACCESS_KEY": "hunter2"}, source.ErrRefused, "correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"},
		"none at all":  {"s3://configs/large", map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, source.ErrRefused, "are there AWS credentials"},
		"nobody there": {"s3://configs/large", map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, source.ErrAway, "connection refused; is the network well"},
		"no such name": {"s3://configs/large", map[string]string{"AWS_ENDPOINT_URL": "http://nobody.invalid"}, source.ErrAway, "is the network well"},
	} {
		t.Run(name, func(t *testing.T) {
			at(t, g)
			for key, value := range c.env {
				t.Setenv(key, value)
			}
			s, err := source.Open(c.location, source.Options{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Read(t.Context())
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.location) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), g.Password) || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("it shows a secret: %v", err)
			}
		})
	}
	at(t, g)
	s, err := source.Open("s3://configs/large", source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := s.Read(t.Context()); err != nil || len(raw) != source.MaxSize+1 {
		t.Errorf("of a large object: %d bytes, %v", len(raw), err)
	}
}

func until(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !yes(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// TestWhatIsReadLateIsNotNews: of two readings the one that was asked for later counts, whichever arrives first.
func TestWhatIsReadLateIsNotNews(t *testing.T) {
	g := sourcetest.Start(t)
	at(t, g)
	g.Put("fisherman.yaml", "one")
	w := watch(t, g.Location("fisherman.yaml"), source.Options{})
	given, release := g.Hold()
	late := make(chan string)
	go func() {
		raw, _ := w.Read(t.Context())
		late <- string(raw)
	}()
	<-given
	g.Put("fisherman.yaml", "two")
	w.read("two")
	release()
	if got := <-late; got != "two" {
		t.Errorf("read %q, which another reading had found to be over", got)
	}
	if got := w.Newest(); string(got) != "two" {
		t.Errorf("the newest is %q", got)
	}
}
