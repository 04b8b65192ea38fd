package main

import (
	"os"
	"path/filepath"
	"testing"
)

// What programs print keeps its colours on a terminal, and can do nothing else to it, however it is cut into pieces.
func TestHarmless(t *testing.T) {
	tests := map[string]struct{ written, plain, coloured string }{
		"words":            {"tide is high\n", "tide is high\n", "tide is high\n"},
		"no end":           {"tide", "tide", "tide"},
		"colour":           {"\x1b[1;31mred\x1b[0m sail\n", "red sail\n", "\x1b[1;31mred\x1b[0m sail\x1b[0m\n"},
		"colour left on":   {"\x1b[31mred\nsail\n", "red\nsail\n", "\x1b[31mred\x1b[0m\nsail\n"},
		"cleared screen":   {"\x1b[2J\x1b[Hgone\n", `\x1b[2J\x1b[Hgone` + "\n", `\x1b[2J\x1b[Hgone` + "\n"},
		"title":            {"\x1b]0;mine\x07\n", `\x1b]0;mine\a` + "\n", `\x1b]0;mine\a` + "\n"},
		"8-bit controls":   {"\u009b2J\n", `\u009b2J` + "\n", `\u009b2J` + "\n"},
		"a rewritten line": {"50%\r100%\r\n", `50%\r100%` + "\n", `50%\r100%` + "\n"},
		"not UTF-8":        {"\xff\xfe\x1b\n", "\ufffd\ufffd" + `\x1b` + "\n", "\ufffd\ufffd" + `\x1b` + "\n"},
		"letters":          {"żółw 龜\n", "żółw 龜\n", "żółw 龜\n"},
	}
	for name, test := range tests {
		for colour, want := range map[bool]string{false: test.plain, true: test.coloured} {
			for _, pieces := range []int{1, 3, len(test.written)} {
				if got := shownHarmlessly(t, test.written, pieces, colour); got != want {
					t.Errorf("%s, colour %v, in pieces of %d: got %q, want %q", name, colour, pieces, got, want)
				}
			}
		}
	}
}

func shownHarmlessly(t *testing.T, text string, piece int, colour bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "screen")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	h := &harmless{terminal: &terminal{file, colour}}
	for from := 0; from < len(text); from += piece {
		if _, err := h.Write([]byte(text[from:min(from+piece, len(text))])); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.flush(); err != nil {
		t.Fatal(err)
	}
	shown, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(shown)
}
