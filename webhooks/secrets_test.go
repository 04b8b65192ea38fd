package webhooks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

func naming(repository string) []byte {
	return fmt.Appendf(nil, `{"ref":"refs/heads/main","after":"%040d","repository":{"full_name":%q}}`, 7, repository)
}

func TestWhoMaySpeakForARepository(t *testing.T) {
	g := New(Secrets{
		Default: []string{"old", "new", ""},
		Repositories: map[string][]string{
			"o/shared": nil,
			"o/own":    {"mine", "mine, rotated"},
			"o/twin":   {"mine\x00"}, // HMAC pads keys with zeros: the same key as mine
			"o/blank":  {""},         // not the same as none: nothing verifies
			"O/Upper":  {"loud"},
		},
	})
	tests := []struct {
		key, repository string
		want            int
		ignored         string
	}{
		{"old", "o/shared", 200, ""},
		{"new", "O/Shared", 200, ""},
		{"", "o/shared", 401, ""},
		{"mine", "o/shared", 401, ""},
		{"mine", "o/own", 200, ""},
		{"mine, rotated", "O/OWN", 200, ""},
		{"new", "o/own", 401, ""},
		{"mine\x00", "o/twin", 200, ""},
		{"old", "o/blank", 401, ""},
		{"", "o/blank", 401, ""},
		{"loud", "o/upper", 200, ""},
		{"loud", "o/own", 401, ""},
		{"mine", "o/stranger", 200, "repository o/stranger is not configured here"},
		{"new", "o/stranger", 200, "repository o/stranger is not configured here"},
		{"stranger's", "o/stranger", 401, ""},
		{"new", "", 200, "the delivery names no repository"},
	}
	for _, tt := range tests {
		event, err := g.Parse(deliver(tt.key, "push", naming(tt.repository)))
		if Status(err) != tt.want || event.Ignored != tt.ignored {
			t.Errorf("%s signed with %q: status %d (%v), ignored %q; want %d, %q",
				tt.repository, tt.key, Status(err), err, event.Ignored, tt.want, tt.ignored)
		}
		if tt.want != 200 && event != (Event{}) {
			t.Errorf("%s signed with %q: refused, yet there is an event: %+v", tt.repository, tt.key, event)
		}
	}
}

// The repository whose secret is checked is the one the event carries, however often the payload names one.
func TestTwoRepositoriesInOnePayload(t *testing.T) {
	g := New(Secrets{Repositories: map[string][]string{"o/a": {"key a"}, "o/b": {"key b"}}})
	for _, body := range []string{
		`{"repository":{"full_name":"o/a"},"repository":{"full_name":"o/b"}}`,
		`{"repository":{"full_name":"o/b"},"Repository":{"full_name":"o/a"}}`,
		`{"repository":{"full_name":"o/a","FULL_NAME":"o/b"}}`,
	} {
		event, err := g.Parse(deliver("key a", "push", []byte(body)))
		if err == nil && event.Repository != "o/a" {
			t.Errorf("%s: o/a's secret speaks for %s", body, event.Repository)
		}
	}
}

func TestWithoutSecretsNothingIsVerified(t *testing.T) {
	for _, secrets := range []Secrets{
		{},
		{Default: []string{""}},
		{Default: []string{""}, Repositories: map[string][]string{harbour: {""}}},
	} {
		refused(t, New(secrets), deliver("", "push", payload(t, "push.json")), http.StatusUnauthorized)
	}
}

func TestSecretsAreReplacedUnderLoad(t *testing.T) {
	g := configured()
	body := payload(t, "push.json")
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for range 50 {
				if _, err := g.Parse(deliver(secret, "push", body)); err != nil {
					t.Errorf("refused although its secret was valid all the time: %v", err)
				}
			}
		})
	}
	for i := range 100 {
		fresh := Secrets{Default: []string{fmt.Sprint(i), secret}, Repositories: map[string][]string{harbour: nil}}
		g.SetSecrets(fresh)
		fresh.Default[1], fresh.Repositories[harbour] = "changed by the caller", []string{"later"}
	}
	senders.Wait()

	g.SetSecrets(Secrets{Default: []string{"the next one"}})
	refused(t, g, deliver(secret, "push", body), http.StatusUnauthorized)
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	secrets := Secrets{Default: []string{"hush"}, Repositories: map[string][]string{harbour: {"hush too"}}}
	encoded, err := json.Marshal(map[string]any{"value": secrets, "pointer": &secrets})
	if err != nil {
		t.Fatal(err)
	}
	_, refusal := New(secrets).Parse(deliver("hush", "push", payload(t, "push.json")))
	if Status(refusal) != http.StatusUnauthorized {
		t.Fatalf("the global secret spoke for a repository with its own: %v", refusal)
	}
	printed := fmt.Sprintf("%v %+v %#v %s %q %x %v %s %v", secrets, secrets, secrets, secrets, secrets, secrets, &secrets, encoded, refusal)
	for _, leak := range []string{"hush", "68757368"} {
		if strings.Contains(printed, leak) {
			t.Errorf("a secret was printed: %s", printed)
		}
	}
	if !strings.Contains(printed, "[redacted]") {
		t.Errorf("nothing says that something is left out: %s", printed)
	}
}
