package config

import (
	"fmt"
	"regexp"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"fisherman/server/seal"
)

// maxBorrowed bounds how many values aliases, merge keys, `defaults` and files of variables may bring in besides those that are
// written: without it a small file could stand for an immense one.
const maxBorrowed = 50_000

// value is a place in the document.
type value struct {
	path string
	name string     // the last part of path, uncut
	node *yaml.Node // nil where nothing is written

	implied      bool // nothing is written: node is the key's fallback
	line, column int
	base         *value // a mapping takes from here what it does not say itself
	borrowed     bool   // reached through an alias, a merge key or `defaults`, hence perhaps often
}

// reader is one pass over one document.
type reader struct {
	getenv   func(string) (string, bool)
	problems Problems
	mayShow  func(name string) bool // see Surroundings
	shown    map[string]bool        // variables that were taken where their values are shown
	budget   int                    // borrowed values still allowed; below zero: too many

	mayLack bool     // see Surroundings
	lacks   []string // what is lacking
	service *string  // the same of the service that is being read, the first of it; nil: none is

	read       func(name, written string) ([]byte, error)
	files      map[string]fileRead // by name
	envFiles   map[string]envFile  // by name
	identities *seal.Identities    // open what is encrypted; nil: there are none
	opens      map[opening]error   // why it does not
	unusable   error               // why there are no identities, though there should be some; nil: there are, or need not be
}

// report records a problem. shown is the value as it may be shown, or empty.
func (r *reader) report(v value, shown, format string, args ...any) {
	r.problems = append(r.problems, Problem{
		Path: v.path, Value: cut(shown), Message: fmt.Sprintf(format, args...), line: v.line, column: v.column,
	})
}

// empty reports whether nothing is written here: no key, or a key without a value.
func (v value) empty() bool { return v.node == nil || isNull(v.node) }

// absent is the member of a mapping that is not written.
func (v value) absent(name string) value {
	return value{path: join(v.path, name), name: name, line: v.line, column: v.column}
}

// member is what stands below a key of a mapping; a problem with it is where the key is.
func (v value) member(key, node *yaml.Node) value {
	m := value{path: join(v.path, key.Value), name: key.Value, line: key.Line, column: key.Column, borrowed: v.borrowed}
	m.follow(node)
	return m
}

// item is an element of a list.
func (v value) item(i int, node *yaml.Node) value {
	m := value{path: fmt.Sprintf("%s[%d]", v.path, i), line: node.Line, column: node.Column, borrowed: v.borrowed}
	m.follow(node)
	return m
}

// follow puts a node, or what it is an alias of, into a value.
func (v *value) follow(node *yaml.Node) {
	if node.Kind == yaml.AliasNode {
		node, v.borrowed = node.Alias, true
	}
	v.node = node
}

// is reports whether a written value has a kind, and complains when it has another or bears a YAML tag. The value is
// not shown: where a mapping was expected, a secret may stand.
func (r *reader) is(v value, kind yaml.Kind) bool {
	if v.node.Kind != kind {
		r.report(v, "", "must be %s and is %s", kindWord(kind), kindWord(v.node.Kind))
		return false
	}
	if v.node.Style&yaml.TaggedStyle != 0 && v.node.Tag != "!!str" {
		r.report(v, "", "bears a YAML tag; remove the `!…`, or put a text that begins with `!` in quotes")
		return false
	}
	return true
}

// spend accounts for n borrowed values and reports whether there is room for them.
func (r *reader) spend(v value, n int) bool {
	if v.borrowed {
		r.budget -= n + 1
	}
	return r.budget >= 0
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }

func kindWord(kind yaml.Kind) string {
	switch kind {
	case yaml.MappingNode:
		return "a mapping (key: value)"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value"
	}
}

// plain are the keys that a path shows as they are.
var plain = regexp.MustCompile(`^[\w.:/-]+$`)

// assigned begins a key that holds its value, too: `KEY=secret` is how other tools write an environment, and `{KEY:secret}`
// lacks the blank without which YAML takes all of it for a key.
var assigned = regexp.MustCompile(`^[^=:\s]*[=:\s]`)

// join appends a key to a path. What may be a value is cut off; of all names only those of registries are shown with a colon.
func join(path, name string) string {
	if short := assigned.FindString(name); short != "" && (path != "registries" || registryName(name) != nil) {
		name = short + "…"
	}
	if name = cut(name); !plain.MatchString(name) {
		name = fmt.Sprintf("%q", name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// cut shortens a long text.
func cut(text string) string {
	const longest = 80
	if utf8.RuneCountInString(text) <= longest {
		return text
	}
	return string([]rune(text)[:longest]) + "…"
}
