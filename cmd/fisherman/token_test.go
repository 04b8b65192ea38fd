package main

import (
	"testing"

	"fisherman/deployer"
)

// TestATokenThatCannotBeHad leaves the API to whoever may read the state directory, and to nobody else.
func TestATokenThatCannotBeHad(t *testing.T) {
	state := t.TempDir()
	made, err := token(deployer.Secret{}, state)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := token(deployer.Lacking("s3://b/token cannot be reached"), state)
	if err != nil || !kept.Equal(made) || kept.IsEmpty() {
		t.Errorf("it is not what the state directory holds, or empty: %v", err)
	}
	if known, err := token(deployer.Plain("configured"), state); err != nil || !known.Equal(deployer.Plain("configured")) {
		t.Errorf("the configured one: %v", err)
	}
}
