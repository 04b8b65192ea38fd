package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fisherman/deployer"
)

const tokenFile = "token"

// token is the API's bearer token: the configured one, else, also where that could not be had, the state directory's, made at
// first start.
func token(configured deployer.Secret, state string) (deployer.Secret, error) {
	text, err := configured.Reveal() // once, and not for each request
	if !configured.IsEmpty() && !errors.Is(err, deployer.ErrUnavailable) {
		if err != nil {
			return deployer.Secret{}, fmt.Errorf("open server.token: it %w", err)
		}
		return deployer.Plain(text), nil
	}
	path := filepath.Join(state, tokenFile)
	raw, err := readOwn(path)
	if err == nil && strings.TrimSpace(string(raw)) != "" {
		return deployer.Plain(strings.TrimSpace(string(raw))), nil
	}
	switch {
	case errors.Is(err, errNoFile):
		return deployer.Secret{}, fmt.Errorf("read the API token: %w; move it away, and a token is made", err)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return deployer.Secret{}, fmt.Errorf("read the API token: %w; let this user read it, or remove it, and another token is made", err)
	}
	made := rand.Text()
	if err := writeWhole(path, made+"\n", 0o600); err != nil {
		return deployer.Secret{}, fmt.Errorf("keep the API token: %w; set `state` to a directory this user may write, with some space left", err)
	}
	return deployer.Plain(made), nil
}

// unplaced begins the name of a file that is not in place yet.
const unplaced = ".new-"

// writeWhole puts a file in place complete or not at all. Until it is, its owner alone can read it.
func writeWhole(path, content string, mode fs.FileMode) error {
	temp, err := os.CreateTemp(filepath.Dir(path), unplaced+"*") // mode 0600
	if err != nil {
		return err
	}
	_, err = temp.WriteString(content)
	err = errors.Join(err, temp.Chmod(mode), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// sweepUp removes from a directory what a crash kept from being put in place. Nobody else may be writing there.
func sweepUp(directory string) error {
	entries, err := os.ReadDir(directory)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), unplaced) {
			err = errors.Join(err, os.Remove(filepath.Join(directory, e.Name())))
		}
	}
	return err
}
