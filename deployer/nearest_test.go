package deployer_test

import (
	"slices"
	"strings"
	"testing"

	"fisherman/deployer"
)

func TestNearest(t *testing.T) {
	known := []string{"api", "blackboards", "web", "web-2", "worker"}
	tests := map[string][]string{
		"wbe":                        {"web"}, // two letters out of place
		"WEB":                        {"web", "web-2"},
		"web1":                       {"web", "web-2"},
		"blackbords":                 {"blackboards"},
		"black":                      {},
		"workers":                    {"worker"},
		"":                           {},
		"nothing-like":               {},
		"wéb":                        {"web"},
		strings.Repeat("web", 1<<20): {},
	}
	for word, want := range tests {
		if got := deployer.Nearest(word, known); !slices.Equal(got, want) {
			t.Errorf("%.20q: got %q, want %q", word, got, want)
		}
	}
	if got := deployer.Nearest("ap", []string{"api", "apt", "ab"}); !slices.Equal(got, []string{"api", "apt", "ab"}) {
		t.Errorf("equally near ones are not in the order given: %q", got)
	}
}
