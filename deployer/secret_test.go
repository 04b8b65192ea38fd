package deployer_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
)

// TestASecretIsHiddenInEveryForm hides one in what registries and engines are known to repeat.
func TestASecretIsHiddenInEveryForm(t *testing.T) {
	const text = "p&ss wörd?>~"
	secret := deployer.Plain(text)
	for _, said := range []string{
		"denied for " + text + "!",
		"https://registry/token?secret=" + url.QueryEscape(text),
		"https://registry/" + url.PathEscape(text) + "/x",
	} {
		if got := secret.Hide(said); !strings.Contains(got, "[redacted]") || strings.Contains(got, "rd") {
			t.Errorf("%s: got %s", said, got)
		}
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
		for before := range 4 {
			for after := range 3 {
				said := encoding.EncodeToString([]byte("user"[:before] + text + `"}.`[:after]))
				if got := secret.Hide(said); !strings.Contains(got, "[redacted]") || len(got) > len("[redacted]")+12 {
					t.Errorf("%d before and %d after in %s: got %s", before, after, said, got)
				}
			}
		}
	}
	if got := deployer.Plain("").Hide("as it is"); got != "as it is" {
		t.Errorf("without a secret: got %q", got)
	}
}

// TestAServiceShowsNoEnvironment: services are passed around and end up in what is printed of a failure.
func TestAServiceShowsNoEnvironment(t *testing.T) {
	s := deployer.Service{Name: "web", Environment: map[string]deployer.Secret{"PASSWORD": deployer.Plain("hunter2")}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, s); strings.Contains(got, "hunter2") || strings.Contains(got, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("%s: %s", verb, got)
		}
	}
	other := s
	other.Environment = map[string]deployer.Secret{"PASSWORD": deployer.Plain("hunter3")}
	if s.Spec() == other.Spec() {
		t.Error("another value of a variable makes the same containers")
	}
}

// locksmith counts how often it opens; what it opens is a colour's capitals.
type locksmith struct{ opened int }

func (l *locksmith) Open(sealed string) (string, error) {
	l.opened++
	if sealed == "" {
		return "", errors.New("there is nothing in it")
	}
	return strings.ToUpper(sealed), nil
}

// TestWhatIsSealedIsOpenedByRevealAlone: neither comparing nor printing looks inside.
func TestWhatIsSealedIsOpenedByRevealAlone(t *testing.T) {
	smith := &locksmith{}
	red := deployer.Sealed("red", smith)
	web := func(s deployer.Secret) deployer.Service {
		return deployer.Service{Name: "web", Environment: map[string]deployer.Secret{"COLOUR": s}}
	}
	if !red.Equal(deployer.Sealed("red", smith)) || web(red).Spec() != web(deployer.Sealed("red", &locksmith{})).Spec() {
		t.Error("the same ciphertext is another secret, or makes other containers")
	}
	for name, other := range map[string]deployer.Secret{
		"sealed anew": deployer.Sealed("ReD", smith), "in clear": deployer.Plain("red"), "opened": deployer.Plain("RED"), "empty": {},
	} {
		if red.Equal(other) || web(red).Spec() == web(other).Spec() {
			t.Errorf("%s: taken for the same", name)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, s := range []deployer.Secret{red, deployer.Plain("red")} {
			got := fmt.Sprintf(verb, struct{ hidden deployer.Secret }{s}) + fmt.Sprintf(verb, s)
			if strings.Contains(strings.ReplaceAll(got, "[redacted]", ""), "red") || strings.Contains(got, fmt.Sprintf("%x", "red")) {
				t.Errorf("%s shows %s", verb, got)
			}
		}
	}
	if red.IsEmpty() || !red.IsSealed() || smith.opened != 0 {
		t.Errorf("opened %d times before anybody asked", smith.opened)
	}
	if got, err := red.Reveal(); got != "RED" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got := red.Hide("the RED door"); got != "the [redacted] door" {
		t.Errorf("hidden: %s", got)
	}
	broken := deployer.Sealed("", smith)
	if _, err := broken.Reveal(); err == nil || broken.Hide("as it is") != "as it is" {
		t.Errorf("what cannot be opened: %v", err)
	}
}

// TestWhatIsLackingIsTheSameForTheSameReason, and says it.
func TestWhatIsLackingIsTheSameForTheSameReason(t *testing.T) {
	gone := deployer.Lacking("/run/pw is not there")
	if !gone.Equal(deployer.Lacking("/run/pw is not there")) || gone.Equal(deployer.Lacking("S3 is away")) || gone.Equal(deployer.Secret{}) {
		t.Error("what is lacking is taken for something else, or not for itself")
	}
	got, err := gone.Reveal()
	if got != "" || !errors.Is(err, deployer.ErrUnavailable) || err.Error() != "could not be had: /run/pw is not there" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestSpecsOfPlainSecretsStay: containers that an earlier version made are not replaced.
func TestSpecsOfPlainSecretsStay(t *testing.T) {
	s := deployer.Service{Image: "ghcr.io/o/web", Stop: 10 * time.Second, Environment: map[string]deployer.Secret{"A": deployer.Plain("1"), "EMPTY": {}}}
	if got := s.Spec(); got != "57fa2934f7bf6647" {
		t.Errorf("got %s", got)
	}
	s.Environment = nil
	if got := s.Spec(); got != "5fc25b5d89939a1d" {
		t.Errorf("without variables: got %s", got)
	}
}
