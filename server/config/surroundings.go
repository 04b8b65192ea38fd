package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fisherman/deployer"
)

// Surroundings is what a configuration may refer to.
type Surroundings struct {
	Getenv func(string) (string, bool) // os.LookupEnv or what stands in for it
	// ReadFile reads a file that is named by an absolute path or by one beside the configuration. Its error names the file
	// and the remedy; written is the name as it stands in the configuration, and all that may be shown of it. It need not
	// return more than MaxSize+1 bytes. Nil: files of this machine, by their absolute paths.
	ReadFile func(name, written string) ([]byte, error)
	// MayShow says which variables may be taken where their values are shown, in problems and in plans. Nil: all of them, as
	// for whoever writes the configuration that is in force. For others the names in files of variables are Unnamed, too.
	MayShow func(name string) bool
	// MayLack says that what cannot be had of the files that are named is no problem: it is lacking, and what needs it says so
	// when it is used. That is for a text that was good before.
	MayLack bool
	// Files says what is wrong with the files of certificates that a configuration names, usually by CheckFiles; it is asked also
	// where there are other problems, and all are told together. Nil: nobody looks.
	Files func(*Config) Problems
}

// resolve replaces ${NAME}. Where the text may be shown it keeps in mind which variables are taken, and refuses those that must
// not be.
func (r *reader) resolve(text string, hidden bool) (string, error) {
	if hidden {
		return interpolate(text, r.getenv)
	}
	var withheld []string
	got, err := interpolate(text, func(name string) (string, bool) {
		if r.mayShow != nil && !r.mayShow(name) {
			withheld = append(withheld, name)
			return "", true
		}
		if r.shown == nil {
			r.shown = map[string]bool{}
		}
		r.shown[name] = true
		return r.getenv(name)
	})
	if len(withheld) > 0 {
		return "", fmt.Errorf("would show %s, which the configuration in force keeps to itself; write the value instead, or have the server "+
			"read this configuration where its own is", strings.Join(withheld, ", "))
	}
	return got, err
}

// onThisMachine reads files by their absolute paths.
func onThisMachine(path string) ([]byte, error) {
	if !filepath.IsAbs(path) {
		return nil, errors.New("is a relative path, and this configuration is no file that it could be beside of; " +
			"write the absolute path of a file on this machine")
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file") // a pipe would be waited for
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	return raw, errors.Join(err, file.Close())
}

// readFile reads what a value names, once for a whole configuration. An error does not quote what the name takes from the
// environment: it might be the secret itself.
func (r *reader) readFile(v value, name string) (string, error) {
	known, ok := r.files[name]
	if !ok {
		raw, err := r.read(name, v.node.Value)
		known = fileRead{string(raw), err}
		r.files[name] = known
	}
	var at *fs.PathError
	switch {
	case known.err == nil:
		return known.text, nil
	case name != v.node.Value:
		return "", errors.New("cannot be read; write the path of a file that this user may read (the name is taken from the environment and not shown)")
	case errors.As(known.err, &at):
		return "", fmt.Errorf("cannot be read: %w; write the path of a file that this user may read", at.Err)
	}
	return "", fmt.Errorf("cannot be read: %w", known.err)
}

// without says that what a value names cannot be had: that is a problem, or it is lacking, and so the service says that
// needs it for its containers; nil: none does.
func (r *reader) without(v value, shown string, err error, service *string) Secret {
	if !r.mayLack {
		r.report(v, shown, "%v", err)
		return Secret{}
	}
	why := Problem{Path: v.path, Value: cut(shown), Message: err.Error()}.Error()
	if !slices.Contains(r.lacks, why) {
		r.lacks = append(r.lacks, why)
	}
	if service != nil && *service == "" {
		*service = why
	}
	return deployer.Lacking(why)
}

// fileRead is what came of reading a file.
type fileRead struct {
	text string // shared by all that name it
	err  error
}
