package config

import "go.yaml.in/yaml/v3"

// list is a sequence of values of one kind.
type list[T any] struct {
	into *[]T
	item func(*T) kind
}

func (l list[T]) read(r *reader, v value) {
	items, _ := r.items(v)
	for _, item := range items {
		var got T
		l.item(&got).read(r, item)
		*l.into = append(*l.into, got)
	}
}

func (l list[T]) describe(k Key) []Key {
	k.Path += "[]"
	return l.item(new(T)).describe(k)
}

// dictionary is a mapping whose keys the user chooses.
type dictionary[T any] struct {
	word  string // what a key is, for the documentation
	name  func(string) error
	entry func(*T) kind
	names node                  // JSON Schema of the keys; nil: any
	put   func(at value, got T) // called for each, in the order of the file; at.name is its key
}

func (d dictionary[T]) read(r *reader, v value) {
	got, _ := r.members(v)
	for _, member := range got.list {
		if err := d.name(member.name); err != nil {
			r.report(member, "", "%v", err)
			if member.empty() {
				continue
			}
		}
		var entry T
		d.entry(&entry).read(r, member)
		d.put(member, entry)
	}
}

func (d dictionary[T]) describe(k Key) []Key {
	k.Path += "." + d.word
	return d.entry(new(T)).describe(k)
}

// optional is a mapping that may be absent as a whole; then the target stays nil.
type optional[T any] struct {
	into *(*T)
	kind func(*T) kind
}

func (o optional[T]) read(r *reader, v value) {
	if v.empty() {
		return
	}
	*o.into = new(T)
	o.kind(*o.into).read(r, v)
}

func (o optional[T]) describe(k Key) []Key { return o.kind(new(T)).describe(k) }

// secrets is one secret or a list of them. Once the key is written the target is not nil, even where
// what it says is wrong.
type secrets struct{ into *[]Secret }

func (s secrets) read(r *reader, v value) {
	if v.node == nil {
		return
	}
	*s.into = []Secret{}
	if v.node.Kind != yaml.SequenceNode {
		var one Secret
		if secret(&one).read(r, v); !one.IsEmpty() {
			*s.into = append(*s.into, one)
		}
		return
	}
	list[Secret]{s.into, secret}.read(r, v)
	if len(v.node.Content) == 0 {
		r.report(v, "", "is an empty list; write at least one secret, or remove the key")
	}
}

func (secrets) describe(k Key) []Key {
	k.Type = "secret, or a list while rotating"
	return []Key{k}
}

// checked looks at what a kind has read as a whole.
type checked struct {
	kind
	check func(r *reader, v value)
	also  node // what of it JSON Schema can say
}

func (c checked) read(r *reader, v value) {
	c.kind.read(r, v)
	c.check(r, v)
}
