package config

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// key is one key of a mapping.
type key struct {
	name     string
	fallback string // read as if it were written when the key is not; empty: none
	required bool
	meaning  string
	kind     kind
}

// mapping is a value with known keys.
type mapping []key

func (m mapping) read(r *reader, v value) {
	got, ok := r.members(v)
	if !ok {
		return
	}
	for _, member := range got.list {
		if !m.has(member.name) {
			r.report(member, "", "%s", m.unknown(member.name))
		}
	}
	for _, k := range m {
		k.read(r, got.find(v, k.name))
	}
}

func (k key) read(r *reader, v value) {
	switch {
	case v.node == nil && k.required:
		r.report(v, "", "is required: %s", k.meaning)
		return
	case v.node == nil && k.fallback != "":
		v.node, v.implied = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: k.fallback}, true
	}
	k.kind.read(r, v)
}

func (m mapping) has(name string) bool {
	for _, k := range m {
		if k.name == name {
			return true
		}
	}
	return false
}

func (m mapping) unknown(name string) string {
	names := make([]string, len(m))
	for i, k := range m {
		names[i] = k.name
	}
	word, _, glued := strings.Cut(name, ":")
	near := nearest(word, names)
	switch {
	case glued && m.has(word):
		return "unknown key; write a blank after the colon: `" + word + ": …`"
	case glued && near != "":
		return "unknown key; did you mean `" + near + "`, with a blank after the colon?"
	case near != "":
		return "unknown key; did you mean `" + near + "`?"
	}
	return "unknown key; known here: " + strings.Join(names, ", ")
}

func (m mapping) describe(parent Key) []Key {
	var rows []Key
	for _, k := range m {
		path := strings.TrimPrefix(parent.Path+"."+k.name, ".")
		rows = append(rows, k.kind.describe(Key{
			Path: path, Default: k.fallback, Required: k.required, Meaning: k.meaning,
		})...)
	}
	return rows
}
