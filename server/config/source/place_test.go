package source

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestLocations(t *testing.T) {
	here, err := filepath.Abs("fisherman.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for location, want := range map[string]string{
		"fisherman.yaml":        here,
		"/etc/./fisherman.yaml": "/etc/fisherman.yaml",
		"s3://b-1.x/a/b c.yaml": "s3://b-1.x/a/b c.yaml",
		"./s3:/fisherman.yaml":  filepath.Join(filepath.Dir(here), "s3:/fisherman.yaml"),
	} {
		got, err := locate(location)
		if err != nil || got.String() != want {
			t.Errorf("%s: got %s, %v; want %s", location, got, err, want)
		}
	}
	for location, want := range map[string]string{
		"":                                "no location",
		"s3://":                           "no bucket after `s3://` that S3 could have",
		"s3:///key":                       "no bucket after `s3://` that S3 could have",
		"s3://bucket":                     "names no object",
		"s3://bucket/":                    "names no object",
		"s3://bucket/dir/":                "names no object",
		"https://me:hunter2@host/x":       "https://host/x: `https://` is not known",
		"s3://me:hunter2@bucket/key.yaml": "no bucket after `s3://` that S3 could have",
		"s3:/bucket/key.yaml":             "write `s3://bucket/key`, or `./s3:/bucket/key.yaml`",
		"s3:bucket/key.yaml":              "write `s3://bucket/key`, or `./s3:bucket/key.yaml`",
		"git@github.com:o/n":              "is no path; write a path or `s3://bucket/key`, or `./git@github.com:o/n`",
	} {
		_, err := locate(location)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %s", location, err, want)
		}
	}
}

func TestWhatLiesBesideAConfiguration(t *testing.T) {
	for _, c := range []struct{ main, name, want string }{
		{"/etc/f/c.yaml", "web.env", "/etc/f/web.env"},
		{"/etc/f/c.yaml", "../x/web.env", "/etc/x/web.env"},
		{"/etc/f/c.yaml", "/run/web.env", "/run/web.env"},
		{"/etc/f/c.yaml", "s3://box/web.env", "s3://box/web.env"},
		{"s3://box/p/c.yaml", "web.env", "s3://box/p/web.env"},
		{"s3://box/c.yaml", "web.env", "s3://box/web.env"},
		{"s3://box/p/c.yaml", "../web.env", "s3://box/web.env"},
		{"s3://box/p/c.yaml", "/run/web.env", "/run/web.env"},
		{"s3://box/c.yaml", "../web.env", "error: leads out of the bucket"},
		{"s3://box/c.yaml", "", "error: empty name"},
		{"/etc/f/c.yaml", "s3:/box/web.env", "error: write `s3://bucket/key`"},
	} {
		main, err := locate(c.main)
		if err != nil {
			t.Fatal(err)
		}
		got, err := main.beside(c.name, c.name)
		if wrong, fails := strings.CutPrefix(c.want, "error: "); fails {
			if err == nil || !strings.Contains(err.Error(), wrong) {
				t.Errorf("%s beside %s: got %s, %v; want that it %s", c.name, c.main, got, err, wrong)
			}
		} else if err != nil || got.String() != c.want {
			t.Errorf("%s beside %s: got %s, %v; want %s", c.name, c.main, got, err, c.want)
		}
	}
}
