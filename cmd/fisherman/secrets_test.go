package main

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// lookout looks for the secrets of one stage in everything that tests see of the program: what processes and scripts
// print, answers of the API, what Discord and the engine's labels are told, the files of the state directory.
type lookout struct {
	mu    sync.Mutex
	forms map[string]string // what must not show: what it is
	found []string
}

// lookouts are those of the stages that play at the moment.
var lookouts struct {
	mu  sync.Mutex
	all []*lookout
}

// lookOut begins to look for secrets, by what they are.
func lookOut(secrets map[string]string) *lookout {
	l := &lookout{forms: map[string]string{}}
	for what, secret := range secrets {
		l.add(what, secret)
	}
	lookouts.mu.Lock()
	defer lookouts.mu.Unlock()
	lookouts.all = append(lookouts.all, l)
	return l
}

// add looks for a secret as it is, escaped for URLs and JSON, in hexadecimal, and in base64 wherever it is in what was
// encoded.
func (l *lookout) add(what, secret string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	quoted := fmt.Sprintf("%q", secret)
	for form, text := range map[string]string{
		"": secret, ", escaped": url.QueryEscape(secret), ", escaped as a path": url.PathEscape(secret),
		", quoted": quoted[1 : len(quoted)-1], ", in hexadecimal": fmt.Sprintf("%x", secret),
	} {
		l.forms[text] = what + form
	}
	for shift := range 3 {
		// Three bytes are four digits; those that a neighbour has a part in are left out.
		digits := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
		digits = strings.TrimRight(digits, "=")[[]int{0, 2, 3}[shift]:]
		digits = digits[:len(digits)-1]
		l.forms[digits] = what + ", in base64"
		l.forms[strings.NewReplacer("+", "-", "/", "_").Replace(digits)] = what + ", in base64 for URLs"
	}
}

// look searches a text and remembers what it has found.
func (l *lookout) look(where, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for form, what := range l.forms {
		i := strings.Index(text, form)
		if i < 0 {
			continue
		}
		around := text[max(0, i-80):min(len(text), i+len(form)+20)]
		if said := fmt.Sprintf("the %s shows in %s: …%q…", what, where, around); !slices.Contains(l.found, said) {
			l.found = append(l.found, said)
		}
	}
}

// files searches a directory, but for files of these names.
func (l *lookout) files(directory string, but ...string) error {
	return filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // a state directory that was never made; a temporary file
		}
		if err != nil || !entry.Type().IsRegular() || slices.Contains(but, entry.Name()) {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil {
			l.look("the file "+path, string(content))
		}
		return err
	})
}

// end stops looking and returns what was found.
func (l *lookout) end() []string {
	lookouts.mu.Lock()
	lookouts.all = slices.DeleteFunc(lookouts.all, func(other *lookout) bool { return other == l })
	lookouts.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.found
}

// seen has every stage that plays search a text for its secrets.
func seen(where, text string) {
	lookouts.mu.Lock()
	all := slices.Clone(lookouts.all)
	lookouts.mu.Unlock()
	for _, l := range all {
		l.look(where, text)
	}
}

// heard is a test that has what the commands of a script print searched.
type heard struct{ *testing.T }

// Run implements testscript.T.
func (h heard) Run(name string, script func(testscript.T)) {
	h.T.Run(name, func(t *testing.T) { script(heard{t}) })
}

// Verbose makes testscript keep what went well, too.
func (heard) Verbose() bool { return true }

// Log takes what a script has printed. It begins with the script's environment, which has the secrets.
func (h heard) Log(args ...any) {
	_, printed, _ := strings.Cut(fmt.Sprint(args...), "\n\n")
	seen("what the script printed", printed)
	if !h.Failed() && !strings.HasSuffix(printed, "PASS\n") { // testscript has a `stop` of its own
		h.Error("the script was stopped before its end")
	}
	if h.Failed() || testing.Verbose() {
		h.T.Log(args...)
	}
}

// TestSecretsAreFound wherever they may show and in whatever form: else that none is found would say nothing.
func TestSecretsAreFound(t *testing.T) {
	const secret = "s3cret/of &this test"
	texts := map[string]string{
		"plain":     "Authorization: Bearer " + secret,
		"escaped":   "https://a.pl/?q=" + url.QueryEscape(secret),
		"path":      "/api/" + url.PathEscape(secret) + "/x",
		"hex":       fmt.Sprintf("%x", "x"+secret),
		"basic":     "Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+secret)),
		"login":     base64.URLEncoding.EncodeToString([]byte(`{"username":"me","password":"` + secret + `"}`)),
		"longer":    base64.RawStdEncoding.EncodeToString([]byte("1234" + secret + "1")),
		"even more": base64.StdEncoding.EncodeToString([]byte("12345" + secret + "12")),
	}
	for form, text := range texts {
		l := lookOut(map[string]string{"password": secret})
		other := lookOut(map[string]string{"password": "another one"})
		seen("a test", text)
		if found := l.end(); len(found) == 0 || !strings.Contains(found[0], "password") {
			t.Errorf("%s: not found in %s", form, text)
		}
		if found := other.end(); len(found) > 0 {
			t.Errorf("%s: found another stage's: %q", form, found)
		}
	}
	l := lookOut(map[string]string{"password": secret})
	seen("a test", "s3cret of another test")
	if found := l.end(); len(found) > 0 {
		t.Errorf("found what is not there: %q", found)
	}
}

// TestSecretsAreFoundInFiles, but not in the one that is there to hold one.
func TestSecretsAreFoundInFiles(t *testing.T) {
	directory := t.TempDir()
	for name, content := range map[string]string{"token": "s3cret", "deep/journal.db": "\x00{\"A\":\"s3cret\"}\x00"} {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := lookOut(map[string]string{"variable": "s3cret"})
	if err := l.files(directory, "token"); err != nil {
		t.Error(err)
	}
	if found := l.end(); len(found) != 1 || !strings.Contains(found[0], "journal.db") {
		t.Errorf("found %q", found)
	}
}

// TestAProcessAndAnAnswerAreSearched: what the program prints and answers reaches the stage's lookout.
func TestAProcessAndAnAnswerAreSearched(t *testing.T) {
	l := lookOut(map[string]string{"argument": "s3cret"})
	p, err := spawn(outside{}, "check", "--config", "/nowhere/s3cret.yaml")
	if err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if found := l.end(); len(found) == 0 {
		t.Errorf("not found in what it printed: %s", p.log())
	}
	answering := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("s3cret")) }))
	t.Cleanup(answering.Close)
	l = lookOut(map[string]string{"answer": "s3cret"})
	if _, _, err := get(answering.Listener.Addr().String(), "", "/"); err != nil {
		t.Error(err)
	}
	if found := l.end(); len(found) == 0 {
		t.Error("not found in an answer")
	}
}

// outside is a world without a stage.
type outside struct{}

func (outside) MkAbs(file string) string { return file }

func (outside) Getenv(name string) string { return os.Getenv(name) }
