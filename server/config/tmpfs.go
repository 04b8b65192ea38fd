package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"fisherman/deployer"
)

// tmpfsFlags and tmpfsValue are the options of tmpfs(5) that Docker takes.
var (
	tmpfsFlags = regexp.MustCompile(`^(rw|ro|(no)?(exec|suid|dev|atime))$`)
	tmpfsValue = regexp.MustCompile(`^(mode=[0-7]{3,4}|(uid|gid|nr_inodes)=[0-9]{1,10})$`)
	tmpfsSize  = regexp.MustCompile(`^size=[1-9][0-9]{0,12}[kKmMgG]$`)
)

// tmpfs is PATH or PATH:OPTION,OPTION…, as in `docker run --tmpfs`.
func tmpfs(into *deployer.Tmpfs) kind {
	return scalar[deployer.Tmpfs]{into: into, word: "PATH[:size=64m,…]", form: like(`^/[^:\s]+(:[^:\s]+)?$`), parse: func(s string) (deployer.Tmpfs, error) {
		target, options, _ := strings.Cut(s, ":")
		target, err := inside(target)
		if err == nil && strings.Contains(s, ":") {
			err = tmpfsOptions(options)
		}
		return deployer.Tmpfs{Target: target, Options: options}, err
	}}
}

func tmpfsOptions(options string) error {
	for option := range strings.SplitSeq(options, ",") {
		switch {
		case tmpfsFlags.MatchString(option) || tmpfsValue.MatchString(option) || tmpfsSize.MatchString(option):
		case strings.HasPrefix(option, "size="):
			return fmt.Errorf("has a size without k, m or g (`%s`); write it like `size=64m`", option)
		default:
			return fmt.Errorf("has an option that tmpfs does not know (`%s`); write `size=64m`, `mode=0700`, `uid=1000`, `gid=1000`, "+
				"`nr_inodes=1000`, `ro`, `exec`, `suid` or `dev`, joined by commas", cut(option))
		}
	}
	return nil
}

// inside is a directory of the container that may be put in place of what the image has there.
func inside(s string) (string, error) {
	clean, err := wholePath(s)
	switch {
	case err != nil:
		return "", err
	case clean == "/":
		return "", errors.New("would hide all of the container; write a directory in it")
	case strings.ContainsFunc(s, unicode.IsSpace):
		return "", errors.New("holds white space; remove it")
	}
	return clean, nil
}
