package webhooks

import (
	"fmt"
	"slices"

	"github.com/google/go-github/v57/github"
)

// parsePing reads a ping event and looks over the settings of the webhook that sent it.
//
// https://docs.github.com/webhooks/webhook-events-and-payloads#ping
func parsePing(payload []byte) (*Ping, error) {
	parsed, err := github.ParseWebHook(KindPing, pingMembers().pick(payload))
	event, ok := parsed.(*github.PingEvent)
	if err != nil || !ok {
		return nil, malformed(err)
	}
	hook := event.GetHook()
	if hook == nil {
		return &Ping{}, nil
	}
	return &Ping{Warnings: slices.Concat(configWarnings(hook.Config), eventWarnings(hook.Events))}, nil
}

func pingMembers() members {
	return members{"hook": {"events": nil, "config": nil}}
}

// configWarnings says nothing of settings that the ping does not show.
func configWarnings(config map[string]any) (warnings []string) {
	if kind, ok := config["content_type"]; ok && kind != "json" {
		warnings = append(warnings, "the webhook's content type is not JSON: choose application/json in its settings")
	}
	if fmt.Sprint(config["insecure_ssl"]) == "1" { // GitHub sends a string, its API also takes a number
		warnings = append(warnings, "the webhook does not verify TLS: enable SSL verification in its settings")
	}
	return warnings
}

func eventWarnings(events []string) (warnings []string) {
	if events == nil || slices.Contains(events, "*") {
		return nil
	}
	if !slices.Contains(events, "push") {
		warnings = append(warnings, "the webhook does not send pushes: choose the event push in its settings")
	}
	if !slices.Contains(events, "package") && !slices.Contains(events, "registry_package") {
		warnings = append(warnings, "the webhook does not send packages: choose the event package in its settings")
	}
	return warnings
}
