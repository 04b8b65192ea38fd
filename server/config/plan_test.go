package config_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fisherman/deployer"
	"fisherman/server/config"
)

const planned = `
github: { secret: hush-github }
discord: { token: hush-discord, channel_id: "12" }
server: { listen: "127.0.0.1:5000" }
services:
  one:
    repository: o/one
    image: ghcr.io/o/one
    routes: [{ host: a.pl, port: 8080, tls: "off" }]
    environment: { PASSWORD: hush-one, EMPTY: "" }
  two: { repository: o/two, image: ghcr.io/o/two, secret: hush-two }
`

func TestCompare(t *testing.T) {
	for name, c := range map[string]struct {
		old, next string // replaced in planned
		want      []string
	}{
		"nothing":        {"", "", nil},
		"replicas":       {"image: ghcr.io/o/one", "image: ghcr.io/o/one\n    replicas: 3", []string{"change one: scale from 1 to 3", "services.one.replicas: 1 → 3 (scale)"}},
		"route":          {"host: a.pl", "host: b.pl", []string{"change one: routes", "services.one.routes[0].host: a.pl → b.pl (routes)"}},
		"another route":  {"tls: \"off\" }", "tls: \"off\" }, { host: b.pl, port: 81, tls: \"off\" }", []string{"change one: routes", "services.one.routes[1].host:  → b.pl (routes)", "services.one.routes[1].port:  → 81 (routes)", "services.one.routes[1].prefix:  → / (routes)", "services.one.routes[1].tls:  → off (routes)"}},
		"secret value":   {"hush-one", "hush-other", []string{"change one: new containers", "services.one.environment.PASSWORD: secret [redacted] → [redacted] (new containers)"}},
		"set to nothing": {"EMPTY: \"\"", "", []string{"change one: new containers", "services.one.environment.EMPTY: secret [redacted] →  (new containers)"}},
		"tag":            {"image: ghcr.io/o/one", "image: ghcr.io/o/one\n    tag: v2", []string{"change one: look up ghcr.io/o/one:v2 and deploy it", "services.one.tag: latest → v2 (look up)"}},
		"in place":       {"image: ghcr.io/o/one", "image: ghcr.io/o/one\n    drain: 1m", []string{"change one: in place", "services.one.drain: 30s → 1m0s (in place)"}},
		"stop":           {"image: ghcr.io/o/one", "image: ghcr.io/o/one\n    stop: 1m", []string{"change one: new containers", "services.one.stop: 10s → 1m0s (new containers)"}},
		"webhook secret": {"secret: hush-two", "secret: hush-else", []string{"change two: in place", "services.two.secret: secret [redacted] → [redacted] (in place)"}},
		"listener":       {"127.0.0.1:5000", "127.0.0.1:5001", []string{"server.listen: 127.0.0.1:5000 → 127.0.0.1:5001 (restart)"}},
		"discord":        {"hush-discord", "hush-bot", []string{"discord.token: secret [redacted] → [redacted] (in place)"}},
		"no discord":     {"discord: { token: hush-discord, channel_id: \"12\" }", "", []string{"discord.api: https://discord.com/ →  (in place)", "discord.channel_id: 12 →  (in place)", "discord.token: secret [redacted] →  (in place)"}},
		"removed":        {"  two: { repository: o/two, image: ghcr.io/o/two, secret: hush-two }\n", "", []string{"remove two: it is no longer in the configuration: its routes go at once, its containers are stopped after their requests, and removed a day later"}},
		"defaults":       {"services:\n", "defaults: { retain: 1 }\nservices:\n", []string{"change one: in place", "services.one.retain: 3 → 1 (in place)", "change two: in place", "services.two.retain: 3 → 1 (in place)"}},
	} {
		t.Run(name, func(t *testing.T) {
			old, next := parse(t, planned), parse(t, strings.Replace(planned, c.old, c.next, 1))
			plan := config.Compare(old, next)
			got := shown(plan)
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) || plan.IsEmpty() != (len(c.want) == 0) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			raw, err := json.Marshal(plan)
			if err != nil || strings.Contains(string(raw), "hush") {
				t.Errorf("a secret is shown, or %v: %s", err, raw)
			}
		})
	}
}

// TestAPlanOfManyVariables would not end for minutes if what each leads to were found out anew.
func TestAPlanOfManyVariables(t *testing.T) {
	many := func(value string) *config.Config {
		s := deployer.Service{Name: "web", Environment: map[string]config.Secret{}}
		for i := range 20_000 {
			s.Environment[fmt.Sprint("V", i)] = deployer.Plain(value)
		}
		return &config.Config{Services: []deployer.Service{s}}
	}
	plan := config.Compare(many("a"), many("b"))
	if len(plan.Services) != 1 || len(plan.Services[0].Changes) != 20_000 || plan.Services[0].Changes[7].Effect != config.NewContainers {
		t.Errorf("the plan of 20000 changes has %d services", len(plan.Services))
	}
}

// shown is a plan, a line for each thing in it.
func shown(p config.Plan) (lines []string) {
	change := func(c config.Change) {
		values := fmt.Sprintf("%s → %s", c.Old, c.New)
		if c.Secret {
			values = "secret " + values
		}
		lines = append(lines, fmt.Sprintf("%s: %s (%s)", c.Path, values, c.Effect))
	}
	for _, s := range p.Services {
		lines = append(lines, fmt.Sprintf("%s %s: %s", s.Action, s.Name, strings.Join(s.Effects, "; ")))
		for _, c := range s.Changes {
			change(c)
		}
	}
	for _, c := range p.Settings {
		change(c)
	}
	return lines
}

