package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

// lastGoodFile is the copy of the configuration that was in use last. Its name says how it is written; what a later version
// of fisherman writes otherwise will have another.
const lastGoodFile = "config.v1.yaml"

// lastGoodLines begin the copy. What follows them is the text as it was in its source: ${NAME} is not replaced, and what is
// encrypted stays so.
const (
	lastGoodTitle = "# The configuration that fisherman used last, for when its source cannot be read. Changes to it are lost.\n"
	lastGoodLines = lastGoodTitle + "# location: %s\n# kept: %s\n# sha256: %s\n"
)

// lastGood is such a copy.
type lastGood struct {
	raw  []byte
	kept string // when: RFC 3339
}

func (l lastGood) sum() string { return fmt.Sprintf("%x", sha256.Sum256(l.raw)) }

// keepLastGood puts a configuration aside in the state directory, unless it is there already.
func keepLastGood(state, location string, raw []byte) error {
	if old, err := recall(state, location); err == nil && bytes.Equal(old.raw, raw) {
		return nil
	}
	copied := lastGood{raw: raw}
	head := fmt.Sprintf(lastGoodLines, location, time.Now().UTC().Format(time.RFC3339), copied.sum())
	if err := writeWhole(filepath.Join(state, lastGoodFile), head+string(raw), 0o600); err != nil {
		return fmt.Errorf("keep a copy of the configuration: %w", err)
	}
	return nil
}

// recall returns the copy of a location's configuration; none wraps fs.ErrNotExist.
func recall(state, location string) (lastGood, error) {
	path := filepath.Join(state, lastGoodFile)
	text, err := readOwn(path)
	if err != nil {
		return lastGood{}, err
	}
	rest, whole := strings.CutPrefix(string(text), lastGoodTitle)
	head := map[string]string{}
	for _, name := range []string{"location", "kept", "sha256"} {
		line, after, ended := strings.Cut(rest, "\n")
		value, named := strings.CutPrefix(line, "# "+name+": ")
		whole = whole && ended && named
		head[name], rest = value, after
	}
	last := lastGood{raw: []byte(rest), kept: head["kept"]}
	switch {
	case !whole || last.sum() != head["sha256"]:
		return lastGood{}, fmt.Errorf("%s is damaged or was edited; remove it", path)
	case head["location"] != location:
		return lastGood{}, errors.Join(fmt.Errorf("%s is a copy of %s, not of %s", path, head["location"], location), fs.ErrNotExist)
	}
	return last, nil
}
