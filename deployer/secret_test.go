package deployer_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"fisherman/deployer"
)

// TestASecretIsHiddenInEveryForm hides one in what registries and engines are known to repeat.
func TestASecretIsHiddenInEveryForm(t *testing.T) {
	const secret = deployer.Secret("p&ss wörd?>~")
	for _, text := range []string{
		"denied for " + secret.Reveal() + "!",
		"https://registry/token?secret=" + url.QueryEscape(secret.Reveal()),
		"https://registry/" + url.PathEscape(secret.Reveal()) + "/x",
	} {
		if got := secret.Hide(text); !strings.Contains(got, "[redacted]") || strings.Contains(got, "rd") {
			t.Errorf("%s: got %s", text, got)
		}
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
		for before := range 4 {
			for after := range 3 {
				text := encoding.EncodeToString([]byte("user"[:before] + secret.Reveal() + `"}.`[:after]))
				if got := secret.Hide(text); !strings.Contains(got, "[redacted]") || len(got) > len("[redacted]")+12 {
					t.Errorf("%d before and %d after in %s: got %s", before, after, text, got)
				}
			}
		}
	}
	if got := deployer.Secret("").Hide("as it is"); got != "as it is" {
		t.Errorf("without a secret: got %q", got)
	}
}

// TestAServiceShowsNoEnvironment: services are passed around and end up in what is printed of a failure.
func TestAServiceShowsNoEnvironment(t *testing.T) {
	s := deployer.Service{Name: "web", Environment: map[string]deployer.Secret{"PASSWORD": "hunter2"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, s); strings.Contains(got, "hunter2") || strings.Contains(got, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("%s: %s", verb, got)
		}
	}
	other := s
	other.Environment = map[string]deployer.Secret{"PASSWORD": "hunter3"}
	if s.Spec() == other.Spec() {
		t.Error("another value of a variable makes the same containers")
	}
}
