package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"fisherman/deployer"
)

// envFiles are files of variables, one or a list: later ones win.
type envFiles struct{ into *map[string]Secret }

func (e envFiles) read(r *reader, v value) {
	switch {
	case v.node == nil:
		return
	case v.node.Kind != yaml.SequenceNode:
		e.load(r, v)
		return
	}
	files, _ := r.items(v)
	for _, file := range files {
		e.load(r, file)
	}
}

func (e envFiles) load(r *reader, v value) {
	var name string
	fileName(&name).read(r, v)
	if name == "" || r.budget < 0 {
		return // that is a problem already
	}
	file, known := r.envFiles[name]
	if !known {
		var text string
		if text, file.err = r.readFile(v, name); file.err == nil {
			file.variables, file.err = parseEnvFile(text)
		}
		r.envFiles[name] = file
	}
	v.borrowed = true // in the file there may be more than the configuration could hold
	switch {
	case file.err != nil:
		r.without(v, v.node.Value, file.err, r.service)
	case r.spend(v, len(file.variables)):
		if *e.into == nil {
			*e.into = map[string]Secret{}
		}
		maps.Copy(*e.into, file.variables)
	}
}

// envFile is what came of reading a file of variables.
type envFile struct {
	variables map[string]Secret
	err       error
}

func (envFiles) describe(k Key) []Key {
	k.Type = "path, or a list"
	return []Key{k}
}

func (envFiles) schema() node {
	one := fileName(new(string)).schema()
	return node{"anyOf": []node{one, {"type": "array", "items": one}}}
}

// parseEnvFile reads lines of NAME=VALUE as Docker Compose does
// (https://docs.docker.com/reference/compose-file/services/#env_file-format): comments, blank lines, an `export` before the
// name; a value in single quotes as it is, in double quotes with \n, \r, \t, \\ and \", both over several lines if need be; one
// without quotes up to white space and `#`. Nothing is taken from the environment. An error names lines, never a part of the
// text.
func parseEnvFile(text string) (map[string]Secret, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("is larger than %d bytes; is it the right file?", MaxSize)
	}
	rest := strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	if !utf8.ValidString(rest) || strings.ContainsRune(rest, 0) {
		return nil, errors.New("holds something else than text (UTF-8); write lines of NAME=VALUE")
	}
	all := map[string]Secret{}
	for line := 1; rest != ""; {
		name, value, after, err := assignment(rest)
		if err != nil {
			return nil, fmt.Errorf("line %d %w", line, err)
		}
		if name != "" {
			all[name] = deployer.Plain(value)
		}
		line += strings.Count(rest[:len(rest)-len(after)], "\n")
		rest = after
	}
	return all, nil
}

// assignment reads what begins a text: a line of nothing, or a variable up to the end of its last line.
func assignment(text string) (name, value, rest string, err error) {
	line, rest, _ := strings.Cut(text, "\n")
	bare := strings.TrimSpace(line)
	if bare == "" || strings.HasPrefix(bare, "#") {
		return "", "", rest, nil
	}
	name, _, assigned := strings.Cut(line, "=")
	name = strings.TrimSpace(name)
	if exported, ok := strings.CutPrefix(name, "export "); ok {
		name = strings.TrimSpace(exported)
	}
	switch {
	case !assigned:
		return "", "", "", errors.New("has no equals sign; write NAME=VALUE")
	case !fileVariable.MatchString(name):
		return "", "", "", errors.New("does not begin with a variable's name, of letters, digits, `_`, `.` and `-`; write NAME=VALUE")
	case looksEncoded(name, strings.TrimSpace(line[strings.Index(line, "=")+1:])):
		return "", "", "", errors.New("looks like a secret in base64; write NAME= before it, or `NAME=\"\"` if it is a name")
	}
	_, from, _ := strings.Cut(text, "=")
	from = strings.TrimLeft(from, " \t")
	if from == "" || from[0] != '"' && from[0] != '\'' {
		_, right, _ := strings.Cut(line, "=")
		return name, unquoted(right), rest, nil
	}
	value, after, closed := quoted(from)
	tail, rest, _ := strings.Cut(after, "\n")
	switch tail = strings.TrimSpace(tail); {
	case !closed:
		return "", "", "", errors.New("begins a value in quotes that nothing closes")
	case tail != "" && tail[0] != '#':
		return "", "", "", errors.New("goes on after the closing quote; put all of the value in quotes")
	}
	return name, value, rest, nil
}

// fileVariable is a variable's name in a file: names are shown, and what is none may be a secret.
var fileVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// looksEncoded reports whether a line is base64 that ends with its padding rather than a variable that is set to nothing.
func looksEncoded(name, value string) bool {
	const least = 20 // characters: 15 bytes
	return len(name) >= least && (value == "" || value == "=") && strings.ContainsAny(name, "0123456789") &&
		strings.ToUpper(name) != name && strings.ToLower(name) != name
}

// unquoted is a value up to the white space that ends it, or begins a comment.
func unquoted(text string) string {
	for i := range text {
		if text[i] == '#' && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t') {
			text = text[:i]
			break
		}
	}
	return strings.TrimSpace(text)
}

// quoted reads a value that begins with a quote.
func quoted(text string) (value, rest string, closed bool) {
	quote := text[0]
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			return out.String(), text[i+1:], true
		case c == '\\' && quote == '"' && i+1 < len(text):
			i++
			out.WriteString(unescaped(text[i]))
		default:
			out.WriteByte(c)
		}
	}
	return "", "", false
}

// unescaped is what a character after a backslash stands for.
func unescaped(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case '\\', '"', '$':
		return string(rune(c))
	}
	return `\` + string([]byte{c})
}
