package main

import (
	"bytes"
	"debug/buildinfo"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"
)

// failpoint is the variable that tells a binary with failpoints where to die: "before switching", or "before
// switching:2" for the second time.
const failpoint = "FISHERMAN_KILL_AT"

// TestAReleaseHasNoFailpoints builds both binaries: the one with failpoints knows their variable, the one that users run
// does not. Mutant: reached_failpoints.go without its build tag.
func TestAReleaseHasNoFailpoints(t *testing.T) {
	for _, build := range []struct {
		flags []string
		has   bool
	}{{nil, false}, {[]string{"-tags=failpoints"}, true}} {
		file := filepath.Join(t.TempDir(), "fisherman")
		if err := buildStatic(file, build.flags...); err != nil {
			t.Fatal(err)
		}
		binary, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if has := bytes.Contains(binary, []byte(failpoint)); has != build.has {
			t.Errorf("built with %q it has failpoints: %t, want %t", build.flags, has, build.has)
		}
		info, err := buildinfo.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tagged := slices.Contains(info.Settings, debug.BuildSetting{Key: "-tags", Value: "failpoints"})
		if tagged != build.has {
			t.Errorf("built with %q it says that it is tagged: %t, want %t", build.flags, tagged, build.has)
		}
	}
}
