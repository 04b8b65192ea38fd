package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// fileVersion is raised when an older fisherman could not read the file any more.
const fileVersion = 1

// errUnreadable says that a route file is not one this version can read.
var errUnreadable = errors.New("not a route file of this version")

// document is the route file.
type document struct {
	Version  int              `json:"version"`
	Services map[string]entry `json:"services"`
}

// entry is one service in the route file.
type entry struct {
	Release string              `json:"release"`
	Boot    string              `json:"boot"` // the kernel's boot id when the addresses were dealt
	Routes  map[string][]string `json:"routes"`

	ClientCAs map[string]string `json:"client_cas,omitempty"` // by route: what its clients are known by; see keyring.asks
}

// store keeps the route table on disk.
type store struct{ file string }

// load reads the file; a missing one is an empty table. One that cannot be understood is errUnreadable.
func (s store) load() (map[string]entry, error) {
	if info, err := os.Stat(s.file); err == nil && !info.Mode().IsRegular() { // a pipe would be waited for
		return nil, fmt.Errorf("read route file: %s: it is no regular file; move it away, and routes come back as services are pointed to again", s.file)
	}
	content, err := os.ReadFile(s.file)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]entry{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read route file: %w; let this user read and write it and its directory", err)
	}
	services, err := decode(content)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return services, nil
}

// decode asks for the version first: what a newer file has is not known here.
func decode(content []byte) (map[string]entry, error) {
	var of struct{ Version int }
	if err := json.Unmarshal(content, &of); err != nil {
		return nil, err
	}
	if of.Version > fileVersion {
		return nil, fmt.Errorf("a newer fisherman wrote it: version %d, while this one knows %d", of.Version, fileVersion)
	}
	if of.Version != fileVersion {
		return nil, fmt.Errorf("version %d, not %d", of.Version, fileVersion)
	}
	var d document
	if err := json.Unmarshal(content, &d); err != nil {
		return nil, err
	}
	if d.Services == nil {
		return nil, errors.New("it has no services")
	}
	return d.Services, nil
}

// setAside renames the file, so that it can be looked into and nothing trips over it again, and returns its new name.
func (s store) setAside() (string, error) {
	name := s.asideName()
	if err := os.Rename(s.file, name); err != nil {
		return "", fmt.Errorf("set route file aside: %w", err)
	}
	return name, nil
}

// keep gives the file a second name, under which it stays when it is replaced, and returns that.
func (s store) keep() (string, error) {
	name := s.asideName()
	if err := os.Link(s.file, name); err != nil {
		return "", fmt.Errorf("keep route file: %w", err)
	}
	return name, nil
}

func (s store) asideName() string {
	return s.file + ".unreadable-" + time.Now().UTC().Format("20060102T150405.000000000Z")
}

// save replaces the file by one with these services. When it returns nil they survive a power cut; when it returns an
// error the old ones are still there, or were put back as far as the disk allows.
func (s store) save(before, after map[string]entry) error {
	if err := s.write(after); err != nil {
		return err
	}
	if err := syncDirectory(filepath.Dir(s.file)); err != nil {
		return errors.Join(err, s.write(before))
	}
	return nil
}

// write puts a new file in place of the old one in one step.
func (s store) write(services map[string]entry) error {
	content, err := json.MarshalIndent(document{Version: fileVersion, Services: services}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode route file: %w", err)
	}
	fresh := s.file + ".new"
	if err := writeSynced(fresh, append(content, '\n')); err != nil {
		return fmt.Errorf("write route file: %w", err)
	}
	if err := os.Rename(fresh, s.file); err != nil {
		return fmt.Errorf("replace route file: %w", err)
	}
	return nil
}

// writeSynced returns once the content is on the disk itself. Without that, a power cut after the rename may leave an
// empty file under the final name.
func writeSynced(name string, content []byte) (err error) {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(content); err != nil {
		return err
	}
	return file.Sync()
}

// syncDirectory makes a rename in the directory last.
func syncDirectory(name string) (err error) {
	directory, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("sync directory of route file: %w", err)
	}
	defer func() { err = errors.Join(err, directory.Close()) }()
	if err := directory.Sync(); err != nil {
		return fmt.Errorf("sync directory of route file: %w", err)
	}
	return nil
}
