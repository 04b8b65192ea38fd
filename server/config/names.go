package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var (
	// dnsLabel is RFC 1123, section 2.1, in lower case.
	dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	// repositoryName is what GitHub lets people choose; underscores occur in the logins of managed users.
	repositoryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}$`)
	// tagName is the grammar of the OCI distribution specification 1.1, "Pulling manifests".
	tagName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	// branchTrouble is what git-check-ref-format(1) forbids in a branch's name.
	branchTrouble = regexp.MustCompile(`[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|/\.|[/.]$|\.lock(/|$)|^@$`)
	digits        = regexp.MustCompile(`^[0-9]{1,20}$`)
	// networkName is what Docker allows.
	networkName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)
	// ownNetwork are the networks that every engine has.
	ownNetwork = regexp.MustCompile(`^(host|none|bridge|default)$`)
)

const longestServiceName = 40

func serviceName(name string) error {
	if len(name) > longestServiceName || !dnsLabel.MatchString(name) {
		return fmt.Errorf("a service's name is a DNS label: a-z, 0-9 and, between them, hyphens, %d at most",
			longestServiceName)
	}
	return nil
}

// matching is a text with a pattern.
func matching(into *string, word string, pattern *regexp.Regexp, remedy string) kind {
	return scalar[string]{into: into, word: word, form: bare(pattern.String()), parse: func(s string) (string, error) {
		if !pattern.MatchString(s) {
			return "", errors.New(remedy)
		}
		return s, nil
	}}
}

func tag(into *string) kind {
	return matching(into, "tag", tagName,
		"is not a tag; it holds letters, digits, `_`, `.` and `-`, 128 at most, and begins with none of the last two")
}

func channel(into *string) kind {
	return matching(into, "digits", digits, "is not a channel's id; copy the number that Discord calls \"Copy Channel ID\"")
}

func network(into *string) kind {
	return scalar[string]{into: into, word: "name", form: bare(networkName.String()), parse: func(s string) (string, error) {
		switch {
		case !networkName.MatchString(s):
			return "", errors.New("is not a network's name; it holds letters, digits, `_`, `.` and `-`")
		case ownNetwork.MatchString(s):
			return "", errors.New("is one of Docker's own networks; name one that fisherman can have for itself")
		}
		return s, nil
	}}
}

func repository(into *string) kind {
	return scalar[string]{into: into, word: "owner/name", form: like(repositoryName.String()), parse: func(s string) (string, error) {
		if repositoryName.MatchString(s) {
			return strings.ToLower(s), nil
		}
		bare := strings.TrimSuffix(strings.TrimSuffix(s, "/"), ".git")
		if i := strings.LastIndexAny(bare, "/:"); i > 0 {
			j := strings.LastIndexAny(bare[:i], "/:@")
			if short := bare[j+1:i] + "/" + bare[i+1:]; j >= 0 && repositoryName.MatchString(short) {
				return "", fmt.Errorf("is not owner/name; write `%s`", short)
			}
		}
		return "", errors.New("is not a repository on GitHub; write `owner/name`")
	}}
}

func branch(into *string) kind {
	return scalar[string]{into: into, word: "branch", parse: func(s string) (string, error) {
		if short, full := strings.CutPrefix(s, "refs/heads/"); full {
			return "", fmt.Errorf("is a whole ref; write the branch alone, `%s`", short)
		}
		if branchTrouble.MatchString(s) {
			return "", errors.New("is not a branch's name; write one branch, without patterns")
		}
		return s, nil
	}}
}
