package config_test

import (
	"fmt"
	"strings"
	"testing"

	"fisherman/server/config"
)

// TestAPlanShowsNoFile: that one has changed, and not to what.
func TestAPlanShowsNoFile(t *testing.T) {
	was, err := beside{"f": "hunter2 before"}.parse(service("files: { /etc/x: { source: f } }"))
	if err != nil {
		t.Fatal(err)
	}
	now, err := beside{"f": "hunter2 after"}.parse(service("files: { /etc/x: { source: f } }"))
	if err != nil {
		t.Fatal(err)
	}
	plan := config.Compare(was, now)
	if text := fmt.Sprintf("%+v", plan); plan.IsEmpty() || strings.Contains(text, "hunter2") || !strings.Contains(text, "files") {
		t.Errorf("the plan is %s", text)
	}
}
