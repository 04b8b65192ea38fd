package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"fisherman/deployer"
	"fisherman/server/seal"
)

// ageKey is the environment variable that holds the identities themselves, where `secrets.identity` names no file.
const ageKey = "FISHERMAN_AGE_KEY"

// confidential is a text that is never shown: it stands there, with ${NAME}, or a mapping says where it is. A text that
// begins with `file:` is a text all the same: so do the URLs of databases.
type confidential struct {
	into  *Secret
	plain scalar[Secret]
	own   bool // fisherman uses it itself, and no container does
}

func (c confidential) read(r *reader, v value) {
	if v.node == nil || v.node.Kind != yaml.MappingNode {
		c.plain.read(r, v)
		return
	}
	if !r.is(v, yaml.MappingNode) || !r.spend(v, 1) {
		return
	}
	if len(v.node.Content) != 2 {
		r.report(v, "", "%s", elsewhere)
		return
	}
	// Nothing merges: neither merge keys, nor the value of `defaults`, which is replaced whatever form it has.
	member := v.member(v.node.Content[0], v.node.Content[1])
	switch member.name {
	case "file":
		c.fromFile(r, member)
	case "age":
		c.sealed(r, member)
	default: // not named: `{hunter2}` is a mapping, too
		hint := ""
		if near := nearest(member.name, []string{"file", "age"}); near != "" {
			hint = "; did you mean `" + near + "`?"
		}
		r.report(v, "", "%s, and holds another key%s", elsewhere, hint)
	}
}

// elsewhere says what a secret is that does not stand there itself.
const elsewhere = "must be a text, `{ file: PATH }` or `{ age: ENCRYPTED }`"

func (c confidential) describe(k Key) []Key { return c.plain.describe(k) }

func (c confidential) schema() node {
	text := form{}.schema(false)
	return node{"anyOf": []node{c.plain.schema(), {
		"type": "object", "properties": node{"file": text, "age": text}, "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
	}}}
}

// fromFile reads a secret as editors and `echo` leave it: one line break at its end does not count.
func (c confidential) fromFile(r *reader, v value) {
	var name string
	if fileName(&name).read(r, v); name == "" {
		return // that is a problem already
	}
	whole, err := r.readFile(v, name)
	text := strings.TrimSuffix(strings.TrimSuffix(whole, "\n"), "\r")
	switch {
	case err != nil:
	case len(whole) > seal.MaxText:
		err = fmt.Errorf("holds more than %d bytes; a secret is shorter, so is it the right file?", seal.MaxText)
	case !utf8.ValidString(text):
		err = errors.New("holds something else than text (UTF-8); write its base64 into it instead")
	case text == "" && !c.plain.blank:
		err = errors.New("is an empty file; write the value into it")
	default:
		*c.into, err = c.plain.parse(text)
	}
	if err != nil {
		*c.into = r.without(v, v.node.Value, err, c.needed(r))
	}
}

// needed is where a service says what its containers lack.
func (c confidential) needed(r *reader) *string {
	if c.own {
		return nil
	}
	return r.service
}

// sealed looks whether a value can be opened when it is needed, and leaves it as it is.
func (c confidential) sealed(r *reader, v value) {
	var ciphertext string
	scalar[string]{into: &ciphertext, hidden: true, parse: seal.Canonical}.read(r, v)
	switch {
	case ciphertext == "":
		return // that is a problem already
	case r.unusable != nil:
		if r.mayLack {
			*c.into = r.without(v, redacted, r.unusable, c.needed(r))
		}
		return // else that is a problem already
	case r.identities == nil:
		r.report(v, redacted, "there is no identity to open it with; name the file that `fisherman secrets keygen` has made as "+
			"`secrets.identity`, or set %s to its content", ageKey)
		return
	}
	this := opening{ciphertext, c.own}
	err, known := r.opens[this] // `defaults` bring one in for each service
	if !known {
		err = c.opens(r, ciphertext)
		r.opens[this] = err
	}
	if err != nil {
		*c.into = r.without(v, redacted, err, c.needed(r))
		return
	}
	*c.into = deployer.Sealed(ciphertext, r.identities)
}

// opening is a look at a ciphertext: at what begins it, or at all of it.
type opening struct {
	ciphertext string
	whole      bool
}

// opens tells why a value cannot be opened. What fisherman is about to use itself is looked at whole, so that what is damaged
// inside is a problem of the configuration, and not of the next start; what a container gets is opened for no other reason.
func (c confidential) opens(r *reader, ciphertext string) error {
	if !c.own {
		return r.identities.Check(ciphertext)
	}
	text, err := r.identities.Open(ciphertext)
	if err == nil && text == "" {
		err = errors.New("holds nothing; encrypt the value")
	}
	if err == nil {
		_, err = c.plain.parse(text)
	}
	return err
}

// identity is the file whose identities open what is encrypted. It comes before all that may be.
type identity struct{}

func (identity) read(r *reader, v value) {
	if v.node == nil {
		if text, set := r.getenv(ageKey); set && text != "" {
			r.open(v, "", []byte(text), ageKey+" ")
		}
		return
	}
	var name string
	fileName(&name).read(r, v)
	if name == "" {
		r.unusable = errors.New("there is no identity to open it with")
		return // that is a problem already
	}
	text, err := r.readFile(v, name)
	if err != nil {
		r.unusable = err
		r.without(v, v.node.Value, err, nil)
		return
	}
	r.open(v, v.node.Value, []byte(text), "")
}

func (r *reader) open(v value, shown string, raw []byte, subject string) {
	var err error
	if r.identities, err = seal.ParseIdentities(raw); err != nil {
		r.unusable = fmt.Errorf("%s%w", subject, err)
		r.without(v, shown, r.unusable, nil)
	}
}

func (identity) schema() node { return form{}.schema(false) }

func (identity) describe(k Key) []Key {
	k.Type = "path"
	return []Key{k}
}
