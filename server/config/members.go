package config

import "go.yaml.in/yaml/v3"

// members are the values of a mapping by key, in the order of the file.
type members struct {
	list []value
	at   map[string]int // index in list
}

// members returns what a mapping holds: its own keys, then those of its merge keys (`<<`), then those of its base. An own
// value wins over both; over the base it does so key by key where it is a mapping itself. ok is false when the value is
// not a mapping.
func (r *reader) members(v value) (m members, ok bool) {
	m.at = map[string]int{}
	var merged []value
	if !v.empty() {
		if !r.is(v, yaml.MappingNode) || !r.spend(v, len(v.node.Content)/2) {
			return m, false
		}
		merged = r.own(v, &m)
	}
	for _, source := range merged {
		r.inherit(&m, source, false)
	}
	if v.base != nil {
		r.inherit(&m, *v.base, true)
	}
	return m, true
}

// own adds the keys that are written in the mapping itself and returns what its merge keys name.
func (r *reader) own(v value, m *members) (merged []value) {
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key, node := v.node.Content[i], v.node.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			r.report(v, "", "a key is not a text (line %d); write `key: value`", key.Line)
			continue
		}
		member := v.member(key, node)
		first, twice := m.at[member.name]
		switch {
		case key.Tag == "!!merge":
			merged = append(merged, r.sources(v, member)...)
		case twice:
			r.report(member, "", "is given twice, first in line %d; remove one", m.list[first].line)
		default:
			m.add(member)
		}
	}
	return merged
}

// sources are the mappings that a merge key names, one or a list of them (https://yaml.org/type/merge.html). Their keys
// count as the parent's.
func (r *reader) sources(parent, merge value) []value {
	named := []value{merge}
	if merge.node.Kind == yaml.SequenceNode {
		named, _ = r.items(merge)
	}
	var mappings []value
	for _, source := range named {
		if r.is(source, yaml.MappingNode) {
			source.path = parent.path
			mappings = append(mappings, source)
		}
	}
	return mappings
}

// inherit adds what m does not have yet. deep lets mappings that both have go on to merge.
func (r *reader) inherit(m *members, source value, deep bool) {
	source.borrowed = true
	theirs, _ := r.members(source)
	for _, member := range theirs.list {
		i, known := m.at[member.name]
		switch {
		case !known:
			m.add(member)
		case deep:
			m.list[i].base = &member
		}
	}
}

func (m *members) add(v value) {
	m.at[v.name] = len(m.list)
	m.list = append(m.list, v)
}

// find returns a member, or the place where it would be.
func (m *members) find(parent value, name string) value {
	if i, ok := m.at[name]; ok {
		return m.list[i]
	}
	return parent.absent(name)
}

// items returns the elements of a list. ok is false when the value is not a list.
func (r *reader) items(v value) (list []value, ok bool) {
	if v.empty() {
		return nil, true
	}
	if !r.is(v, yaml.SequenceNode) || !r.spend(v, len(v.node.Content)) {
		return nil, false
	}
	for i, node := range v.node.Content {
		list = append(list, v.item(i, node))
	}
	return list, true
}
