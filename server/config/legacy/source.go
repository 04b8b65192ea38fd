package legacy

import (
	"fmt"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// object is a mapping of the old configuration. What nobody has taken from it when rest is called is told.
type object struct {
	job  *job
	path string
	keys []string // in the order of the file
	at   map[string]*yaml.Node
}

// object reads a mapping; of anything else, and of nothing, it is empty.
func (j *job) object(path string, n *yaml.Node) *object {
	o := &object{job: j, path: path, at: map[string]*yaml.Node{}}
	n = resolved(n)
	switch {
	case n == nil:
	case n.Kind != yaml.MappingNode:
		j.tell(path, "it is no mapping of keys there", "write it anew")
	default:
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i].Value
			if _, twice := o.at[name]; !twice {
				o.keys = append(o.keys, name)
			}
			o.at[name] = n.Content[i+1]
		}
	}
	return o
}

// resolved is what an alias stands for; nothing where nothing is said.
func resolved(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n != nil && n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	return n
}

// below is the path of a key.
func (o *object) below(name string) string {
	if short := glued.FindString(name); short != "" {
		name = short + "…"
	}
	if !plain.MatchString(name) {
		name = fmt.Sprintf("%q", name)
	}
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

var plain = regexp.MustCompile(`^[\w./-]+$`)

// glued begins a key that holds its value, too, for want of a blank after the colon. The value is not shown.
var glued = regexp.MustCompile(`^[^=:\s]*[=:\s]`)

const (
	gluedWhy = "all of it is a name, without a blank after the colon"
	gluedDo  = "write it as `name: value`"
)

// take returns what a key holds, or nothing.
func (o *object) take(name string) *yaml.Node {
	n := resolved(o.at[name])
	delete(o.at, name)
	return n
}

// text returns the text of a single value; one that is none is told.
func (o *object) text(name string) string { return o.job.scalar(o.below(name), o.take(name)) }

func (j *job) scalar(path string, n *yaml.Node) string {
	switch {
	case n == nil:
		return ""
	case n.Kind != yaml.ScalarNode:
		j.tell(path, "it is no single value", "write it anew")
		return ""
	}
	return n.Value
}

// object returns the mapping of a key.
func (o *object) object(name string) *object { return o.job.object(o.below(name), o.take(name)) }

// item is an element of a list.
type item struct {
	path string
	node *yaml.Node
}

// list returns the elements of a list.
func (o *object) list(name string) (items []item) {
	n, path := o.take(name), o.below(name)
	if n != nil && n.Kind != yaml.SequenceNode {
		o.job.tell(path, "it is no list", "write it anew")
		return nil
	}
	if n != nil {
		for i, element := range n.Content {
			items = append(items, item{fmt.Sprintf("%s[%d]", path, i), resolved(element)})
		}
	}
	return items
}

// left is a key that has no place in the new file.
func (o *object) left(name, why, do string) {
	if o.take(name) != nil {
		o.job.tell(o.below(name), why, do)
	}
}

// rest tells of what nobody has taken.
func (o *object) rest() {
	for _, name := range o.keys {
		if n, untaken := o.at[name]; untaken && resolved(n) == nil && glued.MatchString(name) {
			o.job.tell(o.below(name), gluedWhy, gluedDo)
		}
		o.left(name, "it is no key that this import knows", "look for its like in README's table")
	}
}
