package config_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fisherman/server/config"
	"fisherman/server/seal"
)

// box is a directory with a configuration, and an identity.
type box struct {
	dir       string
	identity  []byte
	recipient string
}

func newBox(t *testing.T) box {
	t.Helper()
	b := box{dir: t.TempDir()}
	var err error
	if b.identity, b.recipient, err = seal.Generate("today"); err != nil {
		t.Fatal(err)
	}
	b.write(t, "identity.txt", string(b.identity))
	return b
}

func (b box) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (b box) seal(t *testing.T, text string) string {
	t.Helper()
	to, err := seal.ParseRecipients([]string{b.recipient})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := to.Seal(text)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// sealDamaged is a value that is encrypted and whose header is whole, but not what is inside.
func (b box) sealDamaged(t *testing.T, text string) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(b.seal(t, text))
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1
	return base64.StdEncoding.EncodeToString(raw)
}

// load reads a configuration of the box; env is its environment.
func (b box) load(t *testing.T, text string, env map[string]string) (*config.Config, error) {
	t.Helper()
	b.write(t, "fisherman.yaml", text)
	c, err := load(filepath.Join(b.dir, "fisherman.yaml"), func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
	if err == nil {
		if complaint := edited(t, text); complaint != nil {
			t.Errorf("an editor complains of what is right: %v", complaint)
		}
	}
	return c, err
}

// everywhere has a secret at every key that takes one.
func everywhere(secret string) string {
	return strings.ReplaceAll(`
github: { secret: SECRET, token: SECRET }
discord: { token: SECRET, channel_id: "1" }
registries: { ghcr.io: { username: me, password: SECRET } }
server: { token: SECRET }
defaults: { environment: { SHARED: SECRET } }
services:
  web:
    repository: o/web
    image: ghcr.io/o/web
    secret: [SECRET, plain]
    environment: { PASSWORD: SECRET, RUST_LOG: info }
`, "SECRET", secret)
}

// secretsOf is what the configuration of everywhere holds.
func secretsOf(c *config.Config) map[string]config.Secret {
	web := c.Services[0]
	return map[string]config.Secret{
		"github.secret": c.GitHub.Secrets[0], "github.token": c.GitHub.Token, "discord.token": c.Discord.Token,
		"password": c.Registries["ghcr.io"].Password, "server.token": c.Server.Token, "secret": c.RepositorySecrets["o/web"][0],
		"defaults": web.Environment["SHARED"], "environment": web.Environment["PASSWORD"],
	}
}

// TestEveryFormOfASecret stands wherever a secret may, and comes to the same.
func TestEveryFormOfASecret(t *testing.T) {
	b := newBox(t)
	for name, content := range map[string]string{"pw": "hunter2", "pw-line": "hunter2\n", "pw-crlf": "hunter2\r\n"} {
		b.write(t, name, content)
	}
	named := "secrets: { identity: identity.txt }\n"
	env := map[string]string{"PW": "hunter2", "DIR": b.dir, "SEALED": b.seal(t, "hunter2")}
	for form, written := range map[string]string{
		"text":            everywhere("hunter2"),
		"environment":     everywhere("'${PW}'"),
		"beside":          everywhere("{ file: pw }"),
		"a line":          everywhere("{ file: ./pw-line }"),
		"a line of DOS":   everywhere("{ file: pw-crlf }"),
		"absolute":        everywhere("{ file: '${DIR}/pw' }"),
		"sealed":          named + everywhere("{ age: "+b.seal(t, "hunter2")+" }"),
		"sealed variable": named + everywhere("{ age: '${SEALED}' }"),
		"absolute key":    "secrets: { identity: '${DIR}/identity.txt' }\n" + everywhere("{ age: '${SEALED}' }"),
	} {
		got, err := b.load(t, written, env)
		if err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		for key, secret := range secretsOf(got) {
			if text := reveal(t, secret); text != "hunter2" || secret.IsSealed() != strings.Contains(written, "{ age:") {
				t.Errorf("%s, %s: got %q, sealed %t", form, key, text, secret.IsSealed())
			}
		}
	}
}

// TestIdentitiesFromTheEnvironment count where the configuration names no file.
func TestIdentitiesFromTheEnvironment(t *testing.T) {
	b, other := newBox(t), newBox(t)
	text := everywhere("{ age: " + b.seal(t, "hunter2") + " }")
	got, err := b.load(t, text, map[string]string{"FISHERMAN_AGE_KEY": string(other.identity) + string(b.identity)})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, reveal(t, got.GitHub.Token), "hunter2")
	if got, err = b.load(t, "secrets: { identity: identity.txt }\n"+text, map[string]string{"FISHERMAN_AGE_KEY": string(other.identity)}); err != nil {
		t.Fatal(err)
	}
	equal(t, reveal(t, got.GitHub.Token), "hunter2")
}

