package config_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/server/config"
)

func TestTasks(t *testing.T) {
	got := parse(t, `
github: { secret: s }
defaults: { before: { args: [migrate], deadline: 30m } }
services:
  a: { repository: o/a, image: ghcr.io/o/a, after: { args: [warm, ""] } }
  b: { repository: o/b, image: ghcr.io/o/b, before: { args: [rake, db:migrate] } }
  c: { repository: o/c, image: ghcr.io/o/c, before: }
`)
	equal(t, got.Services[0].Before, deployer.Task{Args: []string{"migrate"}, Deadline: 30 * time.Minute})
	equal(t, got.Services[0].After, deployer.Task{Args: []string{"warm", ""}, Deadline: 10 * time.Minute})
	equal(t, got.Services[1].Before, deployer.Task{Args: []string{"rake", "db:migrate"}, Deadline: 30 * time.Minute})
	equal(t, got.Services[2].Before, deployer.Task{})
}

func TestTasksThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"before: [migrate]":                       "services.web.before: must be a mapping (key: value) and is a list",
		"before: {}":                              "services.web.before.args: is required: what is run to its end",
		"after: { args: [] }":                     "services.web.after.args: is an empty list; write the command",
		"before: { args: migrate }":               "services.web.before.args: must be a list and is a single value",
		"before: { args: [x], deadline: 0s }":     "services.web.before.deadline: \"0s\": must be from 1s to 24h0m0s",
		"before: { args: [x], timeout: 1m }":      "services.web.before.timeout: unknown key",
		"before: { args: [\"a\\0b\"] }":           "services.web.before.args[0]: ",
		"before: { args: [x], deadline: 10 }":     "has no unit; write `10s` for seconds",
		"after: { args: [x], deadline: 1m, a: 1}": "services.web.after.a: unknown key",
	} {
		_, err := config.Parse([]byte(service(text)), environment)
		if !errors.As(err, new(config.Problems)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
