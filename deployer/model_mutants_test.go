package deployer_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutant is a bug planted on purpose: a piece of a source file, and what stands there instead.
type mutant struct {
	file, old, new string
	breaks         string // the invariant that finds it
}

// mutants are mistakes that are easily made and that no single step shows.
func mutants() map[string]mutant {
	return map[string]mutant{
		"queue a deployment again whose switch is in the route file": {
			"restore.go", "d.State == Switching && isLive:", "d.State == Switching && isLive && false:", "endings are true",
		},
		"stop the old release before its drain is over": {
			"drain.go", "\t\tl.drain(l.life, j, release, drain)\n", "\t\t_ = drain\n", "drained before it is stopped",
		},
		"let a look-up bring back what was judged": {
			"lookup.go", "if err != nil || judged || l.live != nil && l.live.Digest == digest {", "if err != nil || judged && false || l.live != nil && l.live.Digest == digest {",
			"what is judged does not come back by itself",
		},
		"keep up what was stopped for its successor": {
			"keepup.go", "if up || l.halted || ", "if up || ", "recreate runs one release at a time",
		},
		"start a release though its `before` failed": {
			"once.go", "\treturn l.runOnce(ctx, j, \"before\", l.release(j).Service.Before)\n", "\t_ = l.runOnce(ctx, j, \"before\", l.release(j).Service.Before)\n\treturn nil\n",
			"nothing starts before its `before` has ended",
		},
		"trust what is listed of a service that has just come back": {
			"restore.go", "mine[i].Up(1) && !l.returns && ", "mine[i].Up(1) && ", "which was stopped",
		},
		"tidy for a service before it is known what runs of it": {
			"follow.go", "if doubted(l.adopted) {", "if doubted(l.adopted) || true {", "is served by",
		},
		"forget the requests from before a service came back": {
			"reconcile.go", "l.before, l.finish = before, before.finish", "l.before = before", "drained before it is stopped",
		},
		"let a service that comes back wait for its routes until others have moved": {
			"restore.go", "\tl.compareRoutes()\n\tl.d.Traffic.Pause(", "\tl.d.Traffic.Pause(", "requests are still held back",
		},
	}
}

// TestTheModelFindsPlantedBugs runs TestModel on sources that have a bug each. A model that finds nothing proves nothing.
func TestTheModelFindsPlantedBugs(t *testing.T) {
	for name, m := range mutants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test := exec.Command("go", "test", "-vet=off", "-count=1", "-overlay", m.overlay(t), "-run", "^TestModel$", ".")
			test.Env = append(os.Environ(), "FISHERMAN_MODEL_WHOLE=1", "FISHERMAN_MODEL_RUNS=500", "FISHERMAN_MODEL_SEED=1")
			if out, err := test.CombinedOutput(); err == nil || !strings.Contains(string(out), m.breaks) {
				t.Errorf("the model test ended with %v and did not say %q:\n%.2000s", err, m.breaks, out)
			}
		})
	}
}

// overlay writes the changed file beside the sources; see `go help build`.
func (m mutant) overlay(t *testing.T) string {
	t.Helper()
	source, err := filepath.Abs(m.file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		t.Fatalf("%s has %q %d times, want it once: the mutant has to follow the code", m.file, m.old, n)
	}
	changed, overlay := filepath.Join(t.TempDir(), m.file), filepath.Join(t.TempDir(), "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{changed: []byte(strings.Replace(string(text), m.old, m.new, 1)), overlay: replace} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return overlay
}
