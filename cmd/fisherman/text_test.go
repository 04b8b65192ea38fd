package main

import (
	"strings"
	"testing"
	"unicode"
)

func TestNothingFromOutsideReachesATerminalButText(t *testing.T) {
	for text, want := range map[string]string{
		"no licence\nat all":    "no licence\nat all",
		"a\tb\r\nc":             "a b\nc",
		"\x1b[2J\x1b]0;pwned\a": `\x1b[2J\x1b]0;pwned\a`,
		"\u009b31m":             `\u009b31m`,
		"over\rwritten\b\x7f":   `over\rwritten\b\x7f`,
		"right\u202eto left":    `right\u202eto left`,
		"not\xff utf8":          "not\ufffd utf8",
		"zażółć gęślą jaźń, 日本, 🎣 ✓": "zażółć gęślą jaźń, 日本, 🎣 ✓",
	} {
		if got := printable(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
	if got := oneLine("one\n\ntwo\n"); got != "one two" {
		t.Errorf("in one line: %q", got)
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("\x1b[31mred\u009b0m\r\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		if i := strings.IndexFunc(printable(text), func(r rune) bool { return r != '\n' && unicode.IsControl(r) }); i >= 0 {
			t.Errorf("%q is shown as %q", text, printable(text))
		}
		for columns := range 12 {
			for _, tail := range []bool{false, true} {
				if short := clip(text, columns, tail); columnsOf(short) > columns {
					t.Errorf("%q takes %d columns of %d", short, columnsOf(short), columns)
				}
			}
		}
	})
}

func TestColumns(t *testing.T) {
	for text, want := range map[string][2]int{
		"web ✓": {5, 5}, "“web”": {5, 7}, "日本": {2, 4}, "e\u0301": {1, 2},
	} {
		if least, most := leastColumnsOf(text), columnsOf(text); [2]int{least, most} != want {
			t.Errorf("%q takes %d to %d columns, want %d to %d", text, least, most, want[0], want[1])
		}
	}
}

func TestJSONIsSafeOnATerminal(t *testing.T) {
	var out strings.Builder
	if err := printJSON(&out, "\x1b \u009b \x7f"); err != nil {
		t.Fatal(err)
	}
	if want := `"\u001b \u009b \u007f"` + "\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		tail    bool
		want    string
	}{
		{"ghcr.io/o/web:latest", 20, true, "ghcr.io/o/web:latest"},
		{"ghcr.io/o/web:latest", 12, true, "…/web:latest"},
		{"a.pl/:80 b.pl/:80", 9, false, "a.pl/:80…"},
		{"日本語", 5, false, "日本…"},
		{"日本語", 4, true, "…語"},
		{"abc", 1, false, "…"},
		{"abc", 0, true, ""},
	} {
		if got := clip(c.text, c.columns, c.tail); got != c.want {
			t.Errorf("%q in %d columns is %q, want %q", c.text, c.columns, got, c.want)
		}
	}
}
