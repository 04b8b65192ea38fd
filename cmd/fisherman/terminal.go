package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// terminal is where a person looks on.
type terminal struct {
	*os.File
	colour bool
}

// terminalOf is the terminal that a writer writes to; nil where there is none, or none on which anything can be redrawn.
func terminalOf(w io.Writer) *terminal {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return &terminal{file, os.Getenv("NO_COLOR") == ""} // no-color.org
}

// size is how much fits on it at this moment; 0 columns, which is no limit, on none at all.
func (t *terminal) size() (columns, rows int) {
	if t == nil {
		return 0, 0
	}
	columns, rows, err := term.GetSize(int(t.Fd()))
	if err != nil || columns <= 0 || rows <= 0 { // a serial line, say, does not know
		return 80, 24
	}
	return columns, rows
}

// colour is a style of ECMA-48 (SGR).
type colour string

const (
	bold   colour = "1"
	faint  colour = "2"
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
)

// paint gives a text a colour, where there is a terminal that is to have any.
func (t *terminal) paint(c colour, text string) string {
	if t == nil || !t.colour || c == "" || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}
