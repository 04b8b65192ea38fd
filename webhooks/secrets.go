package webhooks

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/go-github/v57/github"
)

// redacted is all that is ever printed of secrets.
const redacted = "[redacted]"

// Secrets are the webhook secrets of a configuration. Several in one place are all valid, which is how one is rotated. An
// empty secret never verifies anything.
type Secrets struct {
	Default []string // github.secret: for configured repositories without secrets of their own

	// Repositories holds every configured repository (owner/name in any case) with its own secrets, nil when it has none.
	Repositories map[string][]string
}

// Format keeps secrets out of whatever is printed, under every verb.
func (Secrets) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText keeps secrets out of JSON and logs.
func (Secrets) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// keyring is Secrets made ready for use. It is never written again, so requests share it.
type keyring struct {
	all          []string            // every distinct secret, none empty
	repositories map[string][]string // the secrets that may speak for a configured repository
}

func newKeyring(secrets Secrets) *keyring {
	k := &keyring{
		all:          slices.Clone(secrets.Default),
		repositories: make(map[string][]string, len(secrets.Repositories)),
	}
	for name, own := range secrets.Repositories {
		k.all = append(k.all, own...)
		if len(own) == 0 {
			own = secrets.Default
		}
		k.repositories[strings.ToLower(name)] = slices.Clone(own)
	}
	slices.Sort(k.all)
	k.all = slices.DeleteFunc(slices.Compact(k.all), func(secret string) bool { return secret == "" })
	return k
}

// signers returns every secret that the signature was made with. It always tries all, each in constant time, so that the
// time taken says nothing about which one matched.
func (k *keyring) signers(signature string, body []byte) (signers []string) {
	for _, secret := range k.all {
		if github.ValidateSignature(signature, body, []byte(secret)) == nil {
			signers = append(signers, secret)
		}
	}
	return signers
}

// admit reports whether the repository is configured, and fails when it is but none of the signers may speak for it:
// the owner of one repository must not deploy another's. The name is lower-cased.
func (k *keyring) admit(repository string, signers []string) (known bool, err error) {
	trusted, known := k.repositories[repository]
	if !known {
		return false, nil
	}
	if !slices.ContainsFunc(signers, func(signer string) bool { return slices.Contains(trusted, signer) }) {
		return true, fmt.Errorf("%w: it is signed with a secret that is not repository %s's", ErrUnverified, repository)
	}
	return true, nil
}
