package main

import (
	"testing"

	configuration "fisherman/server/config"
)

// TestAPlanSaysWhetherASecretIsNew without saying what it is.
func TestAPlanSaysWhetherASecretIsNew(t *testing.T) {
	const is = "[redacted]"
	for want, c := range map[string]configuration.Change{
		"    + key: a secret":                             {Path: "key", Secret: true, New: is},
		"    - key: a secret":                             {Path: "key", Secret: true, Old: is},
		"    ~ key: a secret that has changed":            {Path: "key", Secret: true, Old: is, New: is},
		"    ! key: a secret that has changed  (restart)": {Path: "key", Secret: true, Old: is, New: is, Effect: configuration.Restart},
		"    + key: 3":                                    {Path: "key", New: "3"},
		"    ~ key: 3 → 4  (in place)":                    {Path: "key", Old: "3", New: "4", Effect: configuration.InPlace},
	} {
		got := ""
		for _, p := range changeLine(c) {
			got += p.text
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
