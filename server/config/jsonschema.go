package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// node is a JSON Schema, or a part of one (https://json-schema.org/draft/2020-12).
type node map[string]any

// JSONSchema returns the schema of fisherman.yaml for editors. It is made from what Parse reads by. What Parse accepts it
// accepts, too; what no value shows by itself, such as a route that two services want, only Parse finds.
func JSONSchema() ([]byte, error) {
	d := new(draft)
	root := d.keys().schema()
	root["type"] = "object"
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "fisherman.yaml"
	root["description"] = "How fisherman deploys apps to one machine. ${NAME} is taken from the environment, $$ is a dollar sign."
	service := serviceKeys(new(serviceDraft))
	root["$defs"] = node{"service": optionally(service).schema()}
	root["allOf"] = requiredOfServices(service)
	raw, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("make the JSON Schema: %w", err)
	}
	return append(raw, '\n'), nil
}

// requiredOfServices: a service needs a key unless `defaults` has it for all.
func requiredOfServices(service mapping) (all []node) {
	for _, k := range service {
		if k.required {
			needs := []string{k.name}
			all = append(all, node{
				"if": node{
					"required":   []string{"defaults"},
					"properties": node{"defaults": node{"type": "object", "required": needs}},
				},
				"else": node{"properties": node{"services": node{"additionalProperties": node{"required": needs}}}},
			})
		}
	}
	return all
}

// optionally is a mapping of which nothing is required.
func optionally(m mapping) mapping {
	m = slices.Clone(m)
	for i := range m {
		m[i].required = false
	}
	return m
}

func (m mapping) schema() node {
	properties, required := node{}, []string{}
	for _, k := range m {
		property := k.kind.schema()
		if k.meaning != "" {
			property["description"] = k.meaning
		}
		if k.fallback != "" {
			property["default"] = asWritten(k.fallback)
		}
		properties[k.name] = property
		if k.required {
			required = append(required, k.name)
		}
	}
	n := node{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		n["required"] = required
	}
	return n
}

// asWritten is a default as it stands in YAML.
func asWritten(text string) any {
	var number json.Number
	switch {
	case text == "true" || text == "false":
		return text == "true"
	case json.Unmarshal([]byte(text), &number) == nil && decimal.MatchString(text):
		return number
	}
	return text
}

func (l list[T]) schema() node {
	return node{"type": []string{"array", "null"}, "items": l.item(new(T)).schema()}
}

func (d dictionary[T]) schema() node {
	n := node{"type": []string{"object", "null"}, "additionalProperties": d.entry(new(T)).schema()}
	if d.names != nil {
		n["propertyNames"] = d.names
	}
	return n
}

func (o optional[T]) schema() node { return o.kind(new(T)).schema() }

func (secrets) schema() node {
	one := secret(new(Secret)).schema()
	return node{"anyOf": []node{one, {"type": "array", "items": one, "minItems": 1}}}
}

func (defaults) schema() node { return oneService() }

func (inheriting) schema() node { return oneService() }

func oneService() node { return node{"$ref": "#/$defs/service"} }

func (w written) schema() node { return w.kind.schema() }

func (c checked) schema() node {
	n := c.kind.schema()
	maps.Copy(n, c.also)
	return n
}

func (s scalar[T]) schema() node { return s.form.schema(s.blank) }

// form is what a text must look like, as far as an editor can tell. The zero form is any text: a false alarm would be
// worse than none.
type form struct {
	pattern string   // of texts, as ECMA-262 and Go understand it
	words   []string // or one of these
	number  node     // or a number, within these bounds
	bare    bool     // what has the pattern may be something that YAML takes for a number or truth, such as 1.10
}

// reference is a text whose value is not there to be seen.
const reference = `\$[{$]`

func (f form) schema(blank bool) node {
	text := node{"type": "string", "pattern": reference}
	switch {
	case f.pattern != "":
		text["pattern"] = "(?:" + f.pattern + ")|" + reference
	case f.words == nil && f.number == nil:
		n := node{"type": []string{"string", "number", "boolean"}} // 1.10 and yes are the texts that they look like
		if !blank {
			n["minLength"] = 1
		}
		return n
	}
	either := []node{}
	if f.words != nil {
		either = append(either, node{"enum": f.words})
	}
	if f.number != nil {
		either = append(either, f.number)
	}
	if f.bare {
		either = append(either, node{"type": []string{"number", "boolean"}})
	}
	if len(either) == 0 {
		return text
	}
	return node{"anyOf": append(either, text)}
}

// like is the form of texts with a pattern.
func like(pattern string) form { return form{pattern: pattern} }

// bare is the same where YAML may take what is meant for something else than a text.
func bare(pattern string) form { return form{pattern: pattern, bare: true} }

// within is the form of numbers.
func within(kind string, least, most any) form {
	return form{pattern: `^[0-9.]+$`, number: node{"type": kind, "minimum": least, "maximum": most}}
}
