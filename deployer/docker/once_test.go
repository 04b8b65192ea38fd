package docker_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
)

// once runs the test app's task of a release and returns what it said.
func (b *bench) once(ctx context.Context, r deployer.Release, words ...string) (said []string, err error) {
	err = b.RunOnce(ctx, r, "before", append([]string{"task"}, words...), func(line string) { said = append(said, line) })
	return said, err
}

func whatRunsOnceIsMadeLikeTheService(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	b.pull(t, r)
	dir := t.TempDir()
	r.Service.Environment = map[string]deployer.Secret{"DSN": deployer.Plain("postgres://db")}
	r.Service.Volumes = []deployer.Volume{{Source: dir, Target: "/data"}}
	r.Service.Ports = []deployer.Port{{Host: 1, Container: 8080, Protocol: "tcp"}} // of the release that runs
	said, err := b.once(t.Context(), r, "env=DSN", "touch=/data/migrated", "lines=500")
	if err != nil {
		t.Fatal(err)
	}
	if len(said) != 501 || said[0] != "postgres://db" || said[500] != "line 499" {
		t.Errorf("it said %d lines, first %q; want its environment and 500 lines", len(said), said[:min(1, len(said))])
	}
	if files, _ := filepath.Glob(dir + "/*"); !slices.Equal(files, []string{dir + "/migrated"}) {
		t.Errorf("its volume holds %q", files)
	}
}

func whatRunsOnceIsAskedToStopFirst(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	b.pull(t, r)
	r.Service.Stop = 20 * time.Second
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun := time.Now()
	err := b.RunOnce(ctx, r, "before", nil, func(string) { cancel() }) // it serves, and ends at SIGTERM
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "`before` of "+r.Service.Name+" was stopped") || !strings.Contains(err.Error(), "got SIGTERM") {
		t.Errorf("it ended with %v, want that it was stopped, and its last lines", err)
	}
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("it took %s, want it to end at SIGTERM", took)
	}
	if n := b.tasks(t, r.Service.Name); n > 0 {
		t.Errorf("%d containers are left", n)
	}
}

// When the program stops, what does not end at SIGTERM has its stop time all the same, and is swept.
func whatRunsOnceKeepsNoProgramFromItsEnd(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	b.pull(t, r)
	r.Service.Stop = 8 * time.Second
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var said []string
	err := b.RunOnce(ctx, r, "before", []string{"task", "deaf", "say=deaf", "sleep=1h"}, func(line string) { said = append(said, line); cancel() })
	if !errors.Is(err, context.Canceled) || !slices.Equal(said, []string{"deaf", "got SIGTERM"}) {
		t.Errorf("it ended with %v and said %q; want that it was asked to stop", err, said)
	}
	if n := b.tasks(t, r.Service.Name); n != 1 {
		t.Errorf("%d containers are left, want it to go on ending", n)
	}
	if _, err := b.once(t.Context(), r, "say=again"); err != nil || b.tasks(t, r.Service.Name) > 0 {
		t.Errorf("the next one ended with %v, %d containers are left", err, b.tasks(t, r.Service.Name))
	}
}

func whatRunsOnceNamesAnOutOfMemoryKill(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	b.pull(t, r)
	r.Service.Resources.Memory = 64 << 20
	const want = "for want of memory (limit 64 MiB)" // "perhaps", where Docker did not hear of it
	_, err := b.once(t.Context(), r, "say=eating", "eat=200")
	if err == nil || errors.Is(err, deployer.ErrUnavailable) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "eating") {
		t.Errorf("it ended with %v, want that it was killed %s, and its last line", err, want)
	}
}
