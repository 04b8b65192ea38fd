package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"fisherman/server/config"
)

var updateReadme = flag.Bool("update-readme", false, "rewrite README's table of configuration keys")

// TestReadmeConfigTable holds README's table to the schema that reads the configuration.
func TestReadmeConfigTable(t *testing.T) {
	const path, begin, end = "../../README.md", "<!-- config: begin -->\n", "<!-- config: end -->"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(raw), begin)
	table, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("README.md lacks the markers %q and %q", begin, end)
	}
	want := configTable()
	if *updateReadme {
		if err := os.WriteFile(path, []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != want {
		t.Errorf("README.md's table of keys is not what the program reads; run go test ./cmd/fisherman -run Readme -update-readme\n got:\n%s\nwant:\n%s", table, want)
	}
}

func configTable() string {
	var b strings.Builder
	b.WriteString("| key | type | default | meaning |\n|---|---|---|---|\n")
	for _, k := range config.Keys() {
		byDefault := ""
		switch {
		case k.Default != "":
			byDefault = "`" + k.Default + "`"
		case k.Required:
			byDefault = "required"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Path, k.Type, byDefault, strings.ReplaceAll(k.Meaning, "|", "\\|"))
	}
	return b.String()
}

// TestReadmeCommands holds README's list of commands to the program's.
func TestReadmeCommands(t *testing.T) {
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range newRoot().Commands() {
		use := strings.ReplaceAll(cmd.Use, "|", `\|`) // in a table
		if !cmd.Hidden && !strings.Contains(string(raw), "| `fisherman "+use) {
			t.Errorf("README.md does not list `fisherman %s`", cmd.Use)
		}
	}
}
