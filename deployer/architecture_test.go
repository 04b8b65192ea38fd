package deployer_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"fisherman/deployer"
)

var update = flag.Bool("update", false, "rewrite the state diagram of ARCHITECTURE.md")

// TestArchitectureHoldsTheDiagram compares the code block below the heading with the transition table. Mutant: a step
// taken out of transitions.
func TestArchitectureHoldsTheDiagram(t *testing.T) {
	const file, heading, fence = "../ARCHITECTURE.md", "\n## One deployment\n", "```"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, section, found := strings.Cut(string(raw), heading)
	prose, block, opened := strings.Cut(section, fence+"\n")
	diagram, after, closed := strings.Cut(block, fence)
	if !found || !opened || !closed {
		t.Fatalf("%s has no code block below %q", file, strings.TrimSpace(heading))
	}
	if *update {
		text := before + heading + prose + fence + "\n" + deployer.Diagram() + fence + after
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diagram != deployer.Diagram() {
		t.Errorf("%s shows\n%s\nbut the table is\n%s\nrun: go test ./deployer -run Diagram -update", file, diagram, deployer.Diagram())
	}
}
