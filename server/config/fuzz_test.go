package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fisherman/server/config"
)

// FuzzParse: whatever the text, the answer is a whole configuration or problems of one line each, and no panic.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob(fixtures + "/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("a: &a [*a]\nservices: { <<: *a }"))
	f.Add([]byte("services: &s { a: *s, <<: [*s, *s] }"))
	f.Add([]byte("defaults: &d { environment: *d }\nservices: { a: *d }"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := config.Parse(raw, environment)
		var problems config.Problems
		switch {
		case err == nil && (got == nil || len(got.Services) == 0):
			t.Error("neither services nor problems")
		case err != nil && (!errors.As(err, &problems) || len(problems) == 0):
			t.Errorf("not problems: %v", err)
		}
		for _, problem := range problems {
			if text := problem.Error(); problem.Message == "" || strings.Contains(text, "\n") {
				t.Errorf("not one line: %q", text)
			}
		}
	})
}
