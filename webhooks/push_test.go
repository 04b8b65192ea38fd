package webhooks

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

const (
	older = "4f1c9d27be0a6358c2d7e19f50ab84631d7ce92f"
	newer = "9b07e5a2c4d86f1130be72ad5c9f48e6071d3ba8"
)

func TestPushes(t *testing.T) {
	tests := []struct {
		payload string
		want    Push
		ignored string
	}{
		{"push.json", Push{
			Branch: "main", DefaultBranch: "main", Before: older, After: newer,
			Message: "Show the next high water first", Author: "Mira Lund",
		}, ""},
		{"push-forced.json", Push{
			Branch: "main", DefaultBranch: "main", Before: newer, After: older, Forced: true,
			Message: "Read the harbour's own gauge", Author: "Mira Lund",
		}, ""},
		{"push-branch-created.json", Push{
			Branch: "feature/moon-phase", DefaultBranch: "main", After: newer,
			Message: "Show the next high water first", Author: "Mira Lund",
		}, ""},
		{
			"push-branch-deleted.json",
			Push{Branch: "feature/moon-phase", DefaultBranch: "main", Before: newer, Deleted: true},
			"branch feature/moon-phase was deleted",
		},
		{"push-tag.json", Push{
			DefaultBranch: "main", After: newer, Message: "Show the next high water first", Author: "Mira Lund",
		}, `push to "refs/tags/v2.4.0", which is no branch`},
	}
	for _, tt := range tests {
		t.Run(tt.payload, func(t *testing.T) {
			got := parsed(t, "push", payload(t, tt.payload))
			if got.Push == nil || *got.Push != tt.want || got.Ignored != tt.ignored {
				t.Errorf("got %+v, ignored %q; want %+v, %q", got.Push, got.Ignored, tt.want, tt.ignored)
			}
		})
	}
}

// One member of push.json has another value.
func TestPushMembers(t *testing.T) {
	const zeros = "0000000000000000000000000000000000000000"
	is := func(value any, path ...string) []byte { return altered(t, "push.json", value, path...) }
	tests := []struct {
		name    string
		body    []byte
		want    int
		ignored string
	}{
		{"no ref", is(nil, "ref"), 200, `push to "", which is no branch`},
		{"a pull request's ref", is("refs/pull/7/head", "ref"), 200, `push to "refs/pull/7/head", which is no branch`},
		{"a branch without a name", is("refs/heads/", "ref"), 200, `push to "refs/heads/", which is no branch`},
		{"ref of another type", is(7, "ref"), 400, ""},
		{"no after", is(nil, "after"), 200, "push to branch main names no commit"},
		{"after zeros", is(zeros, "after"), 200, "push to branch main names no commit"},
		{"after in upper case", is(strings.ToUpper(newer), "after"), 200, ""},
		{"after of SHA-256", is(newer+newer[:24], "after"), 200, ""},
		{"after too short", is(newer[:39], "after"), 400, ""},
		{"after no hex", is("g"+newer[:39], "after"), 400, ""},
		{"no before", is(nil, "before"), 200, ""},
		{"before no hex", is("HEAD", "before"), 400, ""},
		{"deleted null", is(nil, "deleted"), 200, ""},
		{"deleted of another type", is("yes", "deleted"), 400, ""},
		{"no head commit", is(nil, "head_commit"), 200, ""},
		{"no author", is(nil, "head_commit", "author"), 200, ""},
		{"head commit of another type", is([]int{1}, "head_commit"), 400, ""},
		{"message of another type", is([]int{1}, "head_commit", "message"), 400, ""},
		{"unread date of another type", is("yesterday", "head_commit", "timestamp"), 200, ""},
		{"unread members of other types", is(json.RawMessage(`{"a":1e999}`), "commits"), 200, ""},
		{"unread numbers out of range", is(json.RawMessage("1e999"), "repository", "size"), 200, ""},
		{"unread object as a list", is([]int{}, "pusher"), 200, ""},
		{"no repository", is(nil, "repository"), 200, "the delivery names no repository"},
		{"repository of another type", is("a/b", "repository"), 400, ""},
		{"no sender", is(nil, "sender"), 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := deliver(secret, "push", tt.body)
			if tt.want != http.StatusOK {
				refused(t, configured(), r, tt.want)
				return
			}
			event, err := configured().Parse(r)
			if err != nil || event.Ignored != tt.ignored {
				t.Errorf("got %v, ignored %q; want ignored %q", err, event.Ignored, tt.ignored)
			}
		})
	}
}

func TestCommitsAreLowerCase(t *testing.T) {
	got := parsed(t, "push", altered(t, "push.json", strings.ToUpper(newer), "after"))
	if got.Push.After != newer {
		t.Errorf("got %s", got.Push.After)
	}
}

func TestFirstLineAndAuthor(t *testing.T) {
	for message, want := range map[string]string{
		"": "", "one": "one", "one\ntwo": "one", "one\r\ntwo": "one", "\n\n one \n\ntwo": "one", "\n": "",
	} {
		got := parsed(t, "push", altered(t, "push.json", message, "head_commit", "message"))
		if got.Push.Message != want {
			t.Errorf("first line of %q is %q, want %q", message, got.Push.Message, want)
		}
	}
	got := parsed(t, "push", altered(t, "push.json", "", "head_commit", "author", "name"))
	if got.Push.Author != "mira-lund" {
		t.Errorf("author without a name is %q, want the login", got.Push.Author)
	}
}

// What a sender reads names JSON members and no Go types.
func TestMalformedSaysWhere(t *testing.T) {
	for want, body := range map[string][]byte{
		"delivery is malformed: JSON member head_commit.message has the wrong type":  altered(t, "push.json", 7, "head_commit", "message"),
		"delivery is malformed: JSON member repository.full_name has the wrong type": altered(t, "push.json", 7, "repository", "full_name"),
		"delivery is malformed: JSON member after is no commit":                      altered(t, "push.json", "main", "after"),
		"delivery is malformed: no valid JSON at byte 2":                             []byte("{]"),
		"delivery is malformed: not a JSON object":                                   []byte("[]"),
	} {
		if _, err := configured().Parse(deliver(secret, "push", body)); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
