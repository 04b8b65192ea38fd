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
// hands the text to whom it is for. Keep it in exported fields: fmt reads unexported ones without asking their methods.
type Secret string

// Reveal returns the text, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String returns [redacted], also for an empty secret.
func (Secret) String() string { return redacted }

// Format covers the verbs for which fmt does not ask String, such as %#v and %d.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText covers encoding/json, YAML and zerolog.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Hide takes the secret out of a text that others have written: as it is, escaped for a URL, and in base64 (RFC 4648),
// wherever in a longer text it was encoded, as a registry's login is.
func (s Secret) Hide(text string) string {
	for _, form := range s.forms() {
		text = strings.ReplaceAll(text, form, redacted)
	}
	return text
}

func (s Secret) forms() []string {
	plain := s.Reveal()
	if plain == "" {
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
