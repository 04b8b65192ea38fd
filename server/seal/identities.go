// Package seal encrypts texts with age (https://age-encryption.org/v1) to public recipients, and opens them with the
// identities, which are private, that belong to these. No error holds a part of an identity or of what was sealed.
package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"filippo.io/age"
)

// MaxText bounds what can be sealed, in bytes: no variable of a Linux process can be longer (execve(2), MAX_ARG_STRLEN).
const MaxText = 128 << 10

// Identities open what was sealed to one of them. It is safe for concurrent use.
type Identities struct{ all []age.Identity }

// ParseIdentities reads an age identity file: one identity a line, empty lines and those that begin with # aside.
func ParseIdentities(file []byte) (*Identities, error) {
	all, err := age.ParseIdentities(bytes.NewReader(file)) // its error may quote the line
	if err != nil {
		return nil, errors.New("is not an age identity file; it holds one AGE-SECRET-KEY-… a line, as `fisherman secrets keygen` makes it")
	}
	return &Identities{all}, nil
}

// private is what an identity looks like, also in the middle of a text and in lower case.
var private = regexp.MustCompile(`(?i)(AGE-SECRET-KEY-)[0-9A-Z-]+`)

// HoldsIdentity reports whether a text holds what looks like an identity, so that nobody quotes it.
func HoldsIdentity(text string) bool { return private.MatchString(text) }

// HideIdentities takes out of a text what looks like an identity.
func HideIdentities(text string) string { return private.ReplaceAllString(text, "${1}…") }

// Check looks whether Open would get in, as far as can be told without producing the text.
func (i *Identities) Check(sealed string) error {
	_, err := i.begin(sealed)
	return err
}

// Open returns the text that was sealed. It implements deployer.Opener.
func (i *Identities) Open(sealed string) (string, error) {
	inside, err := i.begin(sealed)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(inside, MaxText+1))
	switch {
	case err != nil:
		return "", errDamaged
	case len(text) > MaxText:
		return "", fmt.Errorf("holds more than %d bytes; a secret is shorter", MaxText)
	case !utf8.Valid(text):
		return "", errors.New("holds something else than text (UTF-8); encrypt its base64 instead")
	}
	return string(text), nil
}

var errDamaged = errors.New("is damaged; copy the encrypted text whole, or encrypt the value anew")

// begin checks the header and its MAC, and does not touch the payload.
func (i *Identities) begin(sealed string) (io.Reader, error) {
	raw, err := decode(sealed)
	if err != nil {
		return nil, err
	}
	inside, err := age.Decrypt(bytes.NewReader(raw), i.all...)
	var strange *age.NoIdentityMatchError
	switch {
	case errors.As(err, &strange) && strings.Join(strange.StanzaTypes, "") == "scrypt":
		return nil, errors.New("was encrypted with a passphrase, for which nobody could be asked; encrypt it to a recipient (age1…)")
	case errors.As(err, &strange):
		return nil, fmt.Errorf("was encrypted to other recipients than those of the %d identities at hand; "+
			"encrypt it to one of theirs, or add the identity that it was encrypted to", len(i.all))
	case err != nil:
		return nil, errDamaged
	}
	return inside, nil
}

// Recipients are who to encrypt to, for these identities to open it.
func (i *Identities) Recipients() Recipients {
	var to Recipients
	for _, identity := range i.all {
		switch identity := identity.(type) {
		case *age.X25519Identity:
			to = append(to, identity.Recipient())
		case *age.HybridIdentity:
			to = append(to, identity.Recipient())
		}
	}
	return to
}

// Generate makes an identity: the content of a file of its own, and its public recipient.
func Generate(created string) (file []byte, recipient string, err error) {
	made, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, "", fmt.Errorf("make an identity: %w", err)
	}
	recipient = made.Recipient().String()
	return fmt.Appendf(nil, "# created: %s\n# public key: %s\n%s\n", created, recipient, made), recipient, nil
}
