package legacy

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mapping is an empty mapping of the new configuration.
func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode} }

// inline is a value on one line.
func inline(n *yaml.Node) *yaml.Node {
	n.Style = yaml.FlowStyle
	return n
}

// put adds a key to a mapping; nothing and empty mappings and lists are left out.
func put(m *yaml.Node, key string, v *yaml.Node) {
	if v != nil && (v.Kind == yaml.ScalarNode || len(v.Content) > 0) {
		m.Content = append(m.Content, verbatim(key), v)
	}
}

// truths are words that older readers of YAML take for true and false.
var truths = regexp.MustCompile(`^(?i)(y|n|yes|no|on|off)$`)

// verbatim is a text as fisherman reads it, references to the environment included.
func verbatim(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if truths.MatchString(s) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// text is a text that means itself; none when it is empty.
func text(s string) *yaml.Node {
	if s == "" {
		return nil
	}
	return literal(s)
}

// literal is a text that means itself, the empty one included.
func literal(s string) *yaml.Node { return verbatim(dollars(s)) }

// dollars is a text of which nothing is taken from the environment.
func dollars(s string) string { return strings.ReplaceAll(s, "$", "$$") }

// number is a whole number; what is none is written as it is, for fisherman to complain of.
func number(s string) *yaml.Node {
	n := text(s)
	if n != nil && strings.Trim(s, "0123456789") == "" {
		n.Tag = "!!int"
	}
	return n
}

// list is a list of values.
func list(items ...*yaml.Node) *yaml.Node { return &yaml.Node{Kind: yaml.SequenceNode, Content: items} }
