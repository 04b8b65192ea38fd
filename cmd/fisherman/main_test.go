package main

import (
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"fisherman/deployer/deployertest"
)

// TestMain lets scripts and tests run this very test binary as `fisherman`, so that the program is tested with the race
// detector whenever the tests are.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"fisherman": main})
}

var updateScripts = flag.Bool("update-scripts", false, "rewrite what scripts compare with by what there is")

// TestScripts runs testdata/script: one behaviour of the program a script, each on a Docker network, a registry and a
// state directory of its own. See commands_test.go for what scripts can say.
func TestScripts(t *testing.T) {
	app := deployertest.App(t)
	testscript.RunT(heard{t}, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *updateScripts,
		Cmds:          commands(),
		Setup: func(env *testscript.Env) error {
			s := newStage(env.T().(testing.TB), app, env.WorkDir)
			env.Values[stageKey{}] = s
			env.Vars = append(env.Vars, s.vars()...)
			return s.defaultConfig()
		},
	})
}

// TestScriptsRunToTheirEnd: testscript has a `stop` of its own, before any word of ours, which ends a script as passed.
func TestScriptsRunToTheirEnd(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(scripts) < 15 {
		t.Fatalf("found scripts %v, %v", scripts, err)
	}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`(?m)^\s*(\[.*\]\s*)?stop(\s|$)`).Match(text) {
			t.Errorf("%s stops before its end; say terminate to end the server", script)
		}
	}
}

// TestDemo runs testdata/demo with the binary that people get: the demo's image holds nothing but that binary, so it has
// to be static.
func TestDemo(t *testing.T) {
	testscript.RunT(heard{t}, testscript.Params{
		Dir:  "testdata/demo",
		Cmds: commands(),
		Setup: func(env *testscript.Env) error {
			bin := env.T().(testing.TB).TempDir()
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			s := newStage(env.T().(testing.TB), nil, env.WorkDir)
			s.network = "" // the demo makes one of its own
			env.Values[stageKey{}] = s
			env.Vars = append(env.Vars, s.vars()...)
			return buildStatic(filepath.Join(bin, "fisherman"))
		},
	})
}

// buildStatic makes a binary with a version of its own, so that a demo's images are different from any other demo's.
func buildStatic(file string, flags ...string) error {
	static := []string{"build", "-trimpath", "-ldflags=-s -w -X main.release=" + rand.Text(), "-o", file}
	build := exec.Command("go", append(append(static, flags...), ".")...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the static binary: %w\n%s", err, out)
	}
	return nil
}