// TestAServicesSecretReplacesTheDefault, whatever form either has: the mappings do not merge.
func TestAServicesSecretReplacesTheDefault(t *testing.T) {
	b := newBox(t)
	b.write(t, "shared", "shared")
	sealed := b.seal(t, "own")
	got, err := b.load(t, `
secrets: { identity: identity.txt }
github: { secret: s }
defaults: { environment: { A: { file: shared }, B: { file: shared }, C: shared, D: { file: shared } } }
services: { web: { repository: o/web, image: ghcr.io/o/web, environment: { A: { age: `+sealed+` }, B: own, C: { age: `+sealed+` } } } }
`, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"A": "own", "B": "own", "C": "own", "D": "shared"} {
		equal(t, reveal(t, got.Services[0].Environment[name]), want)
	}
}

// TestATextThatBeginsWithFileIsAText: it is how SQLite writes a database.
func TestATextThatBeginsWithFileIsAText(t *testing.T) {
	got := parse(t, everywhere("file:data.db"))
	equal(t, reveal(t, got.Services[0].Environment["PASSWORD"]), "file:data.db")
}

// TestWhatIsWrongWithASecret is told with path, value and remedy, and never with what the secret holds.
func TestWhatIsWrongWithASecret(t *testing.T) {
	b, other := newBox(t), newBox(t)
	for name, content := range map[string]string{
		"empty": "\n", "blank": " hunter2", "binary": "\xffhunter2", "nul": "hunter2\x00", "large": strings.Repeat("hunter2", 20_000),
		"broken.txt": "hunter2", "plain.txt": "hunter2",
	} {
		b.write(t, name, content)
	}
	whole := b.seal(t, "hunter2")
	private := "AGE-SECRET-KEY-1hunter2"
	const key, named = "github.token", "secrets: { identity: identity.txt }"
	for _, c := range []struct{ preamble, secret, path, want string }{
		{"", "{ file: gone }", key + ".file", `"gone": cannot be read: no such file or directory; write the path`},
		{"", "{ file: '${PW}' }", key + ".file", `"${PW}": cannot be read; write the path`},
		{"", "{ file: . }", key + ".file", `".": cannot be read: is a directory`},
		{"", "{ file: empty }", key + ".file", `"empty": is an empty file`},
		{"", "{ file: blank }", key + ".file", `"blank": begins or ends with white space`},
		{"", "{ file: binary }", key + ".file", `"binary": holds something else than text`},
		{"", "{ file: large }", key + ".file", `"large": holds more than 131072 bytes`},
		{"", "{ file: [x] }", key + ".file", `must be a single value and is a list`},
		{"", "{ file: '' }", key + ".file", `is empty`},
		{"", "{}", key, "must be a text, `{ file: PATH }` or `{ age: ENCRYPTED }`"},
		{"", "{ file: plain.txt, age: " + whole + " }", key, "must be a text, `{ file: PATH }` or `{ age: ENCRYPTED }`"},
		{"", "{ fiel: hunter2 }", key, "and holds another key; did you mean `file`?"},
		{"", "{ age: " + whole + " }", key + ".age", "[redacted]: there is no identity to open it with; name the file"},
		{named, "{ age: hunter2 }", key + ".age", "[redacted]: is not encrypted with age"},
		{named, "{ age: " + whole[:80] + " }", key + ".age", "[redacted]: is damaged"},
		{named, "{ age: " + b.sealDamaged(t, "hunter2") + " }", key + ".age", "[redacted]: is damaged"},
		{named, "{ age: " + b.seal(t, "hunter2\n") + " }", key + ".age", "[redacted]: begins or ends with white space"},
		{named, "{ age: " + b.seal(t, "") + " }", key + ".age", "[redacted]: holds nothing"},
		{named, "{ age: " + other.seal(t, "hunter2") + " }", key + ".age", "[redacted]: was encrypted to other recipients"},
		{"secrets: { identity: gone.txt }", "{ age: " + whole + " }", "secrets.identity", `"gone.txt": cannot be read`},
		{"secrets: { identity: broken.txt }", "{ age: " + whole + " }", "secrets.identity", `"broken.txt": is not an age identity file`},
		{"secrets: { identity: '' }", "{ age: " + whole + " }", "secrets.identity", "is empty"},
		{"secrets: { identity: " + private + " }", "{ age: " + whole + " }", "secrets.identity", "[redacted]: is an age identity itself; write the path of the file that holds it"},
		{"secrets: { identity: '${KEY}' }", "{ age: " + whole + " }", "secrets.identity", `"${KEY}": is an age identity itself`},
		{"", "{ file: " + private + " }", key + ".file", "[redacted]: is an age identity itself"},
		{"", "{ file: '${PW} ' }", key + ".file", `"${PW} ": begins or ends with white space`},
		{"secrets: { identiti: x }", "x", "secrets.identiti", "did you mean `identity`?"},
	} {
		_, err := b.load(t, c.preamble+"\ngithub: { secret: s, token: "+c.secret+" }\nservices: { web: { repository: o/web, image: ghcr.io/o/web } }", map[string]string{"PW": "hunter2", "KEY": private})
		var problems config.Problems
		if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Path != c.path || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s:\n%v\nwant %s: %s", c.preamble, c.secret, err, c.path, c.want)
		}
		if strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: the secret shows: %v", c.secret, err)
		}
	}
	_, err := b.load(t, everywhere("{ file: nul }"), nil)
	if err == nil || !strings.Contains(err.Error(), "environment.PASSWORD.file: \"nul\": holds a NUL character") {
		t.Errorf("a NUL character: %v", err)
	}
	_, err = b.load(t, everywhere("x"), map[string]string{"FISHERMAN_AGE_KEY": "hunter2"})
	if err == nil || !strings.Contains(err.Error(), "FISHERMAN_AGE_KEY is not an age identity file") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a wrong identity in the environment: %v", err)
	}
	_, err = config.Parse([]byte(everywhere("{ file: beside }")), environment)
	if err == nil || !strings.Contains(err.Error(), `"beside": cannot be read: is a relative path`) {
		t.Errorf("a relative path of a text that is nowhere: %v", err)
	}
}

