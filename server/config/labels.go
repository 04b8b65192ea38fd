package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ownLabels is how the labels begin that tell fisherman whose a container is.
const ownLabels = "fisherman."

// labelName is a text without white space; Docker itself allows any.
var labelName = regexp.MustCompile(`^[^\s=]+$`)

// labels are texts by name. Whoever may list containers sees them, so none is taken from where secrets are.
func labels(into *map[string]string) kind {
	return dictionary[string]{
		word: "NAME", name: ownedLabel, names: node{"pattern": labelName.String(), "not": node{"pattern": `^fisherman\.`}},
		entry: func(s *string) kind {
			return written{scalar[string]{into: s, word: "text", parse: shownText, hidden: true, blank: true}}
		},
		put: func(at value, got string) {
			if *into == nil {
				*into = map[string]string{}
			}
			(*into)[at.name] = got
		},
	}
}

func ownedLabel(name string) error {
	switch {
	case strings.HasPrefix(name, ownLabels):
		return fmt.Errorf("begins with `%s`, and these labels tell fisherman which containers are its own; choose another name", ownLabels)
	case !labelName.MatchString(name):
		return errors.New("is not a label's name; write it without white space and equals signs, such as `com.example.team`")
	}
	return nil
}

func shownText(s string) (string, error) {
	if login.MatchString(s) {
		return "", errors.New("holds a login (`user@`), and labels are shown to everybody who may list containers; remove it")
	}
	return noNUL[string](s)
}

// written is a value that stands in the file itself.
type written struct{ kind }

func (w written) read(r *reader, v value) {
	taken := false
	if v.node != nil && v.node.Kind == yaml.ScalarNode {
		_, _ = interpolate(v.node.Value, func(string) (string, bool) { taken = true; return "", true })
	}
	if taken {
		r.report(v, "", "is taken from the environment, where secrets are, and labels are shown to everybody who may list containers; "+
			"write the text itself, or `$${` for the characters")
		return
	}
	w.kind.read(r, v)
}
