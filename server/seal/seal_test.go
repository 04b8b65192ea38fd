package seal_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"fisherman/server/seal"
)

// keys are two pairs and the identities of both.
type keys struct {
	file      [2][]byte
	recipient [2]string
	both      *seal.Identities
}

func newKeys(t *testing.T) (k keys) {
	t.Helper()
	for i := range k.file {
		var err error
		if k.file[i], k.recipient[i], err = seal.Generate("2026-01-02T03:04:05Z"); err != nil {
			t.Fatal(err)
		}
	}
	k.both = identities(t, bytes.Join(k.file[:], nil))
	return k
}

func identities(t *testing.T, file []byte) *seal.Identities {
	t.Helper()
	got, err := seal.ParseIdentities(file)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func sealTo(t *testing.T, text string, to ...string) string {
	t.Helper()
	recipients, err := seal.ParseRecipients(to)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := recipients.Seal(text)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// TestWhatIsSealedIsOpenedByEachOfItsRecipients, and by nobody else: that is how an identity is replaced by another.
func TestWhatIsSealedIsOpenedByEachOfItsRecipients(t *testing.T) {
	k := newKeys(t)
	first, second := identities(t, k.file[0]), identities(t, k.file[1])
	for _, text := range []string{"hunter2", "", "two\nlines\n", "ünïcode", strings.Repeat("x", seal.MaxText)} {
		toBoth, toFirst := sealTo(t, text, k.recipient[:]...), sealTo(t, text, k.recipient[0])
		if strings.ContainsAny(toBoth, "\r\n ") {
			t.Errorf("not one line: %q", toBoth)
		}
		for name, open := range map[string]func() (string, error){
			"both by the first":  func() (string, error) { return first.Open(toBoth) },
			"both by the second": func() (string, error) { return second.Open(toBoth) },
			"first by both":      func() (string, error) { return k.both.Open(toFirst) },
		} {
			if got, err := open(); got != text || err != nil {
				t.Errorf("%s: got %.20q, %v", name, got, err)
			}
		}
		if err := second.Check(toFirst); err == nil || !strings.Contains(err.Error(), "other recipients") {
			t.Errorf("by a stranger: %v", err)
		}
	}
}

// TestFormsOfOneCiphertext: it is the same however it is written down.
func TestFormsOfOneCiphertext(t *testing.T) {
	k := newKeys(t)
	sealed := sealTo(t, "hunter2", k.recipient[0])
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	var block bytes.Buffer
	w := armor.NewWriter(&block)
	if _, err := w.Write(raw); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	for _, form := range []string{sealed, "  " + sealed + "\n", sealed[:40] + "\n  " + sealed[40:], block.String(), "\n" + strings.TrimSpace(block.String())} {
		if got, err := seal.Canonical(form); got != sealed || err != nil {
			t.Errorf("%q: got %q, %v", form, got, err)
		}
		if got, err := k.both.Open(form); got != "hunter2" || err != nil {
			t.Errorf("%q: got %q, %v", form, got, err)
		}
	}
}

// TestDamage: every error says what to do, and none holds a part of what was given, which might be the text itself.
func TestDamage(t *testing.T) {
	k := newKeys(t)
	sealed := sealTo(t, "hunter2", k.recipient[0])
	raw, _ := base64.StdEncoding.DecodeString(sealed)
	flipped := func(i int) string {
		damaged := bytes.Clone(raw)
		damaged[i] ^= 1
		return base64.StdEncoding.EncodeToString(damaged)
	}
	for name, c := range map[string]struct{ sealed, want string }{
		"nothing":      {"", "is not encrypted with age"},
		"a plain text": {"hunter2", "is not encrypted with age"},
		"base64":       {base64.StdEncoding.EncodeToString([]byte("hunter2")), "is not encrypted with age"},
		"its end off":  {sealed[:len(sealed)-1], "is not encrypted with age"},
		"half a block": {armor.Header + "\n" + sealed[:64], "below `age: |`"},
		"its MAC":      {flipped(bytes.Index(raw, []byte("\n---")) + 10), "is damaged"},
		"only header":  {base64.StdEncoding.EncodeToString(raw[:120]), "is damaged"},
	} {
		err := k.both.Check(c.sealed)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	// Of the payload only Open can tell.
	if err := k.both.Check(flipped(len(raw) - 1)); err != nil {
		t.Errorf("the payload was looked at: %v", err)
	}
	if got, err := k.both.Open(flipped(len(raw) - 1)); err == nil || got != "" || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("a damaged payload: got %q, %v", got, err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"too long": {strings.Repeat("x", seal.MaxText+1), "holds more than 131072 bytes"},
		"no text":  {"\xff", "(UTF-8)"},
	} {
		if got, err := k.both.Open(sealTo(t, c.text, k.recipient[0])); err == nil || got != "" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %.20q, %v", name, got, err)
		}
	}
}

func TestAPassphraseIsToldApart(t *testing.T) {
	k := newKeys(t)
	recipient, err := age.NewScryptRecipient("hunter2")
	if err != nil {
		t.Fatal(err)
	}
	recipient.SetWorkFactor(1)
	sealed, err := seal.Recipients{recipient}.Seal("text")
	if err != nil {
		t.Fatal(err)
	}
	if err := k.both.Check(sealed); err == nil || !strings.Contains(err.Error(), "passphrase") {
		t.Errorf("got %v", err)
	}
}

func TestMistakenKeys(t *testing.T) {
	k := newKeys(t)
	private := string(k.file[0][bytes.Index(k.file[0], []byte("AGE-SECRET-KEY-")):])
	for _, file := range []string{"", "# nothing\n", "hunter2", private[:40], "x" + private, k.recipient[0], strings.ToLower(private)} {
		if _, err := seal.ParseIdentities([]byte(file)); err == nil || !strings.Contains(err.Error(), "keygen") ||
			strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), private[20:40]) {
			t.Errorf("%q: %v", file, err)
		}
	}
	for text, want := range map[string]string{"hunter2": "is not an age recipient", private: "an identity was given", string(k.file[0]): "an identity was given", " " + strings.ToLower(private): "an identity was given", k.recipient[0][:30]: "is not an age recipient"} {
		if _, err := seal.ParseRecipients([]string{k.recipient[1], text}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(strings.ToUpper(err.Error()), private[20:40]) {
			t.Errorf("%s: %v", text, err)
		}
	}
	own, err := k.both.Recipients().Seal("text")
	if err != nil {
		t.Fatal(err)
	}
	for i := range k.file {
		if got, err := identities(t, k.file[i]).Open(own); got != "text" || err != nil {
			t.Errorf("to the recipients of identities: %q, %v", got, err)
		}
	}
}
