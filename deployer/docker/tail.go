package docker

import (
	"strings"
	"unicode"
)

// tail keeps the last bytes of what is written to it.
type tail struct {
	most int
	kept []byte
	cut  bool
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.most; over > 0 {
		t.kept, t.cut = append(t.kept[:0], t.kept[over:]...), true
	}
	return len(p), nil
}

// quoted is what a tail holds, fit to be shown, after an introduction.
func quoted(t *tail, intro string) string {
	text := strings.TrimSpace(harmless(string(t.kept)))
	switch {
	case text == "":
		return " without a word"
	case t.cut:
		return intro + "…" + text
	}
	return intro + text
}

// harmless takes out of text what could do something to a terminal or a log: anything but printable characters, tabs and
// line ends.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', unicode.IsPrint(r):
			return r
		case r == '\r':
			return -1
		}
		return '·'
	}, strings.ToValidUTF8(text, "·"))
}
