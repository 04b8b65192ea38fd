package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fisherman/deployer"
)

func fifo(t *testing.T, path string) {
	t.Helper()
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestWhatIsNoFileInTheStateDirectory is not waited for, and its name and what to do are told.
func TestWhatIsNoFileInTheStateDirectory(t *testing.T) {
	for name, put := range map[string]func(t *testing.T, path string){
		"a pipe": fifo,
		"a directory": func(t *testing.T, path string) {
			t.Helper()
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			state := t.TempDir()
			path := filepath.Join(state, tokenFile)
			put(t, path)
			_, err := token(deployer.Secret{}, state)
			if err == nil || strings.Count(err.Error(), path) != 1 || !strings.Contains(err.Error(), "it is no regular file; move it away, and a token is made") {
				t.Errorf("the token: %v", err)
			}
			put(t, filepath.Join(state, lastGoodFile))
			if _, err := recall(state, "s3://b/k"); !errors.Is(err, errNoFile) || strings.Count(err.Error(), lastGoodFile) != 1 {
				t.Errorf("the configuration: %v", err)
			}
		})
	}
}

// TestWhatIsWaitedForCanBeStopped: a pipe is as good as a file where a person names it, and may never say anything.
func TestWhatIsWaitedForCanBeStopped(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	fifo(t, pipe)
	for _, args := range [][]string{
		{"secrets", "decrypt", "-i", pipe}, {"secrets", "encrypt", "-i", pipe}, {"import", "f2", pipe}, {"check", "--config", "absent.yaml", "--env-file", pipe},
	} {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		root := newRoot()
		root.SetArgs(args)
		root.SetOut(new(bytes.Buffer))
		root.SetErr(new(bytes.Buffer))
		if text, code := verdict(ctx, root, root.ExecuteContext(ctx)); text != "interrupted" || code != exitFailed {
			t.Errorf("%q ended with %q, %d", args, text, code)
		}
	}
}
