package webhooks

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzParse signs what it makes up, so that the parsers behind the HMAC are reached.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../testdata/webhooks/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no payloads to start from: %v", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, event := range []string{"ping", "push", "package"} {
			f.Add(event, "application/json", body)
		}
	}
	f.Add("push", "application/x-www-form-urlencoded", []byte(`payload=%7B%22ref%22%3Anull%7D`))
	f.Add("registry_package", "", []byte(`{"registry_package":{"package_version":{"container_metadata":{"tag":"x"}}}}`))
	g := New(Secrets{Default: []string{secret}, Repositories: map[string][]string{harbour: nil, "o/own": {"its own"}}})
	f.Fuzz(func(t *testing.T, event, contentType string, body []byte) {
		r := deliver(secret, event, body)
		r.Header.Set("Content-Type", contentType)
		got, err := g.Parse(r)
		if err != nil {
			checkRefusal(t, got, err)
			return
		}
		checkEvent(t, got)
	})
}

// FuzzUnsigned makes up a whole request but not the HMAC: none may become an event.
func FuzzUnsigned(f *testing.F) {
	f.Add("sha256="+strings.Repeat("0", 64), "push", []byte(`{}`), int64(2))
	f.Add("sha1=00", "ping", []byte(`payload={}`), int64(-1))
	f.Add(sign("", nil), "", []byte(nil), int64(0))
	g := configured()
	f.Fuzz(func(t *testing.T, signature, event string, body []byte, declared int64) {
		if strings.EqualFold(signature, sign(secret, body)) {
			return // an HMAC was guessed: not unsigned
		}
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.ContentLength = declared
		r.Header.Set("X-Hub-Signature-256", signature)
		r.Header.Set("X-GitHub-Event", event)
		r.Header.Set("X-GitHub-Delivery", "1")
		got, err := g.Parse(r)
		if err == nil {
			t.Fatalf("unsigned, yet parsed: %+v", got)
		}
		if status := Status(err); status != http.StatusUnauthorized && status != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d (%v): something was looked at before the signature", status, err)
		}
		checkRefusal(t, got, err)
	})
}

// checkRefusal holds for every request that is refused.
func checkRefusal(t *testing.T, event Event, err error) {
	t.Helper()
	if event != (Event{}) {
		t.Errorf("refused (%v), yet there is an event: %+v", err, event)
	}
	if status := Status(err); status < 400 || status > 499 {
		t.Errorf("status %d for %v", status, err)
	}
	if text := err.Error(); strings.Contains(text, secret) || strings.Contains(text, "github.") || strings.Contains(text, "Go ") {
		t.Errorf("an error tells too much: %s", text)
	}
}

// checkEvent holds for every event.
func checkEvent(t *testing.T, event Event) {
	t.Helper()
	if event.Kind == "" || event.Delivery == "" || event.Repository != strings.ToLower(event.Repository) {
		t.Errorf("incomplete: %+v", event)
	}
	if event.Repository == "o/own" {
		t.Errorf("the global secret spoke for a repository with its own: %+v", event)
	}
	if event.Ignored != "" {
		return
	}
	if event.Repository != harbour {
		t.Errorf("a foreign repository is not ignored: %+v", event)
	}
	switch {
	case event.Ping != nil:
	case event.Push != nil:
		checkPush(t, event.Push)
	case event.Package != nil:
		checkPackage(t, event.Package)
	default:
		t.Errorf("neither ignored nor of any kind: %+v", event)
	}
}

func checkPush(t *testing.T, push *Push) {
	t.Helper()
	if push.Branch == "" || push.Deleted || !commitForm.MatchString(push.After) ||
		push.Before != "" && !commitForm.MatchString(push.Before) || strings.Contains(push.Message, "\n") {
		t.Errorf("accepted push: %+v", push)
	}
}

func checkPackage(t *testing.T, pkg *Package) {
	t.Helper()
	if pkg.Tag == "" || !digestForm.MatchString(pkg.Digest) || pkg.Image != strings.ToLower(pkg.Image) ||
		!strings.Contains(pkg.Image, "/") || pkg.Commit != "" && !oidForm.MatchString(pkg.Commit) {
		t.Errorf("accepted package: %+v", pkg)
	}
}
