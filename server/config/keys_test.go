package config_test

import (
	"slices"
	"strings"
	"testing"

	"fisherman/server/config"
)

// TestKeys: every key of the contract is documented, once, with a meaning and a type.
func TestKeys(t *testing.T) {
	var paths []string
	for _, key := range config.Keys() {
		if key.Meaning == "" || key.Type == "" {
			t.Errorf("%s: no meaning or type: %+v", key.Path, key)
		}
		if key.Required && key.Default != "" {
			t.Errorf("%s is required and has a default", key.Path)
		}
		paths = append(paths, key.Path)
	}
	equal(t, paths, []string{
		"secrets.identity", "github.secret", "github.token", "github.api",
		"discord.token", "discord.channel_id", "discord.api",
		"registries.HOST.username", "registries.HOST.password", "registries.HOST.mirror",
		"server.listen", "server.host", "server.token",
		"proxy.http", "proxy.https", "proxy.acme.email", "proxy.acme.directory", "proxy.acme.roots",
		"proxy.certificates[].cert", "proxy.certificates[].key", "proxy.trusted_proxies[]",
		"proxy.access_log.file", "proxy.access_log.sample",
		"docker.host", "docker.network", "state", "defaults",
		"services.NAME.repository", "services.NAME.secret", "services.NAME.follow", "services.NAME.image",
		"services.NAME.tag", "services.NAME.replicas",
		"services.NAME.routes[].host", "services.NAME.routes[].prefix", "services.NAME.routes[].port",
		"services.NAME.routes[].tls", "services.NAME.routes[].client_ca",
		"services.NAME.health.path", "services.NAME.health.port", "services.NAME.health.deadline",
		"services.NAME.health.successes",
		"services.NAME.environment.NAME", "services.NAME.env_file",
		"services.NAME.files.PATH.content", "services.NAME.files.PATH.source", "services.NAME.files.PATH.mode", "services.NAME.files.PATH.owner",
		"services.NAME.args[]",
		"services.NAME.before.args[]", "services.NAME.before.deadline", "services.NAME.after.args[]", "services.NAME.after.deadline",
		"services.NAME.strategy", "services.NAME.drain",
		"services.NAME.stop", "services.NAME.bake", "services.NAME.retain",
		"services.NAME.resources.memory", "services.NAME.resources.cpus", "services.NAME.resources.pids",
		"services.NAME.volumes[]", "services.NAME.ports[]",
		"services.NAME.entrypoint[]", "services.NAME.user", "services.NAME.extra_hosts[]", "services.NAME.labels.NAME",
		"services.NAME.cap_add[]", "services.NAME.cap_drop[]", "services.NAME.read_only", "services.NAME.tmpfs[]",
	})
}

// TestKeysSayWhatIsSo: writing a documented default changes nothing.
func TestKeysSayWhatIsSo(t *testing.T) {
	base := "github: { secret: s }\nservices: { web: { repository: o/web, image: ghcr.io/o/web, files: { /a: { content: x } }, routes: [{ host: a.pl, port: 80 }] } }"
	want := parse(t, base)
	var tried int
	for _, key := range config.Keys() {
		name := key.Path[strings.LastIndex(key.Path, ".")+1:]
		written := name + ": '" + key.Default + "'"
		text, expected := "", want
		switch section := strings.Split(key.Path, ".")[0]; {
		case key.Default == "" || key.Path == "defaults" || section == "discord" || key.Path == "proxy.acme.directory":
			continue
		case strings.HasPrefix(key.Path, "proxy.access_log."):
			text = base + "\nproxy: { access_log: { " + written + " } }"
		case key.Path == "state":
			text = base + "\n" + written
		case strings.Contains(key.Path, "files.PATH."):
			text = strings.Replace(base, "content: x", "content: x, "+written, 1)
		case strings.Contains(key.Path, "routes[]"):
			text = strings.Replace(base, "port: 80", "port: 80, "+written, 1)
		case strings.Contains(key.Path, "health."):
			text = strings.Replace(base, "routes:", "health: { "+written+" }, routes:", 1)
		case strings.Contains(key.Path, "before."), strings.Contains(key.Path, "after."):
			task := strings.Split(key.Path, ".")[2] + ": { args: [x]"
			text = strings.Replace(base, "routes:", task+", "+written+" }, routes:", 1)
			expected = parse(t, strings.Replace(base, "routes:", task+" }, routes:", 1))
		case section == "services":
			text = strings.Replace(base, "routes:", written+", routes:", 1)
		case section == "github":
			text = strings.Replace(base, "secret: s", "secret: s, "+written, 1)
		default:
			text = base + "\n" + section + ": { " + written + " }"
		}
		equal(t, *parse(t, text), *expected)
		tried++
	}
	if tried < 15 {
		t.Errorf("tried %d defaults", tried)
	}
}

func TestUnknownKeys(t *testing.T) {
	for written, want := range map[string]string{
		"githb: x":            "githb: unknown key; did you mean `github`?",
		"Github: x":           "Github: unknown key; did you mean `github`?",
		"service: x":          "service: unknown key; did you mean `services`?",
		"github: {tokens: x}": "github.tokens: unknown key; did you mean `token`?",
		"github: {x: y}":      "github.x: unknown key; known here: secret, token, api",
		"server: {a b: y}":    "server.\"a …\": unknown key; known here: listen, host, token",
		"\"a\\nb\": x": "\"a\\n…\": unknown key; known here: secrets, github, discord, registries, server, proxy, docker, state, " +
			"defaults, services",
	} {
		_, err := config.Parse([]byte(written), environment)
		if err == nil || !slices.Contains(strings.Split(err.Error(), "\n"), want) {
			t.Errorf("%s: got\n%v\nwant\n%s", written, err, want)
		}
	}
}
