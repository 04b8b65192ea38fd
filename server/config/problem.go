package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in a configuration.
type Problem struct {
	Path    string // services.web.routes[0].port; "line 3" where YAML itself is broken; empty for the file as a whole
	Value   string // what stands there, cut when long, [redacted] for secrets; empty when it is not one value
	Message string // what is wrong and what to write instead

	line, column int
}

// Error returns "path: "value": message" on one line.
func (p Problem) Error() string {
	var b strings.Builder
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	switch p.Value {
	case "":
	case redacted:
		b.WriteString(redacted + ": ")
	default:
		fmt.Fprintf(&b, "%q: ", p.Value)
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems are all mistakes of a configuration, in the order of the file.
type Problems []Problem

// Error returns one line for each.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// Without are those of the problems that others do not have, wherever they stand there.
func (p Problems) Without(others Problems) (left Problems) {
	for _, problem := range p {
		if !slices.ContainsFunc(others, func(o Problem) bool { return o.Value == problem.Value && o.Message == problem.Message }) {
			left = append(left, problem)
		}
	}
	return left
}

// sorted returns what was found in the order of the file. What is wrong in `defaults` or behind an alias is met once for
// each service that takes it over, and counts once.
func (r *reader) sorted() Problems {
	if r.budget < 0 {
		return Problems{{Message: fmt.Sprintf(
			"aliases, `defaults` and files of variables come to more than %d values; write fewer of them", maxBorrowed)}}
	}
	slices.SortFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(r.problems)
}
