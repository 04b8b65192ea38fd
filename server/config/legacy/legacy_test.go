package legacy_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fisherman/server/config"
	"fisherman/server/config/legacy"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const fixtures = "../../../testdata/legacy"

type predecessor func([]byte) (*legacy.Imported, error)

// reader is what a fixture is imported by.
func reader(file string) predecessor {
	if strings.HasPrefix(filepath.Base(file), "f2") {
		return legacy.F2
	}
	return legacy.Fisherman
}

func all(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(fixtures + "/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("fixtures: %v, %v", files, err)
	}
	return files
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestImports holds what is written, and what is told, to golden files.
func TestImports(t *testing.T) {
	for _, file := range all(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			made, err := reader(file)(read(t, file))
			if err != nil {
				t.Fatal(err)
			}
			got := string(made.Config) + "---\n"
			for _, l := range made.Left {
				got += l.String() + "\n"
			}
			got += "environment: " + strings.Join(made.Variables, ", ") + "\n"
			if strings.Contains(got, "hunter2") || strings.Contains(got, "aHVudGVy") {
				t.Errorf("a secret shows in:\n%s", got)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", got)
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(read(t, file)); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// use reads the new file where S3 has what it names.
func use(made *legacy.Imported, getenv func(string) (string, bool)) (*config.Config, error) {
	inS3 := func(name, _ string) ([]byte, error) { return []byte("in " + name), nil }
	return config.Surroundings{Getenv: getenv, ReadFile: inS3}.Parse(made.Config)
}

// TestWhatIsWrittenCanBeUsed once the environment is set.
func TestWhatIsWrittenCanBeUsed(t *testing.T) {
	for _, file := range all(t) {
		made, err := reader(file)(read(t, file))
		if err != nil {
			t.Fatal(err)
		}
		before := len(made.Left)
		if made.Check(); len(made.Left) != before {
			t.Errorf("%s: %v", file, made.Left[before:])
		}
		set := func(name string) (string, bool) {
			return "value of " + name, strings.Contains(strings.Join(made.Variables, " "), name)
		}
		got, err := use(made, set)
		if err != nil || len(got.Services) == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestF2MeansTheSame: what a service was, it is.
func TestF2MeansTheSame(t *testing.T) {
	made, err := legacy.F2(read(t, fixtures+"/f2.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := use(made, func(name string) (string, bool) { return "opened", slices.Contains(made.Variables, name) })
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range got.Services {
		if s.Name != "backend" {
			continue
		}
		for name, want := range map[string]string{
			"DATABASE_PORT": "5432", "VERSION": "1.10", "PRICE": "${5}", "EMPTY": "", "DATABASE_PASSWORD": "opened",
		} {
			if got, err := s.Environment[name].Reveal(); got != want || err != nil {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if strings.Join(s.Args, "|") != "--mode|a b|1.10" || s.Image != "ghcr.io/somebody/shop-backend" || s.Routes[0].Prefix != "/api" {
			t.Errorf("got %+v", s)
		}
		if content, err := s.Files[0].Content.Reveal(); s.Files[0].Target != "/app/config.yaml" || content != "in s3://configuration-abc/shop/config.yaml" {
			t.Errorf("its file is %+v with %q, %v", s.Files[0], content, err)
		}
		return
	}
	t.Error("there is no backend")
}

// TestNothingIsOpenedThatWasClosed: a host that asked for certificates is served with that question or not at all.
func TestNothingIsOpenedThatWasClosed(t *testing.T) {
	const old = `
alb: { addr: 0.0.0.0, ports: { https: 443 }, mtls: { anchor: %s, domains: [Private.example.com] } }
services: { a: { image: o/a, tag: latest, replicas: 1, routes: [{ host: "private.example.com:443", port: 80 }, { host: public.example.com, port: 80 }] } }
`
	for name, test := range map[string]struct {
		anchor string
		closed bool
	}{
		"no anchor": {"{}", true},
		"an anchor": {"{ location: filesystem, path: /ca.pem }", false},
		"one in S3": {"{ location: s3, bucket: b, key: ca.pem }", false},
	} {
		made, err := legacy.F2([]byte(strings.Replace(old, "%s", test.anchor, 1)))
		if err != nil {
			t.Fatal(err)
		}
		var line string
		for l := range strings.Lines(string(made.Config)) {
			if strings.Contains(l, "private.example.com") {
				line = l
			}
		}
		if (line == "") != test.closed || line != "" && !strings.Contains(line, "client_ca: /") || !strings.Contains(string(made.Config), "public.example.com") {
			t.Errorf("%s: got\n%s", name, made.Config)
		}
	}
}

// TestWhatIsNoOldConfiguration is refused, and shows nothing of it.
func TestWhatIsNoOldConfiguration(t *testing.T) {
	for _, text := range []string{
		"", "hunter2", "- hunter2", "alb: *hunter2", "alb: 'hunter2", "services: hunter2", "services: {}", "default: { secret: hunter2 }",
		"specific: { }", "services: []", strings.Repeat("#", legacy.MaxSize+1),
	} {
		for name, from := range map[string]predecessor{"f2": legacy.F2, "fisherman": legacy.Fisherman} {
			made, err := from([]byte(text))
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s from %.40q: %v, %v", name, text, made, err)
			}
		}
	}
}

// TestWhatLooksLikeASecret is more rather than less.
func TestWhatLooksLikeASecret(t *testing.T) {
	for written, secret := range map[string]bool{
		"PASSWORD: x": true, "db_pass: x": true, "GITHUB_TOKEN: x": true, "AWS_SECRET_ACCESS_KEY: x": true, "APIKEY: x": true, "PGPASSWORD: x": true,
		"A: 'https://ghp_x@github.com'": true, "A: 'postgres://u:p/w@db'": true, "A: 'host=db password=x'": true, "A: 'u:p@tcp(db)/x'": true,
		"PORT: 80": false, "URL: 'https://a.pl:80/x'": false, "MAIL: me@a.pl": false, "PASSWORD: ''": false, "KEYBOARD: x": false, "COMPASS: x": false,
	} {
		made, err := legacy.F2([]byte("services: { a: { image: o/a, tag: latest, environment: { " + written + " } } }"))
		if err != nil || (len(made.Variables) == 2) != secret {
			t.Errorf("%s: %v, %v", written, made.Variables, err)
		}
	}
}

// FuzzImports: whatever the text, there is a result or an error, and no panic.
func FuzzImports(f *testing.F) {
	files, _ := filepath.Glob(fixtures + "/*.yaml")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("services: &a { b: *a }"))
	f.Add([]byte("services: [{ image: [x], routes: [~, a], volumes: { v: ~ }, environment: { ? [a] : b } }]"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, from := range []predecessor{legacy.F2, legacy.Fisherman} {
			if made, err := from(raw); err == nil {
				made.Check()
			}
		}
	})
}
