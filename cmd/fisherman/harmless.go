package main

import (
	"bytes"
	"io"
	"regexp"
	"strings"
)

// harmless prints on a terminal what programs have written, line by line: their colours remain, and whatever else a
// terminal might obey is spelt out.
type harmless struct {
	terminal *terminal // not embedded: what reads from a file directly would get around Write
	rest     []byte    // the beginning of a line that has not ended
}

// longest is how much of a line without an end is waited for.
const longest = 64 << 10

func (h *harmless) Write(p []byte) (int, error) {
	h.rest = append(h.rest, p...)
	end := bytes.LastIndexByte(h.rest, '\n') + 1
	if len(h.rest)-end >= longest {
		end = len(h.rest)
	}
	whole := h.rest[:end]
	h.rest = h.rest[end:]
	return len(p), h.print(whole)
}

// flush prints a last line that has no end.
func (h *harmless) flush() error {
	defer func() { h.rest = nil }()
	return h.print(h.rest)
}

func (h *harmless) print(text []byte) error {
	for line := range strings.Lines(string(text)) {
		if _, err := io.WriteString(h.terminal, h.safe(line)); err != nil {
			return err
		}
	}
	return nil
}

// style is what sets colours and nothing else: ECMA-48, SGR.
var style = regexp.MustCompile("\x1b\\[[0-9;:]*m")

// safe is a line as it may be shown. No colour goes on into the next line.
func (h *harmless) safe(line string) string {
	styles := style.FindAllStringIndex(line, -1)
	if len(styles) == 0 {
		return printable(line)
	}
	text, ended := strings.CutSuffix(line, "\n")
	var b strings.Builder
	from := 0
	for _, s := range styles {
		b.WriteString(printable(text[from:s[0]]))
		if h.terminal.colour {
			b.WriteString(text[s[0]:s[1]])
		}
		from = s[1]
	}
	b.WriteString(printable(text[from:]))
	if h.terminal.colour {
		b.WriteString("\x1b[0m")
	}
	if ended {
		b.WriteString("\n")
	}
	return b.String()
}
