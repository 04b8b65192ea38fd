package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fisherman/proxy/proxytest"
	"fisherman/server/config"
)

// TestCheckFiles holds what people are told about certificates, as they are on disk.
func TestCheckFiles(t *testing.T) {
	ca := proxytest.NewCA(t, "test")
	pair := func(cert, key string) string { return fmt.Sprintf("{ cert: %s, key: %s }", cert, key) }
	good, goodKey := proxytest.PairFiles(t, ca.Server(nil, "a.pl", "*.wild.pl"))
	_, otherKey := proxytest.PairFiles(t, ca.Server(nil, "a.pl"))
	over, overKey := proxytest.PairFiles(t, ca.Server(proxytest.Expired, "a.pl", "b.pl"))
	address, addressKey := proxytest.PairFiles(t, ca.Server(nil, "192.0.2.7"))
	missing, empty := filepath.Join(t.TempDir(), "missing.pem"), filepath.Join(t.TempDir(), "empty.pem")
	proxytest.WriteFile(t, empty, nil)
	const web = "services.web.routes[0]"
	for name, test := range map[string]struct{ proxy, route, want string }{
		"covered":             {"certificates: [" + pair(good, goodKey) + "]", "host: a.pl", ""},
		"by a wildcard":       {"certificates: [" + pair(good, goodKey) + "]", "host: x.wild.pl, tls: files", ""},
		"by ACME":             {"acme: {}", "host: c.pl", ""},
		"off":                 {"certificates: [" + pair(good, goodKey) + "]", "host: c.pl, tls: \"off\"", ""},
		"not covered":         {"certificates: [" + pair(good, goodKey) + "]", "host: c.pl", web + `.tls: "auto": no valid certificate`},
		"files, not covered":  {"acme: {}, certificates: [" + pair(good, goodKey) + "]", "host: c.pl, tls: files", web + `.tls: "files": no valid certificate`},
		"another's key":       {"acme: {}, certificates: [" + pair(good, otherKey) + "]", "host: a.pl", "proxy.certificates[0].key: KEY: does not go with"},
		"a missing file":      {"acme: {}, certificates: [" + pair(missing, goodKey) + "]", "host: a.pl", "proxy.certificates[0].cert: CERT: cannot be read: no such file"},
		"an empty file":       {"acme: {}, certificates: [" + pair(empty, goodKey) + "]", "host: a.pl", "proxy.certificates[0].cert: CERT: holds no PEM block"},
		"no file at all":      {"acme: {}, certificates: [" + pair("/dev/zero", goodKey) + "]", "host: a.pl", "proxy.certificates[0].cert: CERT: cannot be read: it is no regular file"},
		"expired":             {"acme: {}, certificates: [" + pair(over, overKey) + "]", "host: a.pl", "proxy.certificates[0].cert: CERT: expired on"},
		"an address":          {"acme: {}", "host: 192.0.2.7", web + `.tls: "auto": no valid certificate in `},
		"a covered address":   {"acme: {}, certificates: [" + pair(address, addressKey) + "]", "host: 192.0.2.7", ""},
		"a private CA's":      {"acme: { directory: https://ca.internal/dir }", "host: 192.0.2.7", ""},
		"an address, off":     {"acme: {}", "host: 192.0.2.7, tls: \"off\"", ""},
		"missing roots":       {"acme: { roots: " + missing + " }", "host: a.pl", "proxy.acme.roots: "},
		"client CAs":          {"acme: {}", "host: a.pl, client_ca: " + ca.File(), ""},
		"empty client CAs":    {"acme: {}", "host: a.pl, client_ca: " + empty, web + ".client_ca: "},
		"a key as client CAs": {"acme: {}", "host: a.pl, client_ca: " + goodKey, web + ".client_ca: "},
	} {
		t.Run(name, func(t *testing.T) {
			c := parse(t, "{ github: { secret: s }, proxy: { "+test.proxy+" }, services: { web: { repository: o/web, image: ghcr.io/o/web, routes: [{ port: 80, "+test.route+" }] } } }")
			problems := c.CheckFiles(time.Now())
			want := test.want
			if len(c.Proxy.Certificates) > 0 {
				p := c.Proxy.Certificates[0]
				want = strings.NewReplacer("CERT", fmt.Sprintf("%q", cutTo80(p.Cert)), "KEY", fmt.Sprintf("%q", cutTo80(p.Key))).Replace(want)
			}
			if want == "" && len(problems) > 0 || want != "" && (len(problems) != 1 || !strings.HasPrefix(problems.Error(), want)) {
				t.Errorf("got %q, want %q", problems.Error(), want)
			}
		})
	}
}

// cutTo80 is how a long value is shown.
func cutTo80(text string) string {
	if len(text) <= 80 {
		return text
	}
	return text[:80] + "…"
}

// TestFilesAreCheckedWithAllElse: what is wrong with them stands among all other problems, in the order of the file and once, and
// what is wrong already is not looked at.
func TestFilesAreCheckedWithAllElse(t *testing.T) {
	look := func(c *config.Config) config.Problems { return c.CheckFiles(time.Now()) }
	_, err := config.Surroundings{Files: look, Getenv: os.LookupEnv}.Parse([]byte(`
github: { secret: s }
proxy:
  http: nowhere
  acme: { roots: /missing/roots.pem }
  certificates: [{ cert: relative.pem, key: /missing/key.pem }, { key: /missing/key.pem }, { cert: /missing/cert.pem, key: /missing/key.pem }]
services:
  web:
    repository: o/web
    image: ghcr.io/o/web
    routes: [{ host: a.pl, port: 80, tls: files }, { host: "a b", port: 80, tls: files }, { host: c.pl, port: many, client_ca: /missing/ca.pem }]
`))
	var got []string
	for line := range strings.Lines(err.Error()) {
		got = append(got, line[:strings.Index(line, ":")])
	}
	want := []string{
		"proxy.http", "proxy.acme.roots", "proxy.certificates[0].cert", "proxy.certificates[1].cert", "proxy.certificates[2].cert",
		"services.web.routes[0].tls", "services.web.routes[1].host", "services.web.routes[2].client_ca", "services.web.routes[2].port",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got problems with %q, want %q:\n%v", got, want, err)
	}
	_, err = config.Surroundings{Files: look, Getenv: os.LookupEnv}.Parse([]byte("{ github: { secret: s }, proxy: { acme: {} }, services: { web: { repository: o/web, " +
		"image: ghcr.io/o/web, routes: [{ host: a.pl, port: 80, tls: files }] } } }"))
	if problems := new(config.Problems); !errors.As(err, problems) || len(*problems) != 1 {
		t.Errorf("got %v, want one problem", err)
	}
}
