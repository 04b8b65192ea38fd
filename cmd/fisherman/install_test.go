package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fisherman/server/config"
)

// installed runs `fisherman install` on a root of its own.
func installed(t *testing.T, args ...string) (out, warned string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	root := newRoot()
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	root.SetArgs(append([]string{"install"}, args...))
	err = root.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

func readWhole(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

const installedConfig = `
github: { secret: "${SECRET}" }
server: { listen: "localhost:5001" }
proxy: { http: "127.0.0.1:8080", https: ":8443", acme: {}, access_log: { file: /srv/logs/access } }
state: /srv/fisherman state
services:
  web: { repository: o/web, image: i/web, routes: [{ host: web.test, port: 80, tls: "off" }] }
`

// TestInstallWritesWhatTheConfigurationNeeds, and changes nothing when there is nothing to change.
func TestInstallWritesWhatTheConfigurationNeeds(t *testing.T) {
	t.Setenv("SECRET", "") // what the environment file sets ends with the test
	root := t.TempDir()
	for path, content := range map[string]string{"/etc/fisherman/fisherman.yaml": installedConfig, environmentFile: "# mine\nSECRET='s3cret'\n"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, path), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"--config", "/etc/fisherman/fisherman.yaml", "--root", root, "--program", "/opt/the fisher/fisherman"}
	out, warned, err := installed(t, args...)
	if err != nil || warned != "" {
		t.Fatalf("%v: %s", err, warned)
	}
	if strings.Count(out, "written ") != 5 || !strings.Contains(out, "systemctl --root="+root+" enable fisherman-names.service fisherman.service fisherman-http.socket") {
		t.Errorf("it says\n%s", out)
	}
	for unit, wants := range map[string][]string{
		"fisherman.service": {
			`ExecStart="/opt/the fisher/fisherman" serve --config=/etc/fisherman/fisherman.yaml` + "\n",
			"Sockets=fisherman-http.socket fisherman-https.socket fisherman-server.socket\n",
			`ReadWritePaths=-"/srv/fisherman state"` + "\n", "ReadWritePaths=-/srv/logs\n",
			"StartLimitIntervalSec=0\n", "Restart=always\n", "Type=notify\n",
		},
		"fisherman-names.service": {
			`ExecStart="/opt/the fisher/fisherman" forget-names --state="/srv/fisherman state"` + "\n",
			`RequiresMountsFor="/srv/fisherman state"` + "\n", "Before=docker.service\n",
		},
		"fisherman-http.socket":   {"ListenStream=127.0.0.1:8080\n", "FileDescriptorName=http\n", "Service=fisherman.service\n", "TriggerLimitIntervalSec=0\n"},
		"fisherman-https.socket":  {"ListenStream=8443\n", "FileDescriptorName=https\n"},
		"fisherman-server.socket": {"ListenStream=127.0.0.1:5001\n", "FileDescriptorName=server\n"},
	} {
		text := readWhole(t, filepath.Join(root, unitDirectory, unit))
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q:\n%s", unit, want, text)
			}
		}
	}
	if kept := readWhole(t, filepath.Join(root, environmentFile)); !strings.HasPrefix(kept, "# mine") {
		t.Errorf("the environment file was written over: %q", kept)
	}
	if info, err := os.Stat(filepath.Join(root, "srv/fisherman state")); err != nil || !info.IsDir() {
		t.Errorf("the state directory: %v", err)
	}
	if again, _, err := installed(t, args...); err != nil || strings.Contains(again, "written ") || strings.Count(again, "unchanged ") != 6 {
		t.Errorf("the second time: %v\n%s", err, again)
	}

	// Without certificates nobody could be served over HTTPS.
	plain := strings.Replace(installedConfig, "acme: {}, ", "", 1)
	if err := os.WriteFile(filepath.Join(root, "/etc/fisherman/fisherman.yaml"), []byte(plain), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, err = installed(t, args...)
	if _, gone := os.Stat(filepath.Join(root, unitDirectory, "fisherman-https.socket")); err != nil || gone == nil || !strings.Contains(out, "removed ") ||
		!strings.Contains(readWhole(t, filepath.Join(root, unitDirectory, serviceUnit)), "Sockets=fisherman-http.socket fisherman-server.socket\n") {
		t.Errorf("without certificates: %v, %v\n%s", err, gone, out)
	}
	if again, _, err := installed(t, args...); err != nil || strings.Contains(again, "removed ") || strings.Count(again, "unchanged ") != 5 {
		t.Errorf("once more: %v\n%s", err, again)
	}
	left, err := filepath.Glob(filepath.Join(root, unitDirectory, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestInstallBeforeTheConfigurationCanBeRead: a machine image has none yet.
func TestInstallBeforeTheConfigurationCanBeRead(t *testing.T) {
	root := t.TempDir()
	_, warned, err := installed(t, "--config", "/etc/fisherman/absent.yaml", "--root", root, "--program", "/usr/local/bin/fisherman")
	if err != nil || !strings.Contains(warned, "absent.yaml") || !strings.Contains(warned, "Run this again once") {
		t.Errorf("%v: %s", err, warned)
	}
	for unit, want := range map[string]string{"http": "80", "https": "443", "server": "127.0.0.1:5000"} {
		if text := readWhole(t, filepath.Join(root, unitDirectory, "fisherman-"+unit+".socket")); !strings.Contains(text, "ListenStream="+want+"\n") {
			t.Errorf("%s:\n%s", unit, text)
		}
	}
	info, err := os.Stat(filepath.Join(root, environmentFile))
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != 0 {
		t.Errorf("environment file: %v, %v", info, err)
	}
}

func TestInstallPrints(t *testing.T) {
	root := t.TempDir()
	out, _, err := installed(t, "--config", "absent.yaml", "--root", root, "--print")
	if err != nil || strings.Count(out, "# "+unitDirectory+"/fisherman") != 5 {
		t.Errorf("%v: %s", err, out)
	}
	if there, err := os.ReadDir(root); err != nil || len(there) > 0 {
		t.Errorf("it wrote %v, %v", there, err)
	}
}

func TestInstallIsUsedWrongly(t *testing.T) {
	for want, args := range map[string][]string{
		"needs --config":          {},
		"leave out --root":        {"--config", "a", "--now", "--root", t.TempDir()},
		"write an absolute path":  {"--config", "a", "--program", "fisherman"},
		"write `s3://bucket/key`": {"--config", "s3:/bucket/key", "--print"},
		"control characters":      {"--config", "/a/b\nUser=x", "--print"},
		"systemd holds a port":    {"--config", installing(t, "127.0.0.1:8080", "127.0.0.1:0"), "--print"},
		`state: "state": `:        {"--config", installing(t, "/srv/fisherman state", "state"), "--print"},
		"`fisherman install now`": {"now"},
	} {
		if _, _, err := installed(t, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", args, err, want)
		}
	}
}

// installing is a file with the configuration, but for one thing.
func installing(t *testing.T, what, to string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fisherman.yaml")
	text := strings.NewReplacer(what, to, "${SECRET}", "s").Replace(installedConfig)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUnitsQuoteWhatTheyName(t *testing.T) {
	for text, want := range map[string]string{
		"/etc/a.yaml":   "/etc/a.yaml",
		"/a b":          `"/a b"`,
		`/a"b\c`:        `"/a\"b\\c"`,
		"/100%/$HOME":   "/100%%/$$HOME",
		"s3://a/b;c'd$": `"s3://a/b;c'd$$"`,
	} {
		if got, err := quoteWord(text); err != nil || got != want {
			t.Errorf("%s is written %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestStreams(t *testing.T) {
	for address, want := range map[string]string{
		":80": "80", "[::]:80": "80", "0.0.0.0:80": "0.0.0.0:80", "127.0.0.1:5000": "127.0.0.1:5000", "[::1]:5000": "[::1]:5000", "127.0.0.1:http": "127.0.0.1:80",
	} {
		if got, err := stream(address); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", address, got, err, want)
		}
	}
}

// TestDefaultAddressesAreTheSchemas: what install falls back to is what the server would.
func TestDefaultAddressesAreTheSchemas(t *testing.T) {
	c, err := config.Parse([]byte("github: { secret: s }\nservices: { web: { repository: o/web, image: i/web } }"), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	d := defaultAddresses()
	if d.Proxy.HTTP != c.Proxy.HTTP || d.Proxy.HTTPS != c.Proxy.HTTPS || d.Server.Listen != c.Server.Listen || d.State != c.State {
		t.Errorf("%+v is not %+v", d, c)
	}
}
