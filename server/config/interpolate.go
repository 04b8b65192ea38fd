package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// variable is the name of an environment variable (POSIX.1-2017, 8.1).
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// interpolate replaces ${NAME} by the environment's value, which is not looked at again, and $$ by a dollar sign. A
// dollar sign before anything else stays. An error names variables, never a part of the text.
func interpolate(text string, getenv func(string) (string, bool)) (string, error) {
	var out strings.Builder
	var unset []string
	for {
		before, after, found := strings.Cut(text, "$")
		out.WriteString(before)
		switch {
		case out.Len() > MaxSize:
			return "", fmt.Errorf("is longer than %d bytes with the environment's values; shorten it", MaxSize)
		case !found && len(unset) > 0:
			slices.Sort(unset)
			return "", fmt.Errorf("not set in the environment: %s; export what is missing, or write `$$` for a dollar sign",
				strings.Join(slices.Compact(unset), ", "))
		case !found:
			return out.String(), nil
		case strings.HasPrefix(after, "$"):
			out.WriteByte('$')
			text = after[1:]
		case strings.HasPrefix(after, "{"):
			name, rest, closed := strings.Cut(after[1:], "}")
			if !closed {
				return "", errors.New("`${` has no closing brace; write `${NAME}`, or `$${` for the characters themselves")
			}
			if !variable.MatchString(name) {
				return "", errors.New("`${…}` must hold a name of letters, digits and underscores; " +
					"write `${NAME}`, or `$${` for the characters themselves")
			}
			got, ok := getenv(name)
			if !ok {
				unset = append(unset, name)
			}
			out.WriteString(got)
			text = rest
		default:
			out.WriteByte('$')
			text = after
		}
	}
}
