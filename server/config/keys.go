package config

import "fisherman/deployer"

// Key is one row of the documentation of fisherman.yaml.
type Key struct {
	Path     string // services.NAME.routes[].port
	Type     string // in words
	Default  string // as it would be written; empty when there is none
	Required bool
	Meaning  string
}

// Keys lists every key there is, in the order in which the documentation shows them. It is the schema that Parse reads
// by, so it cannot be out of date.
func Keys() []Key { return new(draft).keys().describe(Key{}) }

// nearest returns what was probably meant by a word, or nothing when no known word is near.
func nearest(word string, known []string) string {
	return append(deployer.Nearest(word, known), "")[0]
}
