package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fisherman/deployer"
	"fisherman/server/seal"
)

// text is any text but white space around one, which is hardly ever meant.
func text(into *string) kind { return scalar[string]{into: into, word: "text", parse: trimmed} }

// fileName is the name of a file that is read. It is not shown with what it takes from the environment: where ${NAME} was
// meant, `{ file: "${NAME}" }` has been written before.
func fileName(into *string) kind {
	return scalar[string]{into: into, word: "text", asWritten: true, parse: func(s string) (string, error) {
		if seal.HoldsIdentity(s) {
			return "", errors.New("is an age identity itself; write the path of the file that holds it")
		}
		return trimmed(s)
	}}
}

// secret is a text that fisherman uses itself and never shows.
func secret(into *Secret) kind {
	return confidential{into: into, own: true, plain: scalar[Secret]{into: into, word: "secret", hidden: true, parse: func(s string) (Secret, error) {
		got, err := trimmed(s)
		return deployer.Plain(got), err
	}}}
}

func trimmed(s string) (string, error) {
	switch strings.TrimSpace(s) {
	case s:
		return s, nil
	case "":
		return "", errors.New("is nothing but white space; write a value, or remove the key")
	default:
		return "", errors.New("begins or ends with white space or a line break; remove it")
	}
}

// argument is any text that a process can be given, the empty one included. What it takes from the environment is not shown.
func argument(into *string) kind {
	return scalar[string]{into: into, word: "text", parse: noNUL[string], asWritten: true, blank: true}
}

// environment is variables by name. A problem never shows a value: many are passwords.
func environment(into *map[string]Secret) kind {
	return dictionary[Secret]{
		word: "NAME", name: variableName, names: node{"pattern": `^[^=]+$`},
		entry: func(s *Secret) kind {
			return confidential{into: s, plain: scalar[Secret]{into: s, word: "text or secret", parse: variableText, hidden: true, blank: true}}
		},
		put: func(at value, got Secret) {
			if *into == nil {
				*into = map[string]Secret{}
			}
			(*into)[at.name] = got
		},
	}
}

func variableText(s string) (Secret, error) {
	got, err := noNUL[string](s)
	return deployer.Plain(got), err
}

func noNUL[T ~string](s string) (T, error) {
	if strings.ContainsRune(s, 0) {
		return "", errors.New("holds a NUL character, which no process can be given; remove it")
	}
	return T(s), nil
}

func variableName(name string) error {
	switch {
	case name == "":
		return errors.New("a variable needs a name")
	case strings.Contains(name, "="):
		return errors.New("a variable's name cannot hold an equals sign; write `NAME: value`")
	case strings.ContainsRune(name, 0):
		return errors.New("a variable's name cannot hold a NUL character")
	}
	return nil
}

// number is a whole number in a range.
func number[T int | int64](into *T, least, most T) kind {
	return scalar[T]{into: into, word: fmt.Sprintf("%d to %d", least, most), form: within("integer", least, most), parse: func(s string) (T, error) {
		long, err := strconv.ParseInt(s, 10, 64)
		n := T(long)
		if err != nil || strconv.FormatInt(int64(n), 10) != s || n < least || n > most {
			return 0, fmt.Errorf("must be a whole number from %d to %d", least, most)
		}
		return n, nil
	}}
}

// duration is a length of time in Go's syntax (https://pkg.go.dev/time#ParseDuration).
func duration(into *time.Duration, least, most time.Duration) kind {
	return scalar[time.Duration]{into: into, word: "duration", form: durations(), parse: func(s string) (time.Duration, error) {
		if _, err := strconv.Atoi(s); err == nil && s != "0" {
			return 0, fmt.Errorf("has no unit; write `%ss` for seconds", s)
		}
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, errors.New("is not a duration; write a number and h, m, s or ms, such as `90s` or `1m30s`")
		}
		if d < least || d > most {
			return 0, fmt.Errorf("must be from %s to %s", least, most)
		}
		return d, nil
	}}
}

func durations() form {
	return form{pattern: `^[+]?(0|([0-9]+[.]?[0-9]*|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`, number: node{"const": 0}}
}

// oneOf is one of a few words.
func oneOf[T ~string](into *T, words ...T) kind {
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = string(w)
	}
	return scalar[T]{into: into, word: strings.Join(names, ", "), form: form{words: names}, parse: func(s string) (T, error) {
		if slices.Contains(names, s) {
			return T(s), nil
		}
		if near := nearest(s, names); near != "" {
			return "", fmt.Errorf("is not known; did you mean `%s`?", near)
		}
		return "", fmt.Errorf("is not known; write one of %s", strings.Join(names, ", "))
	}}
}
