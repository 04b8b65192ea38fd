package webhooks

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// GitHub's own test vector, from "Validating webhook deliveries". The body is no JSON: 400 shows that the signature passed.
func TestOfficialSignature(t *testing.T) {
	const vector = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	r := deliver("", "ping", []byte("Hello, World!"))
	r.Header.Set("X-Hub-Signature-256", vector)
	refused(t, New(Secrets{Default: []string{"It's a Secret to Everybody"}}), r, http.StatusBadRequest)

	r = deliver("", "ping", []byte("Hello, World?"))
	r.Header.Set("X-Hub-Signature-256", vector)
	refused(t, New(Secrets{Default: []string{"It's a Secret to Everybody"}}), r, http.StatusUnauthorized)
}

// Whoever takes the HMAC out turns this test red: by letting signers return every secret, or judge go on without any. For the
// latter there is a foreign repository, which no later check would refuse.
func TestWhatNoSecretSignedIsRefused(t *testing.T) {
	push := payload(t, "push.json")
	tests := map[string]*http.Request{
		"another secret":  deliver("low water at eight", "push", push),
		"an empty secret": deliver("", "push", push),
		"another body":    deliver(secret, "push", push),
		"a foreign name":  deliver("low water at eight", "push", []byte(`{"repository":{"full_name":"a/b"}}`)),
	}
	tests["another body"].Header.Set("X-Hub-Signature-256", sign(secret, payload(t, "push-forced.json")))
	for name, r := range tests {
		t.Run(name, func(t *testing.T) { refused(t, configured(), r, http.StatusUnauthorized) })
	}
}

// untouchable is a body that nobody may read.
type untouchable struct{ t *testing.T }

func (u untouchable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, http.ErrBodyReadAfterClose
}

func TestFormOfTheSignatureIsCheckedBeforeTheBodyIsRead(t *testing.T) {
	digits := strings.Repeat("0a", 32)
	for _, signature := range []string{
		"", "sha256=", "sha256", digits, "sha256=" + digits[1:], "sha256=" + digits + "0", "sha256=" + digits[2:] + "xy",
		"sha1=" + digits, "sha1=" + digits[:40], "sha512=" + digits + digits, "SHA256=" + digits, "sha256=" + digits + "\n",
		"sha256=" + digits + ",sha256=" + digits,
	} {
		r := httptest.NewRequest(http.MethodPost, "/", untouchable{t})
		r.Header.Set("X-Hub-Signature-256", signature)
		r.ContentLength = 1 << 40 // a length, too, is looked at only afterwards
		refused(t, configured(), r, http.StatusUnauthorized)
	}
}

// Each request has two faults; the answer is the earlier step's.
func TestOrderOfSteps(t *testing.T) {
	push := payload(t, "push.json")
	without := func(r *http.Request, header string) *http.Request {
		r.Header.Del(header)
		return r
	}
	tests := []struct {
		name string
		r    *http.Request
		want int
	}{
		{"wrong signature, no event header", without(deliver("x", "push", push), "X-GitHub-Event"), 401},
		{"wrong signature, no delivery header", without(deliver("x", "push", push), "X-GitHub-Delivery"), 401},
		{"wrong signature, no JSON", deliver("x", "push", []byte("{")), 401},
		{"no event header, foreign repository", without(deliver(secret, "push", []byte(`{"repository":{"full_name":"a/b"}}`)), "X-GitHub-Event"), 400},
		{"no delivery header, otherwise fine", without(deliver(secret, "push", push), "X-GitHub-Delivery"), 400},
		{"no JSON, otherwise fine", deliver(secret, "push", push[:len(push)-3]), 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { refused(t, configured(), tt.r, tt.want) })
	}
}

func TestContentTypes(t *testing.T) {
	push := payload(t, "push.json")
	form := []byte("payload=" + url.QueryEscape(string(push)))
	tests := []struct {
		contentType string
		body        []byte
		want        int
	}{
		{"application/json", push, 200},
		{"application/json; charset=utf-8", push, 200},
		{"application/x-www-form-urlencoded", form, 200},
		{"Application/X-WWW-Form-URLencoded; charset=utf-8", form, 200},
		{"", push, 200},
		{"text/plain", push, 200},
		{"application/json", form, 400},
		{"application/x-www-form-urlencoded", push, 400},
		{"application/x-www-form-urlencoded", []byte("payload="), 400},
		{"application/x-www-form-urlencoded", []byte("payload=%7"), 400},
		{"application/json", nil, 400},
		{"application/json", []byte("null"), 400},
		{"application/json", []byte("[]"), 400},
		{"application/json", []byte(`"push"`), 400},
		{"application/json", append(push, "{}"...), 400},
		{"application/json", []byte(strings.Repeat(`{"a":`, 1_000_000)), 400},
	}
	for _, tt := range tests {
		r := deliver(secret, "push", tt.body)
		r.Header.Set("Content-Type", tt.contentType)
		event, err := configured().Parse(r)
		if Status(err) != tt.want {
			t.Errorf("%q, %.40q…: status %d (%v), want %d", tt.contentType, tt.body, Status(err), err, tt.want)
		}
		if tt.want == 200 && (event.Push == nil || event.Push.Branch != "main") {
			t.Errorf("%q: parsed as %+v", tt.contentType, event)
		}
	}
}

func TestEnvelope(t *testing.T) {
	got := parsed(t, "push", payload(t, "push.json"))
	got.Push = nil
	want := Event{Delivery: "6a1f0c52-3f6e-11f0-8a53-0242ac120002", Kind: KindPush, Repository: harbour, Sender: "mira-lund"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOtherEventsAreIgnored(t *testing.T) {
	got := parsed(t, "star", payload(t, "star.json"))
	if got.Kind != "star" || got.Ignored != `event "star" deploys nothing; only push and package do` {
		t.Errorf("got %+v", got)
	}
}
