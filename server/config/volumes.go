package config

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"

	"fisherman/deployer"
)

// volumeName is what Docker allows (moby, volume/names).
var volumeName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$`)

// volume is SOURCE:TARGET or SOURCE:TARGET:ro, as in `docker run --volume`.
func volume(into *deployer.Volume) kind {
	return scalar[deployer.Volume]{into: into, word: "SOURCE:TARGET[:ro]", form: like(`^[^:]+:/[^:]*(:ro)?$`), parse: parseVolume}
}

func parseVolume(s string) (deployer.Volume, error) {
	source, rest, _ := strings.Cut(s, ":")
	target, mode, moded := strings.Cut(rest, ":")
	switch {
	case rest == "":
		return deployer.Volume{}, errors.New("does not say where it is in the container; write `SOURCE:TARGET`")
	case moded && mode == "rw":
		return deployer.Volume{}, fmt.Errorf("can be written without a word; write `%s:%s`", source, target)
	case moded && mode != "ro":
		return deployer.Volume{}, errors.New("ends with something else than `:ro`; write `SOURCE:TARGET` or `SOURCE:TARGET:ro`")
	}
	source, err := volumeSource(source)
	if err != nil {
		return deployer.Volume{}, fmt.Errorf("its source %w", err)
	}
	if target, err = wholePath(target); err != nil {
		return deployer.Volume{}, fmt.Errorf("its target %w", err)
	}
	if target == "/" {
		return deployer.Volume{}, errors.New("would hide all of the container; write a directory in it as the target")
	}
	return deployer.Volume{Source: source, Target: target, ReadOnly: moded}, nil
}

func volumeSource(s string) (string, error) {
	switch {
	case volumeName.MatchString(s):
		return s, nil
	case !strings.Contains(s, "/"):
		return "", errors.New("is neither an absolute path nor a volume's name; a name holds two or more letters, digits, `_`, `.` " +
			"and `-`, the first a letter or digit")
	}
	return wholePath(s)
}

// logPath is a file, or none.
func logPath(into *string) kind {
	return scalar[string]{into: into, word: "absolute path, or off", form: like(`^(off|/.*)$`), parse: func(s string) (string, error) {
		if s == NoAccessLog {
			return s, nil
		}
		return wholePath(s)
	}}
}

// wholePath is an absolute path by which a directory has one name alone; a slash at its end says nothing and is dropped.
func wholePath(s string) (string, error) {
	clean := path.Clean(s)
	switch {
	case !strings.HasPrefix(s, "/"):
		return "", errors.New("is not an absolute path; begin it with `/`")
	case strings.ContainsFunc(s, unicode.IsControl):
		return "", errors.New("holds a control character; remove it")
	case clean != s && clean+"/" != s:
		return "", fmt.Errorf("has a shorter form; write `%s`", clean)
	}
	return clean, nil
}
