package main

import (
	"strconv"
	"strings"
	"unicode"
)

// printable makes a text from outside, an app's last words say, safe to show: whatever a terminal might obey is spelt out,
// and lines remain lines.
func printable(text string) string {
	var b strings.Builder
	for _, r := range strings.NewReplacer("\r\n", "\n", "\t", " ").Replace(text) {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// oneLine is the same without line breaks.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(printable(text), func(r rune) bool { return r == '\n' }), " ")
}

// amount is a number of things, in words: "1 service".
func amount(n int, of string) string {
	if n != 1 {
		of += "s"
	}
	return strconv.Itoa(n) + " " + of
}

// columnsOf is how many columns of a terminal a text takes, or fewer: which letters take two differs from one terminal to
// the next, and a line that is too short does less harm than one that wraps.
func columnsOf(text string) int {
	n := 0
	for _, r := range text {
		n += columnsOfRune(r)
	}
	return n
}

func columnsOfRune(r rune) int {
	if r < 0x1100 || strings.ContainsRune(marks, r) {
		return 1
	}
	return 2
}

// leastColumnsOf is how many columns a text takes, or more.
func leastColumnsOf(text string) int {
	n := 0
	for _, r := range text {
		if !unicode.Is(unicode.M, r) { // what stands above or below the letter before it
			n++
		}
	}
	return n
}

// marks are the signs of our own, which take one column.
const marks = "✓✗•…→"

// clip shortens a text to so many columns, at its end or, as the tail of an image's name says most, at its beginning.
func clip(text string, columns int, tail bool) string {
	if columnsOf(text) <= columns {
		return text
	}
	if columns <= 0 {
		return ""
	}
	runes, n := []rune(text), 0
	if !tail {
		for i, r := range runes {
			if n += columnsOfRune(r); n >= columns {
				return string(runes[:i]) + "…"
			}
		}
	}
	for i := len(runes) - 1; i >= 0; i-- {
		if n += columnsOfRune(runes[i]); n >= columns {
			return "…" + string(runes[i+1:])
		}
	}
	return text
}
