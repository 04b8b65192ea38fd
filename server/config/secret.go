package config

import (
	"fmt"
	"io"
)

// redacted stands wherever a secret would.
const redacted = "[redacted]"

// Secret is a text that no verb of fmt, no encoder and no logger shows. Only Reveal does. Keep it in exported fields:
// fmt reads unexported ones without asking their methods.
type Secret string

// Reveal returns the text, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String returns [redacted], also for an empty secret.
func (Secret) String() string { return redacted }

// Format covers the verbs for which fmt does not ask String, such as %#v and %d.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText covers encoding/json, YAML and zerolog.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
