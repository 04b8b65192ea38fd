package config_test

import (
	"fmt"
	"strings"
	"testing"

	"fisherman/server/config"
)

// TestSmallFilesThatStandForImmenseOnes would not end if what aliases and defaults bring in were not counted.
func TestSmallFilesThatStandForImmenseOnes(t *testing.T) {
	const wayTooMuch = "aliases, `defaults` and files of variables come to more than 50000 values; write fewer of them"
	variables := repeated("V%d=x\n", 1000)
	for name, text := range map[string]string{
		"a merge of itself": "services: { <<: &a { <<: [*a, *a] } }",
		"merges of merges":  merges(40) + "services: { web: *m40 }",
		"defaults": fmt.Sprintf("defaults: { environment: { %s } }\nservices: { %s }",
			repeated("K%d: x, ", 5000), repeated("s%d: {}, ", 5000)),
		"long texts": fmt.Sprintf("defaults: { args: [&a '%s'%s] }\nservices: { web: {} }",
			strings.Repeat("$", 200_000), repeated(", *a", 100_000)),
		"one file of variables in each service": "services: { " + repeated("s%d: { env_file: f }, ", 100) + " }",
		"another name of it":                    service("env_file: [" + repeated("./%d/../f, ", 100) + "]"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Surroundings{Getenv: environment, ReadFile: func(string, string) ([]byte, error) {
				return []byte(variables), nil
			}}.Parse([]byte(text))
			if err == nil || err.Error() != wayTooMuch {
				t.Errorf("got %.300v", err)
			}
		})
	}
}

// TestLargeEnvironment: a variable may be named often, but not without end.
func TestLargeEnvironment(t *testing.T) {
	large := func(string) (string, bool) { return strings.Repeat("x", 1<<20), true }
	_, err := config.Parse([]byte(service("args: ['"+repeated("${LARGE}", 50_000)+"']")), large)
	if err == nil || !strings.Contains(err.Error(), "is longer than 1048576 bytes with the environment's values") {
		t.Errorf("got %.300v", err)
	}
}

// TestOrdinaryUse: what people do write is far from the bounds.
func TestOrdinaryUse(t *testing.T) {
	got := parse(t, fmt.Sprintf("github: { secret: s }\ndefaults: { environment: { %s } }\nservices: { %s }",
		repeated("K%d: x, ", 50), repeated("s%d: { repository: o/r%[1]d, image: ghcr.io/o/r%[1]d }, ", 200)))
	equal(t, len(got.Services), 200)
	equal(t, len(got.Services[199].Environment), 50)
}

// merges are mappings that each take the one before twice, m0 to mN.
func merges(n int) string {
	text := "m0: &m0 { tag: x }\n"
	for i := range n {
		text += fmt.Sprintf("m%d: &m%d { <<: [*m%d, *m%d] }\n", i+1, i+1, i, i)
	}
	return text
}

// repeated is a format n times, with its number where it asks for one.
func repeated(format string, n int) string {
	var b strings.Builder
	for i := range n {
		if strings.Contains(format, "%") {
			fmt.Fprintf(&b, format, i)
		} else {
			b.WriteString(format)
		}
	}
	return b.String()
}