// TestAWebhookSecretThatIsNotInForceIsAChange, whatever has kept it from being: the service is there, and its secret is not.
func TestAWebhookSecretThatIsNotInForceIsAChange(t *testing.T) {
	next := parse(t, planned)
	old := *next
	old.RepositorySecrets = map[string][]config.Secret{"o/one": nil}
	if got := shown(config.Compare(&old, next)); !slices.Contains(got, "services.two.secret: secret [redacted] → [redacted] (in place)") {
		t.Errorf("got %q", got)
	}
}

func TestAServiceThatIsAddedIsShownWhole(t *testing.T) {
	next := parse(t, planned)
	old := *next
	old.Services = old.Services[1:]
	got := shown(config.Compare(&old, next))
	for _, want := range []string{
		"add one: what runs of it is adopted, else its last good release or ghcr.io/o/one:latest deployed",
		"services.one.image:  → ghcr.io/o/one ()", "services.one.environment.PASSWORD: secret  → [redacted] ()",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, strings.Join(got, "\n"))
		}
	}
}

// Whatever is added to a service is compared without a word in Compare.
func TestEveryFieldOfAServiceIsCompared(t *testing.T) {
	typ := reflect.TypeFor[deployer.Service]()
	for i := range typ.NumField() {
		field := typ.Field(i)
		if field.Name == "Name" {
			continue
		}
		old, next := parse(t, planned), parse(t, planned)
		fill(reflect.ValueOf(&next.Services[0]).Elem().Field(i))
		if plan := config.Compare(old, next); plan.IsEmpty() {
			t.Errorf("another %s makes no difference", field.Name)
		}
	}
}

// fill makes a value another one than any configuration here has.
func fill(v reflect.Value) {
	if v.Type() == reflect.TypeFor[config.Secret]() {
		v.Set(reflect.ValueOf(deployer.Plain("something else")))
		return
	}
	if v.Type() == reflect.TypeFor[netip.Prefix]() {
		v.Set(reflect.ValueOf(netip.MustParsePrefix("10.47.0.0/16")))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("something else")
	case reflect.Int, reflect.Int64:
		v.SetInt(4711)
	case reflect.Float64:
		v.SetFloat(47.11)
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		one := reflect.New(v.Type().Elem()).Elem()
		fill(one)
		v.SetMapIndex(reflect.ValueOf("SOMETHING"), one)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	}
}

// TestWhoBringsAConfigurationLearnsNothingOfTheEnvironment that the one in force does not show: neither in a plan nor in a problem.
func TestWhoBringsAConfigurationLearnsNothingOfTheEnvironment(t *testing.T) {
	getenv := func(name string) (string, bool) {
		value, set := map[string]string{"KEPT": "hush", "HOST": "a.pl"}[name]
		return value, set
	}
	text := strings.NewReplacer("hush-github", `"${KEPT}"`, "a.pl", `"${HOST}"`).Replace(planned)
	running, err := config.Parse([]byte(text), getenv)
	if err != nil {
		t.Fatal(err)
	}
	around := config.Surroundings{Getenv: getenv, MayShow: func(name string) bool { return running.Shown[name] }}
	if _, err := around.Parse([]byte(text)); err != nil {
		t.Errorf("the one in force: %v", err)
	}
	for _, key := range []string{`drain: "${KEPT}"`, `tag: "${KEPT}"`, `args: [a, "b${KEPT}"]`, `health: { path: "/${KEPT}" }`, `replicas: "${KEPT}"`} {
		_, err := around.Parse([]byte(text + "  three: { repository: o/three, image: ghcr.io/o/three, " + key + " }\n"))
		if err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), "would show KEPT, which") {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// TestWhatNeedsARestartIsWhatStays: a setting says "restart" exactly when a running server leaves it as it was.
func TestWhatNeedsARestartIsWhatStays(t *testing.T) {
	hot := map[string]bool{}
	for _, change := range settingsChanged(t) {
		old, next := parse(t, planned), parse(t, planned)
		change(reflect.ValueOf(next).Elem())
		plan, left := config.Compare(old, next), config.Compare(next.Unchangeable(old), next)
		if plan.IsEmpty() {
			t.Fatal("something else makes no difference")
		}
		for _, c := range plan.Settings {
			stays := left.Touches(c.Path)
			if stays != (c.Effect == config.Restart) {
				t.Errorf("%s says %q; it stays as it was: %v", c.Path, c.Effect, stays)
			}
			hot[c.Path] = hot[c.Path] || !stays
		}
	}
	for path, want := range map[string]bool{
		"discord.token": true, "proxy.acme.directory": true, "proxy.certificates[0].cert": true, "registries.SOMETHING.mirror": true, "github.api": true,
		"proxy.trusted_proxies[0]": true, "proxy.access_log.file": true, "proxy.access_log.sample": true,
		"proxy.http": false, "proxy.https": false, "server.listen": false, "server.host": false, "state": false, "docker.network": false,
	} {
		if got, met := hot[path]; !met || got != want {
			t.Errorf("%s is applied while the server runs: %v, want %v", path, got, want)
		}
	}
}

// settingsChanged are ways to make each field outside `services` another one, those of a group one by one.
func settingsChanged(t *testing.T) (ways []func(reflect.Value)) {
	t.Helper()
	typ := reflect.TypeFor[config.Config]()
	for i := range typ.NumField() {
		switch field := typ.Field(i); {
		case field.Name == "Services" || field.Name == "RepositorySecrets" || field.Name == "Shown" || field.Name == "Lacks":
		case field.Type.Kind() == reflect.Struct:
			for j := range field.Type.NumField() {
				ways = append(ways, func(v reflect.Value) { fill(v.Field(i).Field(j)) })
			}
		default:
			ways = append(ways, func(v reflect.Value) { fill(v.Field(i)) })
		}
	}
	return ways
}
