package config_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"fisherman/deployer"
	"fisherman/server/config"
)

// beside are the files that lie beside a configuration of a test.
type beside map[string]string

func (b beside) parse(text string) (*config.Config, error) {
	return config.Surroundings{Getenv: environment, ReadFile: func(name, _ string) ([]byte, error) {
		content, ok := b[name]
		if !ok {
			return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		return []byte(content), nil
	}}.Parse([]byte(text))
}

func TestFilesAndVariables(t *testing.T) {
	got, err := beside{
		"a.env": "A=1\nB=1\nC=1\n", "s3://box/b.env": "B=2\nC=2", "nginx.conf": "\x00binary",
	}.parse(`
github: { secret: s }
defaults: { repository: o/a, image: ghcr.io/o/a, files: { /etc/all: { content: all }, /etc/own: { content: all, mode: 0600 } } }
services:
  one:
    env_file: [a.env, s3://box/b.env]
    environment: { C: "3", D: "4" }
    files:
      /etc/nginx.conf: { source: nginx.conf, mode: 640, owner: 1000:2 }
      /etc/own: { content: "${EMPTY}own $host" }
  two: { env_file: a.env }
  three: {}`)
	if err != nil {
		t.Fatal(err)
	}
	one, three, two := got.Services[0], got.Services[1], got.Services[2]
	equal(t, one.Environment, map[string]config.Secret{
		"A": deployer.Plain("1"), "B": deployer.Plain("2"), "C": deployer.Plain("3"), "D": deployer.Plain("4"),
	})
	equal(t, two.Environment, map[string]config.Secret{"A": deployer.Plain("1"), "B": deployer.Plain("1"), "C": deployer.Plain("1")})
	equal(t, one.Files, []deployer.File{
		{Target: "/etc/all", Mode: 0o444, Content: deployer.Plain("all")},
		{Target: "/etc/nginx.conf", Mode: 0o640, UID: 1000, GID: 2, Content: deployer.Plain("\x00binary")},
		{Target: "/etc/own", Mode: 0o600, Content: deployer.Plain("own $host")},
	})
	equal(t, len(three.Files), 2)
}

// TestWhatFilesHoldMakesAContainer: another content, mode, owner or variable is another spec; where it comes from is not.
func TestWhatFilesHoldMakesAContainer(t *testing.T) {
	spec := func(keys string, b beside) string {
		t.Helper()
		got, err := b.parse(service(keys))
		if err != nil {
			t.Fatal(err)
		}
		return got.Services[0].Spec()
	}
	base := spec("files: { /a: { content: x } }", nil)
	equal(t, spec("files: { /a: { source: f } }", beside{"f": "x"}), base)
	equal(t, spec("env_file: e", beside{"e": "A=1"}), spec("environment: { A: 1 }", nil))
	seen := []string{base, spec("tag: x", nil)}
	for _, other := range []string{
		spec("files: { /a: { content: y } }", nil), spec("files: { /b: { content: x } }", nil),
		spec("files: { /a: { content: x, mode: 0600 } }", nil), spec("files: { /a: { content: x, owner: 1 } }", nil),
		spec("env_file: e", beside{"e": "A=1"}), spec("env_file: e", beside{"e": "A=2"}),
	} {
		if slices.Contains(seen, other) {
			t.Errorf("spec %s twice", other)
		}
		seen = append(seen, other)
	}
}

// TestFilesHaveBounds, each and all of a service together.
func TestFilesHaveBounds(t *testing.T) {
	large := strings.Repeat("x", 1<<20)
	_, err := beside{"f": large + "x"}.parse(service("files: { /a: { source: f } }"))
	if err == nil || !strings.Contains(err.Error(), "is larger than 1048576 bytes; mount what is large as a volume") {
		t.Errorf("one: got %.200v", err)
	}
	_, err = beside{"f": large}.parse(service("files: { " + repeated("/f%d: { source: f }, ", 8) + " }"))
	if err != nil {
		t.Errorf("eight: got %.200v", err)
	}
	_, err = beside{"f": large}.parse(service("files: { " + repeated("/f%d: { source: f }, ", 9) + " }"))
	if err == nil || !strings.Contains(err.Error(), "services.web.files: come to more than 8388608 bytes") {
		t.Errorf("nine: got %.200v", err)
	}
}
