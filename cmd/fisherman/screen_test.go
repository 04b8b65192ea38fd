package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// screen is what a person sees of what a program writes to a terminal that breaks long lines anew when it is resized, as
// most do. It understands what fisherman has a use for; anything else that begins with a control character is strange.
type screen struct {
	mu            sync.Mutex // guards the rest
	columns, rows int
	lines         [][]rune // unbroken
	line, offset  int      // the cursor
	first         *screen  // while the other one is shown
	rest          []byte   // of an unfinished sequence
	strange       []string
	coloured      int // sequences that change the colour
}

func newScreen(columns, rows int) *screen {
	return &screen{columns: columns, rows: rows, lines: [][]rune{{}}}
}

func (s *screen) resize(columns, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.columns, s.rows = columns, rows
}

// sequences are the control sequences that may be used (ECMA-48, xterm).
var sequences = regexp.MustCompile(`^\x1b\[(\??)([0-9;]*)([A-Za-z])`)

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = append(s.rest, p...)
	for len(s.rest) > 0 && s.take() {
	}
	return len(p), nil
}

// take takes one letter or sequence, if it is there whole.
func (s *screen) take() bool {
	if s.rest[0] == 0x1b {
		found := sequences.FindSubmatch(s.rest)
		if found == nil && len(s.rest) < 12 {
			return false
		}
		if found == nil {
			s.strange = append(s.strange, fmt.Sprintf("%q", s.rest[:12]))
			s.rest = s.rest[1:]
			return true
		}
		s.rest = s.rest[len(found[0]):]
		s.obey(string(found[1])+string(found[3]), string(found[2]))
		return true
	}
	if !utf8.FullRune(s.rest) {
		return false
	}
	r, n := utf8.DecodeRune(s.rest)
	s.rest = s.rest[n:]
	s.put(r)
	return true
}

func (s *screen) put(r rune) {
	switch {
	case r == '\r':
		s.offset = s.row() * s.columns
	case r == '\n':
		s.down()
	case r < ' ' || r >= 0x7f && r <= 0x9f || r == utf8.RuneError:
		s.strange = append(s.strange, strconv.QuoteRune(r))
	default:
		line := s.lines[s.line]
		for len(line) <= s.offset {
			line = append(line, ' ')
		}
		line[s.offset] = r
		s.lines[s.line] = line
		s.offset++
	}
}

// row is the cursor's within its line. Behind the last letter of a full row it is still in that.
func (s *screen) row() int {
	if s.offset > 0 && s.offset == len(s.lines[s.line]) {
		return (s.offset - 1) / s.columns
	}
	return s.offset / s.columns
}

func (s *screen) rowsOf(line int) int { return max(1, (len(s.lines[line])+s.columns-1)/s.columns) }

func (s *screen) down() {
	column := s.offset - s.row()*s.columns
	if s.row()+1 < s.rowsOf(s.line) {
		s.offset += s.columns
		return
	}
	if s.line++; s.line == len(s.lines) {
		s.lines = append(s.lines, nil)
	}
	s.offset = min(column, s.columns-1)
}

func (s *screen) up() {
	switch {
	case s.row() > 0:
		s.offset -= s.columns
	case s.line > 0:
		column := s.offset
		s.line--
		s.offset = (s.rowsOf(s.line)-1)*s.columns + min(column, s.columns-1)
	}
}

func (s *screen) obey(what, numbers string) {
	switch what {
	case "m":
		s.coloured++
	case "?l", "?h":
		if numbers == "1049" {
			s.turn(what == "?h")
		}
	case "A":
		for n, _ := strconv.Atoi(numbers); n > 0; n-- {
			s.up()
		}
	case "H":
		s.line, s.offset = 0, 0
	case "J", "K":
		if what == "J" {
			s.lines = s.lines[:s.line+1]
		}
		s.lines[s.line] = s.lines[s.line][:min(s.offset, len(s.lines[s.line]))]
	default:
		s.strange = append(s.strange, what)
	}
}

// turn shows the other screen, empty, or the first one as it was.
func (s *screen) turn(other bool) {
	if other {
		s.first = &screen{lines: s.lines, line: s.line, offset: s.offset}
		s.lines, s.line, s.offset = [][]rune{{}}, 0, 0
		return
	}
	s.lines, s.line, s.offset, s.first = s.first.lines, s.first.line, s.first.offset, nil
}

// String is every row from the beginning, as if one could scroll back for ever.
func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, line := range s.lines {
		for len(line) > s.columns {
			b.WriteString(string(line[:s.columns]) + "\n")
			line = line[s.columns:]
		}
		b.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// trouble says what nobody should see: control sequences from elsewhere, or more rows than fit on the other screen.
func (s *screen) trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.strange) > 0:
		return fmt.Errorf("the terminal got %v", s.strange)
	case s.first != nil && len(s.lines) > s.rows:
		return fmt.Errorf("%d lines on a screen of %d", len(s.lines), s.rows)
	}
	return nil
}