// TestWhatFishermanNeedsItselfIsOpenedAtOnce, so that what is damaged is a problem of the configuration. What containers get is
// opened when there is one.
func TestWhatFishermanNeedsItselfIsOpenedAtOnce(t *testing.T) {
	b := newBox(t)
	_, err := b.load(t, "secrets: { identity: identity.txt }\n"+everywhere("{ age: "+b.sealDamaged(t, "hunter2")+" }"), nil)
	var problems config.Problems
	errors.As(err, &problems)
	var paths []string
	for _, p := range problems {
		paths = append(paths, strings.TrimSuffix(p.Path, ".age"))
	}
	want := []string{"github.secret", "github.token", "discord.token", "registries.ghcr.io.password", "server.token", "services.web.secret[0]"}
	if !slices.Equal(paths, want) {
		t.Errorf("problems with %q, want %q: %v", paths, want, err)
	}
}

// FuzzNoProblemShowsASecret plants a marker at every key that takes a secret, in the middle of whatever else stands there.
func FuzzNoProblemShowsASecret(f *testing.F) {
	const marker = "hunter2marker"
	for _, around := range [][2]string{
		{"", ""},
		{" ", " "},
		{"'", ""},
		{"\"", "\\0\""},
		{"[", "]"},
		{"{ age: ", " }"},
		{"{ fiel: ", " }"},
		{"{ ", ": x }"},
		{"{", "}"},
		{"{{ ", " }}"},
		{"{ age: [", "] }"},
		{"{ file: x, age: ", " }"},
		{"!", " x"},
		{"*", ""},
		{"&", ""},
		{"'${", "'"},
		{"'${", "!}'"},
		{"|\n  ", ""},
		{"x: ", ""},
		{"{ age: { file: ", " } }"},
		{"x\n", ": y"},
		{"{ age: '-----BEGIN AGE ENCRYPTED FILE-----\n", "' }"},
		{"? ", ""},
		{"<<: ", ""},
		{"!!binary ", ""},
		{"!!int ", ""},
		{"@", ""},
		{"%", ""},
		{"`", ""},
		{"{ age: 'age-encryption.org/v1\n-> X25519 ", "' }"},
	} {
		f.Add(around[0], around[1])
	}
	outside := regexp.MustCompile(`[,}\]\r\n]`) // there the marker can be the name of another key, which is shown, as it must be
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, k := range []string{
			"github: { secret: %s }", "github: { token: %s }", "github:\n  token: %s", "discord: { token: %s }", "discord:\n  token: %s", "server: { token: %s }",
			"registries: { ghcr.io: { password: %s } }", "registries:\n  ghcr.io:\n    password: %s", "services: { web: { secret: %s } }",
			"services: { web: { secret: [x, %s] } }", "services: { web: { environment: { A: %s } } }", "services:\n  web:\n    environment:\n      A: %s",
			"defaults: { environment: { A: %s } }", "github: {secret:%s}", "services: { web: { environment: {A:%[1]s, B: c}, files: { /a: {content:%[1]s} } } }",
		} {
			text := fmt.Sprintf(k, before+marker+after)
			_, err := config.Parse([]byte(text), environment)
			if err != nil && strings.Contains(fmt.Sprintf("%v %#v", err, err), marker) && !outside.MatchString(before+after) {
				t.Errorf("%s:\n%v", text, err)
			}
		}
	})
}
