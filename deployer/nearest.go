package deployer

import (
	"cmp"
	"slices"
	"strings"
)

// farthest is how many letters of a misspelt name may be wrong.
const farthest = 2

// Nearest returns what was probably meant by a misspelt name, the nearest first: those of the known names that it differs
// from by two letters at most, and by one where they have no more than two.
func Nearest(word string, known []string) []string {
	type near struct {
		name string
		off  int
	}
	var found []near
	for _, name := range known {
		allowed := min(len(name)/3+1, farthest)
		if len(word) > len(name)+allowed { // whatever a stranger sends
			continue
		}
		if off := distance(strings.ToLower(word), strings.ToLower(name)); off <= allowed {
			found = append(found, near{name, off})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return cmp.Compare(a.off, b.off) })
	names := make([]string, 0, len(found))
	for _, n := range found {
		names = append(names, n.name)
	}
	return names
}

// distance is how many letters must be put in, taken out or replaced to make one word the other (Levenshtein's).
func distance(a, b string) int {
	to := []rune(b)
	row := make([]int, len(to)+1)
	for i := range row {
		row[i] = i
	}
	for i, letter := range []rune(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range to {
			same := diagonal
			if letter != to[j] {
				same++
			}
			diagonal = row[j+1]
			row[j+1] = min(same, row[j]+1, diagonal+1)
		}
	}
	return row[len(to)]
}
