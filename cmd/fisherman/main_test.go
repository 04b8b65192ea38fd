package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"fisherman/deployer/deployertest"
)

// TestMain lets scripts and tests run this very test binary as `fisherman`, so that the program is tested with the race
// detector whenever the tests are.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"fisherman": main})
}

// TestScripts runs testdata/script: one behaviour of the program a script, each on a Docker network, a registry and a
// state directory of its own. See commands_test.go for what scripts can say.
func TestScripts(t *testing.T) {
	app := deployertest.App(t)
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: commands(),
		Setup: func(env *testscript.Env) error {
			s := newStage(env.T().(testing.TB), app, env.WorkDir)
			env.Values[stageKey{}] = s
			env.Vars = append(env.Vars, s.vars()...)
			return s.defaultConfig()
		},
	})
}

// TestDemo runs testdata/demo with the binary that people get: the demo's image holds nothing but that binary, so it has
// to be static.
func TestDemo(t *testing.T) {
	testscript.Run(t, testscript.Params{
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
func buildStatic(file string) error {
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -X main.release="+rand.Text(), "-o", file, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the static binary: %w\n%s", err, out)
	}
	return nil
}
