package config_test

import (
	"net/netip"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/server/config"
)

// parse returns the configuration of a text that has no problems.
func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	got, err := config.Parse([]byte(text), environment)
	if err != nil {
		t.Fatal(err)
	}
	if err := edited(t, text); err != nil {
		t.Errorf("an editor complains of what is right: %v", err)
	}
	return got
}

// reveal returns what a secret holds.
func reveal(t *testing.T, s config.Secret) string {
	t.Helper()
	text, err := s.Reveal()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func equal(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
}

func TestContractExample(t *testing.T) {
	got, err := load(fixtures+"/contract.yaml", environment)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got.GitHub, config.GitHub{
		Secrets: []config.Secret{deployer.Plain("hunter2-webhook")}, Token: deployer.Plain("hunter2-github"), API: "https://api.github.com",
	})
	equal(t, got.Discord, &config.Discord{
		Token: deployer.Plain("hunter2-discord"), ChannelID: "1043210987654321098", API: "https://discord.com/",
	})
	equal(t, got.Registries, map[string]config.Registry{
		"ghcr.io": {Username: "alexander-jackson", Password: deployer.Plain("hunter2-ghcr"), Mirror: "127.0.0.1:5555"},
	})
	equal(t, got.Server, config.Server{Listen: "127.0.0.1:5000", Host: "deploy.example.com", Token: deployer.Plain("hunter2-api")})
	equal(t, got.Proxy, config.Proxy{
		HTTP: ":80", HTTPS: ":443", AccessLog: config.AccessLog{Sample: 1},
		ACME: &config.ACME{
			Email: "me@example.com", Directory: "https://acme-v02.api.letsencrypt.org/directory", Roots: "/etc/fisherman/acme-ca.pem",
		},
		Certificates: []config.KeyPair{{Cert: "/etc/fisherman/a.pem", Key: "/etc/fisherman/a.key"}},
	})
	equal(t, got.Docker, config.Docker{Host: "unix:///var/run/docker.sock", Network: "fisherman"})
	equal(t, got.State, "/var/lib/fisherman")
	equal(t, got.RepositorySecrets, map[string][]config.Secret{
		"alexander-jackson/blackboards": {deployer.Plain("hunter2-blackboards")},
	})
	equal(t, got.Services, []deployer.Service{{
		Name: "blackboards", Repository: "alexander-jackson/blackboards", Follow: "master",
		Image: "ghcr.io/alexander-jackson/blackboards", Tag: "latest", Replicas: 1,
		Routes: []deployer.Route{{
			Host: "blackboards.pl", Prefix: "/", Port: 8080, TLS: deployer.TLSAuto, ClientCA: "/etc/fisherman/clients.pem",
		}},
		Health:      deployer.Health{Path: "/health", Port: 8080, Deadline: time.Minute, Successes: 2},
		Environment: map[string]config.Secret{"RUST_LOG": deployer.Plain("info")}, Strategy: deployer.BlueGreen,
		Drain: 30 * time.Second, Stop: 10 * time.Second, Retain: 3,
	}})
}

func TestDefaults(t *testing.T) {
	got := parse(t, `
github: { secret: s }
services:
  worker: { repository: O/Worker, image: ghcr.io/o/worker }
  app: { repository: O/App, image: ghcr.io/o/app, routes: [ { host: A.pl, port: 3000 } ] }
`)
	worker := deployer.Service{
		Name: "worker", Repository: "o/worker", Follow: "master", Image: "ghcr.io/o/worker", Tag: "latest", Replicas: 1,
		Health:   deployer.Health{Deadline: time.Minute, Successes: 2},
		Strategy: deployer.BlueGreen, Drain: 30 * time.Second, Stop: 10 * time.Second, Retain: 3,
	}
	app := worker
	app.Name, app.Repository, app.Image = "app", "o/app", "ghcr.io/o/app"
	app.Routes = []deployer.Route{{Host: "a.pl", Prefix: "/", Port: 3000, TLS: deployer.TLSAuto}}
	app.Health.Port = 3000
	equal(t, *got, config.Config{
		GitHub:            config.GitHub{Secrets: []config.Secret{deployer.Plain("s")}, API: "https://api.github.com"},
		Server:            config.Server{Listen: "127.0.0.1:5000"},
		Proxy:             config.Proxy{HTTP: ":80", HTTPS: ":443", AccessLog: config.AccessLog{Sample: 1}},
		Docker:            config.Docker{Network: "fisherman"},
		State:             "/var/lib/fisherman",
		Services:          []deployer.Service{app, worker},
		RepositorySecrets: map[string][]config.Secret{"o/worker": nil, "o/app": nil},
	})
}

func TestServiceWinsOverDefaultsAndMappingsMerge(t *testing.T) {
	got := parse(t, `
github: { secret: s }
services:
  own:
    repository: o/own
    image: ghcr.io/o/own
    drain: 1m
    args: [own]
    environment: { B: own, C: own }
    health: { path: /own }
  none: { repository: o/none, image: ghcr.io/o/none }
defaults:
  drain: 5s
  tag: edge
  args: [shared, list]
  environment: { A: shared, B: shared }
  health: { deadline: 2m, port: 9000 }
`)
	none, own := got.Services[0], got.Services[1]
	equal(t, []any{own.Drain, own.Tag, own.Args}, []any{time.Minute, "edge", []string{"own"}})
	equal(t, own.Environment, map[string]config.Secret{"A": deployer.Plain("shared"), "B": deployer.Plain("own"), "C": deployer.Plain("own")})
	equal(t, own.Health, deployer.Health{Path: "/own", Port: 9000, Deadline: 2 * time.Minute, Successes: 2})
	equal(t, []any{none.Drain, none.Tag, none.Args}, []any{5 * time.Second, "edge", []string{"shared", "list"}})
	equal(t, none.Environment, map[string]config.Secret{"A": deployer.Plain("shared"), "B": deployer.Plain("shared")})
	equal(t, none.Health, deployer.Health{Port: 9000, Deadline: 2 * time.Minute, Successes: 2})
}

