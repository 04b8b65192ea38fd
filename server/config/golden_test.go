package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fisherman/server/config"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const fixtures = "../../testdata/config"

// environment is what the fixtures take from the environment.
func environment(name string) (string, bool) {
	value, ok := map[string]string{
		"GITHUB_WEBHOOK_SECRET": "hunter2-webhook",
		"GITHUB_TOKEN":          "hunter2-github",
		"DISCORD_TOKEN":         "hunter2-discord",
		"GHCR_TOKEN":            "hunter2-ghcr",
		"FISHERMAN_TOKEN":       "hunter2-api",
		"BLACKBOARDS_SECRET":    "hunter2-blackboards",
		"EMPTY":                 "",
		"ADDRESS":               "ftp://example.com",
	}[name]
	return value, ok
}

// load reads a configuration, and what it names beside itself.
func load(path string, getenv func(string) (string, bool)) (*config.Config, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return config.Surroundings{Getenv: getenv, ReadFile: func(name, _ string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), name)
		}
		return os.ReadFile(name)
	}}.Parse(raw)
}

// TestMistakes holds what people are told about each fixture to its golden file.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob(fixtures + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := load(file, environment)
			var problems config.Problems
			if err != nil && !errors.As(err, &problems) {
				t.Fatalf("got %v, want problems", err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", problems)
		})
	}
}

func golden(t *testing.T, file string, problems config.Problems) {
	t.Helper()
	got := "no problems\n"
	if len(problems) > 0 {
		got = problems.Error() + "\n"
	}
	// In the fixtures every secret holds hunter2.
	if strings.Contains(got, "hunter2") {
		t.Errorf("a secret shows in:\n%s", got)
	}
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
