package deployer

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// redacted stands wherever a secret would.
const redacted = "[redacted]"

// Secret is a text that no verb of fmt, no encoder and no logger shows. Only Reveal does, and it is for the line that
// hands the text to whom it is for. A sealed one is in memory as its ciphertext alone. The zero value is the empty text.
type Secret struct{ of *content }

// content is behind two pointers: fmt reads unexported fields without asking their methods, and follows one.
type content struct {
	text   *string // the ciphertext when there is an opener
	opener Opener  // nil: the text is in clear
}

// Opener opens what was sealed for it. An error goes on where "it" leaves off, such as "is damaged", says what to do, and
// holds nothing of what is inside.
type Opener interface {
	Open(sealed string) (string, error)
}

// Plain is a secret that is at hand in clear.
func Plain(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&content{text: &text}}
}

// Sealed is a secret that only Reveal opens, each time anew.
func Sealed(ciphertext string, by Opener) Secret { return Secret{&content{&ciphertext, by}} }

// Lacking is a secret that could not be had, and why. It equals one that could not be had for the same reason.
func Lacking(why string) Secret { return Sealed(why, absent{}) }

// absent opens what is not there, and has the reason in its place.
type absent struct{}

func (absent) Open(why string) (string, error) { return "", &absentError{why} }

type absentError struct{ why string }

func (e *absentError) Error() string { return "could not be had: " + e.why }

func (*absentError) Unwrap() error { return ErrUnavailable }

// Reveal returns the text, for the one place that needs it. It fails only on what is sealed, and on what is lacking with
// ErrUnavailable.
func (s Secret) Reveal() (string, error) {
	switch {
	case s.of == nil:
		return "", nil
	case s.of.opener == nil:
		return *s.of.text, nil
	}
	return s.of.opener.Open(*s.of.text)
}

// IsEmpty reports whether there is nothing to reveal. What is sealed never is empty, since nobody has looked.
func (s Secret) IsEmpty() bool { return s.of == nil }

// IsSealed reports whether only the ciphertext is at hand.
func (s Secret) IsSealed() bool { return s.of != nil && s.of.opener != nil }

// Equal reports whether two secrets are the same as they are at hand: of what is sealed the ciphertext counts, which
// differs each time that the same text is sealed.
func (s Secret) Equal(other Secret) bool {
	return s.written() == other.written() && s.IsSealed() == other.IsSealed()
}

// written is the text as it is at hand.
func (s Secret) written() string {
	if s.of == nil {
		return ""
	}
	return *s.of.text
}

// String returns [redacted], also for an empty secret.
func (Secret) String() string { return redacted }

// Format covers the verbs for which fmt does not ask String, such as %#v and %d.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText covers encoding/json, YAML and zerolog.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Hide takes the secret out of a text that others have written: as it is, escaped for a URL, and in base64 (RFC 4648),
// wherever in a longer text it was encoded, as a registry's login is. What cannot be opened has been told to nobody.
func (s Secret) Hide(text string) string {
	for _, form := range s.forms() {
		text = strings.ReplaceAll(text, form, redacted)
	}
	return text
}

func (s Secret) forms() []string {
	plain, err := s.Reveal()
	if err != nil || plain == "" {
		return nil
	}
	forms := []string{plain, url.QueryEscape(plain), url.PathEscape(plain)}
	for before := range 3 { // bytes encoded before it; what shares a digit with a neighbour is left out
		whole := base64.RawURLEncoding.EncodeToString([]byte("..."[:before] + plain))
		part := whole[(8*before+5)/6 : (8*(before+len(plain)))/6]
		if len(part) >= 4 {
			forms = append(forms, part, strings.NewReplacer("-", "+", "_", "/").Replace(part))
		}
	}
	return forms
}
