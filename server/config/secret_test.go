package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"go.yaml.in/yaml/v3"

	"fisherman/deployer"
	"fisherman/server/config"
)

// TestNoOutputShowsASecret prints secrets, what holds them and whole configurations in every way there is.
func TestNoOutputShowsASecret(t *testing.T) {
	raw, err := os.ReadFile(fixtures + "/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	whole := parse(t, strings.Replace(string(raw), "RUST_LOG: info", "PASSWORD: hunter2", 1))
	for name, v := range map[string]any{
		"secret":     deployer.Plain("hunter2"),
		"list":       []config.Secret{deployer.Plain("hunter2")},
		"github":     whole.GitHub,
		"discord":    whole.Discord,
		"registries": whole.Registries,
		"server":     whole.Server,
		"secrets":    whole.RepositorySecrets,
		"config":     whole,
		"value":      *whole,
	} {
		for way, text := range outputs(t, v) {
			if text == "" || strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) {
				t.Errorf("%s by %s: %s", name, way, text)
			}
		}
	}
	equal(t, reveal(t, deployer.Plain("hunter2")), "hunter2")
	equal(t, fmt.Sprint(deployer.Plain("hunter2")), "[redacted]")
}

// outputs are a value's texts by the way they were made.
func outputs(t *testing.T, v any) map[string]string {
	t.Helper()
	texts := map[string]string{"error": fmt.Errorf("wrapped: %v", v).Error()}
	for _, verb := range []string{"%v", "%s", "%+v", "%#v", "%q", "%x", "%X", "%d", "%10.3s"} {
		texts[verb] = fmt.Sprintf(verb, v)
	}
	for way, marshal := range map[string]func(any) ([]byte, error){"json": json.Marshal, "yaml": yaml.Marshal} {
		out, err := marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		texts[way] = string(out)
	}
	var log bytes.Buffer
	logger := zerolog.New(&log)
	logger.Info().Any("any", v).Interface("interface", v).Fields(map[string]any{"field": v}).Msgf("%v", v)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "any", v)
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "any", v)
	texts["log"] = log.String()
	return texts
}

// TestABlankIsMissingAfterTheColon: what to do is said, and the rest of such a key, which was meant as its value, is not shown.
func TestABlankIsMissingAfterTheColon(t *testing.T) {
	for text, want := range map[string]string{
		"github: {secret:hunter2}":                       "github.\"secret:…\": unknown key; write a blank after the colon: `secret: …`",
		"github: {secert:hunter2}":                       "github.\"secert:…\": unknown key; did you mean `secret`, with a blank after the colon?",
		service("environment: {PASSWORD:hunter2, B: c}"): "services.web.environment.\"PASSWORD:…\": has no value; write one, with a blank after the colon",
		"registries: { 127.0.0.1:5000: { usr: a } }":     "registries.127.0.0.1:5000.usr: unknown key",
	} {
		_, err := config.Parse([]byte(text), environment)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s:\n%v\nwant %s", text, err, want)
		}
	}
}

// TestNoProblemShowsASecret puts a secret where it does not belong.
func TestNoProblemShowsASecret(t *testing.T) {
	getenv := func(string) (string, bool) { return " hunter2 ", true }
	for _, text := range []string{
		"github: { secret: ' hunter2' }",
		"github: { secret: '${S}' }",
		"github: { secret: [ok, '${S}'] }",
		"github: { secret: { value: hunter2 } }",
		"github: { secret: hunter2, secret: hunter2 }",
		"github: { secert: hunter2 }",
		"github: hunter2",
		"github: { secret: 'hunter2${' }",
		"github: { secret: '${hunter2!}' }",
		"github: { secret: *hunter2 }",
		"github: { secret: !hunter2 x }",
		"github: { secret: !!null hunter2 }",
		"github: { secret: \"hunter2 }",
		"github: { secret: hunter2: }",
		"github: {secret:hunter2}",
		"github: {secret:\"hunter2\", token: x}",
		"github: {secret hunter2}",
		"github: {secret: {file:hunter2}}",
		"registries: { ghcr.io: { username: a, password:hunter2 } }",
		"registries: { ghcr.io:hunter2 }",
		"discord: { token:hunter2, channel_id: \"1\" }",
		service("environment: { PASSWORD:hunter2, B: c }"),
		service("environment: { PASSWORD:a=hunter2, B: c }"),
		service("environment: { PASSWORD hunter2, B: c }"),
		service("environment: { PASSWORD:hunter2: '${' }"),
		service("files: { /a: { content:hunter2 } }"),
		service("labels: { a:hunter2 }"),
		"registries: { ghcr.io: { password: [hunter2] } }",
		"registries: { ghcr.io: hunter2 }",
		"registries: { ghcr.io: { password: hunter2 } }",
		"github: { api: 'https://user:hunter2@example.com' }",
		"server: { host: 'https://user:hunter2@example.com' }",
		service("image: 'https://user:hunter2@ghcr.io/o/web'"),
		"discord: { token: [hunter2] }",
		service("environment: [PASSWORD=hunter2]"),
		service("environment: { PASSWORD=hunter2: }"),
		service("environment: { PASSWORD: [hunter2] }"),
		service("environment: PASSWORD=hunter2"),
		service("environment: { PASSWORD: \"hunter2\\0\" }"),
		service("environment: { PASSWORD: 'hunter2${' }"),
		service("secret: hunter2, environment: { PASSWORD: hunter2, PASSWORD: hunter2 }, x: hunter2"),
	} {
		_, err := config.Parse([]byte(text), getenv)
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(fmt.Sprintf("%#v", err), "hunter2") {
			t.Errorf("%s:\n%v", text, err)
		}
	}
}
