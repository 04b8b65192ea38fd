package discord

import (
	"regexp"
	"strings"
	"unicode"
)

// joint is a zero-width space: it parts what together would mean something.
const joint = "\u200b"

// terminal matches the colours and cursor movements that programs write for terminals (ECMA-48, CSI).
var terminal = regexp.MustCompile("\x1b\\[[0-9;?]*[ -/]*[@-~]")

// line is the first line of a text that somebody else wrote, without what does not show or turns the text around.
func line(s string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(visible(first))
}

func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, terminal.ReplaceAllString(s, ""))
}

// clip shortens a text to n characters.
func clip(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}

// squeeze shortens a text to n characters in its middle: what failed stands at the beginning, and the last words of a
// container at the end.
func squeeze(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	head := n / 3
	return string(runes[:head]) + "\n…\n" + string(runes[len(runes)-(n-head-3):])
}

// escape makes a line read as it was written: no markdown, no mention.
func escape(s string) string {
	s = strings.NewReplacer(
		`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `~`, `\~`, `|`, `\|`, `<`, `\<`, `[`, `\[`,
		"@everyone", "@"+joint+"everyone", "@here", "@"+joint+"here",
	).Replace(s)
	if strings.HasPrefix(s, "#") || strings.HasPrefix(s, ">") || strings.HasPrefix(s, "-") {
		return `\` + s // a heading, a quotation, a list
	}
	return s
}

// reason shows a line as text, and what has several as the program's output that it holds.
func reason(s string) string {
	s = squeeze(strings.TrimSpace(visible(s)), maxReason)
	if !strings.Contains(s, "\n") {
		return escape(s)
	}
	return "```\n" + strings.ReplaceAll(s, "`", "`"+joint) + "\n```"
}
