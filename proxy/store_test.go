package proxy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rs/zerolog"
)

// begin makes a proxy on a route file with this content.
func begin(t testing.TB, content string, log zerolog.Logger) (p *Proxy, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "routes.json")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := New(Options{File: file, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return p, file
}

func TestUnreadableRouteFilesAreSetAside(t *testing.T) {
	for name, c := range map[string]struct{ content, says string }{
		"empty":                {"", "unexpected end"},
		"zeros":                {"\x00\x00\x00\x00", "invalid character"},
		"cut short":            {`{"version":1,"services":{"web":{"release":"1"`, "unexpected end"},
		"with a tail":          {`{"version":1,"services":{}}{"version":1}`, "after top-level value"},
		"not JSON":             {"routes", "invalid character"},
		"null":                 {"null", "version 0, not 1"},
		"a list":               {"[]", "cannot unmarshal array"},
		"a string":             {`"version"`, "cannot unmarshal string"},
		"no version":           {`{"services":{}}`, "version 0, not 1"},
		"a version in words":   {`{"version":"1","services":{}}`, "cannot unmarshal string"},
		"newer":                {`{"version":2,"tables":[]}`, "a newer fisherman wrote it: version 2, while this one knows 1"},
		"newer, other types":   {`{"version":2,"services":[]}`, "a newer fisherman wrote it"},
		"no services":          {`{"version":1}`, "it has no services"},
		"null services":        {`{"version":1,"services":null}`, "it has no services"},
		"a list of services":   {`{"version":1,"services":[]}`, "cannot unmarshal array"},
		"a service of text":    {`{"version":1,"services":{"web":"1"}}`, "cannot unmarshal string"},
		"a release of numbers": {`{"version":1,"services":{"web":{"release":1,"routes":{}}}}`, "cannot unmarshal number"},
		"a list of routes":     {`{"version":1,"services":{"web":{"release":"1","routes":["a.pl/"]}}}`, "cannot unmarshal array"},
		"one backend":          {`{"version":1,"services":{"web":{"release":"1","routes":{"a.pl/":"1.2.3.4:5"}}}}`, "cannot unmarshal string"},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			p, file := begin(t, c.content, zerolog.New(&log))
			if kept, err := os.ReadFile(p.SetAside()); err != nil || string(kept) != c.content || len(p.Live()) != 0 {
				t.Errorf("kept %q, %v; live %v", kept, err, p.Live())
			}
			if text := log.String(); !strings.Contains(text, c.says) || !strings.Contains(text, p.SetAside()) {
				t.Errorf("said %s", text)
			}
			if _, err := p.Point("web", "1", nil); err != nil {
				t.Fatal(err)
			}
			expectLive(t, file)
		})
	}
}

// expectLive wants a restart to find web at release 1, and nothing to set aside.
func expectLive(t *testing.T, file string) {
	t.Helper()
	p, err := New(Options{File: file})
	if err != nil {
		t.Fatal(err)
	}
	if live := p.Live(); p.SetAside() != "" || len(live) != 1 || live["web"] != "1" {
		t.Errorf("afterwards: aside %q, live %v", p.SetAside(), live)
	}
}

// TestOneBadServiceInTheFileLeavesTheOthers, and the file is kept as it was.
func TestOneBadServiceInTheFileLeavesTheOthers(t *testing.T) {
	for name, bad := range map[string]string{
		"null":                `"bad":null`,
		"empty":               `"bad":{}`,
		"without a release":   `"bad":{"routes":{}}`,
		"without routes":      `"bad":{"release":"1"}`,
		"without a name":      `"":{"release":"1","routes":{}}`,
		"with a strange host": `"bad":{"release":"1","routes":{"??":[]}}`,
		"with a bad address":  `"bad":{"release":"1","routes":{"b.pl/":["nowhere"]}}`,
		"with a taken route":  `"worse":{"release":"1","routes":{"a.pl/":[]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			content := `{"version":1,"services":{` + bad + `,"web":{"release":"1","routes":{"a.pl/":[]}}}}`
			p, file := begin(t, content, zerolog.New(&log))
			if live := p.Live(); len(live) != 1 {
				t.Errorf("live: %v", live)
			}
			if kept, err := os.ReadFile(p.SetAside()); err != nil || string(kept) != content {
				t.Errorf("kept %q, %v", kept, err)
			}
			if !strings.Contains(log.String(), "left a service of the route file out") {
				t.Errorf("said %s", log.String())
			}
			expectLive(t, file)
		})
	}
}

func FuzzAnyRouteFileCanBeLoaded(f *testing.F) {
	for _, content := range []string{
		"", "null", `{"version":1,"services":{"web":{"release":"1","boot":"b","routes":{"a.pl/":["1.2.3.4:5"]}}}}`,
		`{"version":1,"services":{"web":null,"":{}}}`, `{"version":2}`, `{"version":1,"services":{"a":{"release":"1","routes":{"A.pl/x/":null,"a.pl/x":[""]}}}}`,
	} {
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content string) {
		p, file := begin(t, content, zerolog.Nop())
		p.Routes()
		if _, err := p.Point("web", "1", map[string][]string{"fuzz.example/": nil}); err != nil && !errors.Is(err, ErrTaken) {
			t.Fatal(err)
		}
		if again, err := New(Options{File: file}); err != nil || again.SetAside() != "" {
			t.Errorf("a file we wrote was set aside: %v", err)
		}
	})
}

// TestWhatIsNoFileIsNoRouteFile: it is not waited for, and what to do is told.
func TestWhatIsNoFileIsNoRouteFile(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"a directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"a pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		file := filepath.Join(t.TempDir(), "routes.json")
		if err := put(file); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{File: file}); err == nil || strings.Count(err.Error(), file) != 1 || !strings.Contains(err.Error(), "it is no regular file; move it away") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
