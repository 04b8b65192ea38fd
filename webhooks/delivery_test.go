package webhooks

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

const (
	harbour = "harbour-works/tide-table" // the repository of all our payloads
	secret  = "low water at seven"
)

// configured is what most tests start from: one repository that uses the global secret.
func configured() *GitHub {
	return New(Secrets{Default: []string{secret}, Repositories: map[string][]string{harbour: nil}})
}

// sign is written out here, so that the tests do not depend on the code that they test.
func sign(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// deliver makes a request as GitHub would, signed with key.
func deliver(key, event string, body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/webhooks/github", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", "6a1f0c52-3f6e-11f0-8a53-0242ac120002")
	r.Header.Set("X-Hub-Signature-256", sign(key, body))
	return r
}

// payload reads one of our own payloads.
func payload(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("../testdata/webhooks", name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// altered is a payload with the value at a path of members replaced.
func altered(t testing.TB, name string, value any, path ...string) []byte {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal(payload(t, name), &root); err != nil {
		t.Fatal(err)
	}
	at := root
	for _, member := range path[:len(path)-1] {
		at = at[member].(map[string]any)
	}
	if _, ok := at[path[len(path)-1]]; !ok {
		t.Fatalf("payload %s has no member %v", name, path)
	}
	at[path[len(path)-1]] = value
	body, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// parsed is the event that a signed payload becomes.
func parsed(t testing.TB, event string, body []byte) Event {
	t.Helper()
	got, err := configured().Parse(deliver(secret, event, body))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return got
}

// refused checks that a request is refused with this status, and that nothing of it comes through.
func refused(t testing.TB, g *GitHub, r *http.Request, want int) {
	t.Helper()
	event, err := g.Parse(r)
	if got := Status(err); got != want {
		t.Errorf("status %d (%v), want %d", got, err, want)
	}
	if event != (Event{}) {
		t.Errorf("refused, yet there is an event: %+v", event)
	}
}
