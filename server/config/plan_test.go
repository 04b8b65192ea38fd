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
		if field.Name == "Name" || field.Name == "Written" {
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
	for _, key := range []string{`drain: "${KEPT}"`, `tag: "${KEPT}"`, `health: { path: "/${KEPT}" }`, `replicas: "${KEPT}"`} {
		_, err := around.Parse([]byte(text + "  three: { repository: o/three, image: ghcr.io/o/three, " + key + " }\n"))
		if err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), "would show KEPT, which") {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// TestWhoBringsAConfigurationLearnsNoNamesOfVariables of files, which may be files of something else.
func TestWhoBringsAConfigurationLearnsNoNamesOfVariables(t *testing.T) {
	read := func(content string, mayShow func(string) bool) *config.Config {
		c, err := config.Surroundings{Getenv: environment, MayShow: mayShow, ReadFile: func(string, string) ([]byte, error) {
			return []byte(content), nil
		}}.Parse([]byte(service("env_file: x, environment: { OWN: a }") + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	none := func(string) bool { return false }
	running := read("A=1\nB=1\n", nil)
	added := *running
	added.Services = nil
	for name, c := range map[string]struct {
		running, next *config.Config
		want          []string
	}{
		"its own":  {running, read("A=2\nhunter2=1\nhunter3=1\n", nil), []string{"environment.A", "environment.B", "environment.hunter2", "environment.hunter3"}},
		"sent":     {running, read("A=2\nhunter2=1\nhunter3=1\n", none), []string{"env_file", "environment.A", "environment.B"}},
		"the same": {running, read("A=1\nB=1\n", none), nil},
		"new":      {&added, read("hunter2=1\nOWN=1\n", none), []string{"env_file", "environment.OWN"}},
	} {
		var got []string
		for _, s := range config.Compare(c.running, c.next).Services {
			for _, change := range s.Changes {
				if key := strings.TrimPrefix(change.Path, "services.web."); strings.HasPrefix(key, "env") {
					got = append(got, key)
					if !change.Secret || change.Effect != config.NewContainers && s.Action == config.Alter {
						t.Errorf("%s: %+v", name, change)
					}
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: the plan tells of %q, want %q", name, got, c.want)
		}
	}
}

// TestAPlanShowsArgumentsAsTheyAreWritten: what they take from the environment is often a password.
func TestAPlanShowsArgumentsAsTheyAreWritten(t *testing.T) {
	const keys = `entrypoint: ["${PW}"], args: [plain, "--db=${PW}"], before: { args: ["${PW}", "cost $$5"] }, after: { args: [a, "${PW}"] }`
	read := func(keys, password string) *config.Config {
		c, err := config.Parse([]byte("defaults: { "+keys+" }\ngithub: { secret: s }\nservices: { web: { repository: o/web, image: ghcr.io/o/web } }"), func(name string) (string, bool) {
			return password, name == "PW"
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	running := read(keys, "hunter2")
	equal(t, running.Services[0].Args, []string{"plain", "--db=hunter2"})
	equal(t, running.Services[0].Before.Args, []string{"hunter2", "cost $5"})
	equal(t, running.Shown["PW"], false)
	if plan := config.Compare(running, read(keys, "hunter2")); !plan.IsEmpty() {
		t.Errorf("nothing has changed, and the plan is %+v", plan)
	}
	none := *running
	none.Services = nil
	for name, c := range map[string]struct {
		old, next *config.Config
		want      []string
	}{
		"new":      {&none, running, []string{"services.web.args[0]:  → plain ()", "services.web.args[1]:  → --db=${PW} ()", "services.web.before.args[0]:  → ${PW} ()", "services.web.entrypoint[0]:  → ${PW} ()"}},
		"variable": {running, read(keys, "hunter3"), []string{"services.web.args[1]: secret --db=${PW} → --db=${PW} (new containers)", "services.web.after.args[1]: secret ${PW} → ${PW} (in place)"}},
		"text":     {running, read(strings.Replace(keys, "--db=${PW}", "x", 1), "hunter2"), []string{"services.web.args[1]: --db=${PW} → x (new containers)"}},
		"gone":     {running, read("args: [plain]", "hunter2"), []string{"services.web.args[1]: --db=${PW} →  (new containers)", "services.web.before.args[1]: cost $$5 →  (in place)"}},
	} {
		plan := config.Compare(c.old, c.next)
		raw, err := json.Marshal(plan)
		if got := shown(plan); err != nil || strings.Contains(string(raw), "hunter") || !holds(got, c.want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func holds(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
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
		case field.Name == "Services" || field.Name == "RepositorySecrets" || field.Name == "Shown" || field.Name == "Unnamed" || field.Name == "Lacks":
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
