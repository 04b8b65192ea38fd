package main

import (
	"cmp"
	"slices"
	"strings"
)

// piece is a part of a line, in one colour.
type piece struct {
	colour colour
	text   string
}

// render is a line as a terminal shows it, cut to so many columns; 0 is no limit.
func (t *terminal) render(line []piece, columns int) (text string, width int) {
	var b strings.Builder
	for _, p := range line {
		if columns > 0 {
			p.text = clip(p.text, columns-width, false)
		}
		width += columnsOf(p.text)
		b.WriteString(t.paint(p.colour, p.text))
	}
	return b.String(), width
}

// column is one of a table of Ts.
type column[T any] struct {
	title  string
	cell   func(T) string
	colour func(T) colour // nil: none
	right  bool           // as numbers are
	// Where there is too little room, columns are shortened to least (0: never), at the beginning if tail says so. If that
	// is not enough, those of the lowest rank are left out (0: never).
	least  int
	tail   bool
	yields bool // gets more than the least only once all others have enough
	rank   int
}

// table lays rows out in columns.
type table[T any] []column[T]

// gap is what separates columns.
const gap = "  "

// lines are the title and a line a row, in so many columns of a terminal; 0 is no limit.
func (t table[T]) lines(rows []T, columns int) [][]piece {
	cells := make([][]string, len(t))
	for i, c := range t {
		cells[i] = append(cells[i], c.title)
		for _, row := range rows {
			cells[i] = append(cells[i], cmp.Or(oneLine(c.cell(row)), "-"))
		}
	}
	widths := t.fit(widest(cells), columns)
	all := make([][]piece, len(rows)+1)
	for n := range all {
		for i, c := range t {
			if widths[i] == 0 {
				continue
			}
			p := piece{faint, c.pad(cells[i][n], widths[i])}
			if n > 0 {
				p.colour = c.colourOf(rows[n-1])
			}
			all[n] = append(all[n], p, piece{"", gap})
		}
		all[n] = trimmed(all[n])
	}
	return all
}

func (c column[T]) colourOf(row T) colour {
	if c.colour == nil {
		return ""
	}
	return c.colour(row)
}

func (c column[T]) pad(cell string, width int) string {
	cell = clip(cell, width, c.tail)
	room := strings.Repeat(" ", width-columnsOf(cell))
	if c.right {
		return room + cell
	}
	return cell + room
}

// trimmed is a line without blanks at its end.
func trimmed(line []piece) []piece {
	for len(line) > 0 {
		last := &line[len(line)-1]
		if last.text = strings.TrimRight(last.text, " "); last.text != "" {
			break
		}
		line = line[:len(line)-1]
	}
	return line
}

func widest(cells [][]string) []int {
	widths := make([]int, len(cells))
	for i, column := range cells {
		for _, cell := range column {
			widths[i] = max(widths[i], columnsOf(cell))
		}
	}
	return widths
}

// fit returns how wide each column may be, of those natural to it; 0 is that it is left out.
func (t table[T]) fit(natural []int, columns int) []int {
	if columns == 0 {
		return natural
	}
	ranks := []int{0}
	for _, c := range t {
		ranks = append(ranks, c.rank)
	}
	slices.Sort(ranks)
	ranks = slices.Compact(ranks)
	for _, out := range ranks {
		if widths, fits := t.without(out, natural, columns); fits {
			return widths
		}
	}
	widths, _ := t.without(ranks[len(ranks)-1], natural, columns)
	return widths
}

// without leaves columns out up to a rank, and gives the others as much as there is: first the least, then what is left
// from the first column on. Those that yield come last.
func (t table[T]) without(rank int, natural []int, columns int) (widths []int, fits bool) {
	widths = make([]int, len(t))
	room := columns + len(gap)
	for i, c := range t {
		if c.rank > 0 && c.rank <= rank {
			continue
		}
		widths[i] = natural[i]
		if c.least > 0 {
			widths[i] = min(natural[i], c.least)
		}
		room -= widths[i] + len(gap)
	}
	fits = room >= 0
	for _, yields := range []bool{false, true} {
		for i, c := range t {
			if c.yields == yields && widths[i] > 0 && room > 0 {
				more := min(natural[i]-widths[i], room)
				widths[i] += more
				room -= more
			}
		}
	}
	return widths, fits
}