func TestEnvironmentKeepsItsText(t *testing.T) {
	for _, text := range []string{
		"1_000", "yes", "no", "true", "2024-01-01", "0x1F", "0o17", "017", "1.10", "1e3", ".inf", "+1", "12:30:45",
		"2024-01-01T00:00:00Z", "2026-01-02", "0777", "0b1", "NaN", "off", "~x", "1.0", "123456789012345678901234567890", "0o7_7", "=", "null_",
	} {
		got := parse(t, `
github: { secret: s }
services: { web: { repository: o/web, image: ghcr.io/o/web, environment: { KEY: `+text+` } } }
`)
		equal(t, reveal(t, got.Services[0].Environment["KEY"]), text)
	}
}

func TestReferencesToTheEnvironment(t *testing.T) {
	for written, want := range map[string]string{
		"${NAME}":           "value",
		"a${NAME}b${NAME}":  "avaluebvalue",
		"$${NAME}":          "${NAME}",
		"$$":                "$",
		"$$$$":              "$$",
		"$$$${NAME}":        "$${NAME}",
		"$$${NAME}":         "$value",
		"$NAME":             "$NAME",
		"cost: 5$":          "cost: 5$",
		"$ {NAME}":          "$ {NAME}",
		"}${NAME}}":         "}value}",
		"${AGAIN}":          "${NAME}: [x]",
		"${EMPTY}":          "",
		"${_under_score_1}": "ok",
	} {
		getenv := func(name string) (string, bool) {
			got, ok := map[string]string{
				"NAME": "value", "AGAIN": "${NAME}: [x]", "EMPTY": "", "_under_score_1": "ok",
			}[name]
			return got, ok
		}
		got, err := config.Parse([]byte(`
github: { secret: s }
services: { web: { repository: o/web, image: ghcr.io/o/web, environment: { KEY: '`+written+`' } } }
`), getenv)
		if err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		equal(t, reveal(t, got.Services[0].Environment["KEY"]), want)
	}
}

func TestRepositorySecrets(t *testing.T) {
	got := parse(t, `
github: { secret: [new, old] }
services:
  a: { repository: O/Mono, image: ghcr.io/o/a, secret: [one, two] }
  b: { repository: o/mono, image: ghcr.io/o/b }
  c: { repository: o/mono, image: ghcr.io/o/c, secret: [two, one] }
  d: { repository: o/d, image: ghcr.io/o/d }
`)
	equal(t, got.GitHub.Secrets, []config.Secret{deployer.Plain("new"), deployer.Plain("old")})
	equal(t, got.RepositorySecrets, map[string][]config.Secret{"o/mono": {deployer.Plain("one"), deployer.Plain("two")}, "o/d": nil})
}

func TestNoSecretForAllWhenEachHasItsOwn(t *testing.T) {
	got := parse(t, "services: { web: { repository: o/web, image: ghcr.io/o/web, secret: s } }")
	equal(t, got.GitHub.Secrets, []config.Secret(nil))
}

func TestAnchorsAndMergeKeys(t *testing.T) {
	got := parse(t, `
github: { secret: &secret s }
services:
  a: &a
    repository: o/a
    image: &image ghcr.io/o/a
    environment: &env { A: "1", B: "1" }
  b:
    <<: [*a, { tag: edge }]
    environment: { <<: *env, B: "2", SECRET: *secret, IMAGE: *image }
`)
	b := got.Services[1]
	equal(t, []string{b.Name, b.Repository, b.Image, b.Tag}, []string{"b", "o/a", "ghcr.io/o/a", "edge"})
	equal(t, b.Environment, map[string]config.Secret{"A": deployer.Plain("1"), "B": deployer.Plain("2"), "SECRET": deployer.Plain("s"), "IMAGE": deployer.Plain("ghcr.io/o/a")})
}

func TestTrustedProxies(t *testing.T) {
	got := parse(t, `
github: { secret: s }
proxy: { trusted_proxies: [10.0.0.0/8, 192.0.2.7, "fd00::/8", "::1"] }
services: { web: { repository: o/web, image: ghcr.io/o/web } }
`)
	equal(t, got.Proxy.TrustedProxies, []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"),
		netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("::1/128"),
	})
}

func TestParseTwiceIsTheSame(t *testing.T) {
	raw, err := os.ReadFile(fixtures + "/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(raw)
	first, second := parse(t, string(raw)), parse(t, string(raw))
	equal(t, first, second)
	equal(t, raw, before)
}

func TestTooMuchIsNotRead(t *testing.T) {
	_, err := config.Parse(make([]byte, 2<<20), environment)
	equal(t, err, error(config.Problems{{
		Message: "the configuration is larger than 1048576 bytes; is it the right file?",
	}}))
}
