package config

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"fisherman/server/seal"
)

// kind reads a value into the place it was made for, and describes itself.
type kind interface {
	// read checks a value and stores it. One whose key is not written has no node; only mappings and what holds
	// them look closer then, to fill in defaults.
	read(r *reader, v value)
	// describe returns the rows of documentation for a value of this kind, k being what its key says.
	describe(k Key) []Key
	// schema is the same for editors. It must take all that read takes.
	schema() node
}

// login is a URL's user, and with it perhaps a password.
var login = regexp.MustCompile(`://[^/]*@`)

// scalar is a single value.
type scalar[T any] struct {
	into  *T
	word  string                  // what it is, for the documentation
	parse func(string) (T, error) // the error says what is wrong and what to write; it must not quote a hidden value

	hidden    bool // never shown in a problem
	asWritten bool // shown without what it takes from the environment
	blank     bool // may be the empty text
	form      form // for editors
}

func (s scalar[T]) read(r *reader, v value) {
	if v.node == nil || !r.is(v, yaml.ScalarNode) {
		return
	}
	if v.empty() {
		word := v.node.Value
		if v.node.Style&yaml.TaggedStyle != 0 {
			word = "" // it may be anything, a secret included
		}
		r.report(v, word, "%s", s.nothing(v.name, word))
		return
	}
	const unit = 64 // bytes of text that count as one borrowed value
	if !r.spend(v, len(v.node.Value)/unit) {
		return
	}
	// Never the parsed value: 1_000, yes and 2024-01-01 are the texts that they look like.
	text, err := r.resolve(v.node.Value, s.hidden || s.asWritten)
	if err != nil {
		r.report(v, s.shown(v, v.node.Value), "%v", err)
		return
	}
	switch {
	case text == "" && !s.blank:
		r.report(v, s.shown(v, text), "is empty; write a value, or remove the key")
		return
	case login.MatchString(text) && !s.hidden && !s.blank:
		r.report(v, redacted, "holds a login (`user@`); remove it")
		return
	}
	parsed, err := s.parse(text)
	if err != nil {
		r.report(v, s.shown(v, text), "%v", err)
		return
	}
	*s.into = parsed
}

// nothing says what to write where there is no value, or one of YAML's words for that.
func (s scalar[T]) nothing(key, word string) string {
	text := "has no value; write one (a text that begins with `#` needs quotes), or remove the key"
	switch {
	case word != "":
		text = "is YAML for no value; put it in quotes to mean the text, write another, or remove the key"
	case strings.Contains(key, ":"):
		text = "has no value; write one, with a blank after the colon, or remove the key"
	}
	if s.blank {
		text += "; the empty text is `\"\"`"
	}
	return text
}

func (s scalar[T]) shown(v value, text string) string {
	if s.asWritten {
		text = v.node.Value
	}
	if s.hidden || seal.HoldsIdentity(text) {
		return redacted
	}
	return text
}

func (s scalar[T]) describe(k Key) []Key {
	k.Type = s.word
	return []Key{k}
}
