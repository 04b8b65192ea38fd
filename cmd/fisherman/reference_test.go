package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var updateReference = flag.Bool("update-reference", false, "rewrite COMMANDS.md")

// TestCommandReference holds COMMANDS.md to the commands' own help. It is made here, and not by cobra/doc, so that nothing
// of it is in the binary or in go.mod.
func TestCommandReference(t *testing.T) {
	const path = "COMMANDS.md"
	want := reference()
	if *updateReference {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("COMMANDS.md is not what --help says; run go test ./cmd/fisherman -run Reference -update-reference")
	}
}

func TestEveryCommandHasExamples(t *testing.T) {
	for _, cmd := range visible() {
		for line := range strings.Lines(cmd.Example) {
			if !strings.HasPrefix(line, "  "+cmd.CommandPath()) {
				t.Errorf("%s: the example %q is none of it", cmd.CommandPath(), line)
			}
		}
		if cmd.Example == "" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
	}
}

func visible() []*cobra.Command { return below(newRoot()) }

func below(parent *cobra.Command) (all []*cobra.Command) {
	for _, cmd := range parent.Commands() {
		if !cmd.Hidden {
			all = append(append(all, cmd), below(cmd)...)
		}
	}
	return all
}

func reference() string {
	var b strings.Builder
	b.WriteString("# Commands\n\nMade from the commands' own `--help` by a test. Exit codes: 0 done, 1 failed, 2 wrong usage. Results go to stdout,\n" +
		"everything else to stderr. What `--json` prints has the shapes of the API: [openapi.yaml](../../server/openapi.yaml).\n")
	for _, cmd := range visible() {
		cmd.InitDefaultHelpFlag()
		fmt.Fprintf(&b, "\n## fisherman %s\n\n%s.\n", cmd.Name(), cmd.Short)
		if cmd.Long != "" {
			fmt.Fprintf(&b, "\n%s\n", cmd.Long)
		}
		fmt.Fprintf(&b, "\n```\n%s\n```\n\n```sh\n%s\n```\n\n```\n%s```\n",
			cmd.UseLine(), strings.ReplaceAll("\n"+cmd.Example, "\n  ", "\n")[1:], cmd.LocalFlags().FlagUsages())
	}
	return b.String()
}
