package webhooks

import (
	"net/http"
	"slices"
	"testing"
)

func TestPing(t *testing.T) {
	got := parsed(t, "ping", payload(t, "ping.json"))
	if got.Ignored != "" || got.Ping == nil || len(got.Ping.Warnings) != 0 {
		t.Errorf("a well-made webhook: %+v, %+v", got, got.Ping)
	}
}

// An organisation's ping names no repository, and still is told what is wrong.
func TestPingOfAnOrganization(t *testing.T) {
	got := parsed(t, "ping", payload(t, "ping-organization.json"))
	want := []string{
		"the webhook's content type is not JSON: choose application/json in its settings",
		"the webhook does not verify TLS: enable SSL verification in its settings",
		"the webhook does not send pushes: choose the event push in its settings",
		"the webhook does not send packages: choose the event package in its settings",
	}
	if got.Ignored != "the delivery names no repository" || got.Ping == nil || !slices.Equal(got.Ping.Warnings, want) {
		t.Errorf("got %+v with %+v", got, got.Ping)
	}
}

func TestPingSettings(t *testing.T) {
	type config = map[string]any
	tests := []struct {
		name     string
		value    any
		path     []string
		warnings int
	}{
		{"everything", []string{"*"}, []string{"hook", "events"}, 0},
		{"a GitHub App's packages", []string{"push", "registry_package"}, []string{"hook", "events"}, 0},
		{"pushes alone", []string{"push"}, []string{"hook", "events"}, 1},
		{"packages alone", []string{"package"}, []string{"hook", "events"}, 1},
		{"nothing", []string{}, []string{"hook", "events"}, 2},
		{"events not shown", nil, []string{"hook", "events"}, 0},
		{"settings not shown", nil, []string{"hook", "config"}, 0},
		{"no hook", nil, []string{"hook"}, 0},
		{"a number for TLS", config{"insecure_ssl": 1}, []string{"hook", "config"}, 1},
		{"a null for TLS", config{"insecure_ssl": nil}, []string{"hook", "config"}, 0},
		{"form-encoded", config{"content_type": "form"}, []string{"hook", "config"}, 1},
		{"a strange last response", "none", []string{"hook", "last_response"}, 0},
	}
	for _, tt := range tests {
		got := parsed(t, "ping", altered(t, "ping.json", tt.value, tt.path...))
		if got.Ping == nil || len(got.Ping.Warnings) != tt.warnings {
			t.Errorf("%s: %+v, want %d warnings", tt.name, got.Ping, tt.warnings)
		}
	}
	refused(t, configured(), deliver(secret, "ping", altered(t, "ping.json", "push", "hook", "events")), http.StatusBadRequest)
}
