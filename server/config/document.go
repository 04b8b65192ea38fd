package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxSize bounds a configuration, in bytes.
const MaxSize = 1 << 20

// syntax is how the YAML library words an error: "yaml: line 3: what is wrong".
var syntax = regexp.MustCompile(`^yaml: (?:(line \d+): )?(?s:(.*))$`)

// anchor is how it words an alias without an anchor.
var anchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)

// document returns the root of the one YAML document that a file holds.
func document(raw []byte) (value, error) {
	if len(raw) > MaxSize {
		return value{}, Problems{{Message: fmt.Sprintf(
			"the configuration is larger than %d bytes; is it the right file?", MaxSize)}}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	var first, second yaml.Node
	if err := decoder.Decode(&first); err != nil && !errors.Is(err, io.EOF) {
		return value{}, broken(raw, err)
	}
	if len(first.Content) == 0 || isNull(first.Content[0]) {
		return value{}, Problems{{Message: "the configuration is empty; it needs at least `github` and `services`"}}
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return value{}, Problems{{Path: fmt.Sprintf("line %d", second.Line), Message: "a second YAML document begins; " +
			"a configuration is one document, so remove the line `---`"}}
	case !errors.Is(err, io.EOF):
		return value{}, broken(raw, err)
	}
	root := first.Content[0]
	if root.Kind != yaml.MappingNode {
		return value{}, Problems{{Message: "the configuration must be a mapping with keys such as `github` and " +
			"`services`, and is " + kindWord(root.Kind)}}
	}
	return value{node: root, line: root.Line, column: root.Column}, nil
}

// lineOf is where an alias stands first outside of a comment: the library does not say.
func lineOf(raw []byte, alias string) string {
	at := regexp.MustCompile(`(?m)^[^#\n]*\*` + regexp.QuoteMeta(alias) + `([\s,\]}:]|$)`).FindIndex(raw)
	if at == nil {
		return ""
	}
	return fmt.Sprintf("line %d", bytes.Count(raw[:at[0]], []byte("\n"))+1)
}

// lineWith is the first line that has such a character: the library does not say where it could not read on.
func lineWith(raw []byte, such func(r rune, size int) bool) string {
	line := 1
	for i := 0; i < len(raw); {
		r, size := utf8.DecodeRune(raw[i:])
		switch {
		case such(r, size):
			return fmt.Sprintf("line %d", line)
		case r == '\n':
			line++
		}
		i += size
	}
	return ""
}

// broken words an error of the YAML library. The name of an unknown anchor is left out: it can be an unquoted password
// that begins with an asterisk.
func broken(raw []byte, err error) Problems {
	p := Problem{Message: err.Error()}
	if m := syntax.FindStringSubmatch(err.Error()); m != nil {
		p.Path, p.Message = m[1], m[2]
	}
	switch unknown := anchor.FindStringSubmatch(p.Message); {
	case strings.Contains(p.Message, "UTF-"), strings.Contains(p.Message, "Unicode"), strings.Contains(p.Message, "surrogate"):
		p.Path = lineWith(raw, func(r rune, size int) bool { return r == utf8.RuneError && size == 1 })
		p.Message = "it is not UTF-8; save the file as UTF-8"
	case strings.HasPrefix(p.Message, "control characters are not allowed"):
		p.Path = lineWith(raw, func(r rune, _ int) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\u0085", r) })
		p.Message += "; remove it, or write it as an escape, such as `\\x07`, in double quotes"
	case unknown != nil:
		p.Path = lineOf(raw, unknown[1])
		p.Message = "an alias refers to an anchor that does not exist; put a text that begins with `*` in quotes"
	case strings.HasPrefix(p.Message, "did not find expected ',' or '}'"):
		p.Message += "; inside `{ … }` put `${NAME}`, and what holds a comma or a brace, in quotes; a quote may not be closed"
	case strings.HasPrefix(p.Message, "did not find expected ',' or ']'"):
		p.Message += "; a bracket or a quote is not closed"
	case strings.HasPrefix(p.Message, "did not find expected key"):
		p.Message += "; near there a quote is not closed, or a line is not indented like its neighbours"
	case strings.HasPrefix(p.Message, "found unexpected end of stream"), strings.HasPrefix(p.Message, "found unexpected document indicator"):
		p.Message += "; a quote that opens there, or before, is not closed"
	case strings.HasPrefix(p.Message, "found unknown escape character"):
		p.Message += "; write two backslashes for one, or use single quotes"
	case strings.HasPrefix(p.Message, "mapping values are not allowed"):
		p.Message += "; put a text that holds a colon and a space in quotes, and indent a line like its neighbours"
	case strings.HasPrefix(p.Message, "found character that cannot start any token"):
		p.Message += "; indent with spaces, never with tabs, and put a text that begins with `@`, `%` or a backquote in quotes"
	}
	p.Message = "not valid YAML: " + p.Message
	return Problems{p}
}
