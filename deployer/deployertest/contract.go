package deployertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"fisherman/deployer"
)

// Rig is a Runtime with nothing on it, and what the suite needs to make it show its behaviour.
type Rig struct {
	Runtime deployer.Runtime
	Service deployer.Service // healthy soon after the start of a good digest

	Good, Next string // digests that become healthy
	Sick       string // runs but never becomes healthy
	Exits      string // prints LastLine and exits with code 3

	Says     string // a line of Good's output
	LastLine string
	Revision string // Good's label

	Crash    func(t *testing.T, r deployer.Release)            // leaves what a crash inside Start of a pulled release leaves
	Retained func(t *testing.T, service string) (ids []string) // the deployments whose images are kept
}

// TestRuntime holds a Runtime to the promises of deployer.Runtime.
func TestRuntime(t *testing.T, rig Rig) {
	for name, test := range map[string]func(*testing.T, Rig){
		"a release is pulled, started and awaited":       goesLive,
		"two releases of a service run side by side":     sideBySide,
		"halt keeps the containers, start resumes them":  haltAndResume,
		"retire removes, and again is no error":          retireTwice,
		"start replaces what a crash left half-made":     startAfterCrash,
		"start twice is start once":                      startTwice,
		"await names exit code and last lines":           awaitExit,
		"await gives up at the health deadline":          awaitDeadline,
		"await ends with its context":                    awaitCancelled,
		"what is unknown is not found, or nothing to do": unknown,
		"logs tell replicas apart":                       readLogs,
		"followed logs end with their context":           followLogs,
		"watch tells of starts and ends":                 watch,
		"clean forgets what is not kept":                 clean,
		"a rollback uses the retained image":             rollBack,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, rig) })
	}
}

// release makes a release of its own service, so that tests do not see each other's, and retires it at the end.
func (rig Rig) release(t *testing.T, service, digest string) deployer.Release {
	t.Helper()
	r := deployer.Release{ID: ulid.Make().String(), Service: rig.Service, Digest: digest}
	r.Service.Name, r.Service.Replicas = service, 1
	t.Cleanup(func() {
		if err := rig.Runtime.Retire(context.Background(), r.ID); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	return r
}

func (rig Rig) pull(t *testing.T, r deployer.Release) deployer.Image {
	t.Helper()
	image, err := rig.Runtime.Pull(t.Context(), r, func(string) {})
	if err != nil {
		t.Fatalf("pull: %v", err)
	}
	return image
}

func (rig Rig) start(t *testing.T, r deployer.Release) {
	t.Helper()
	rig.pull(t, r)
	if err := rig.Runtime.Start(t.Context(), r); err != nil {
		t.Fatalf("start: %v", err)
	}
}

func (rig Rig) await(t *testing.T, r deployer.Release) []deployer.Replica {
	t.Helper()
	replicas, err := rig.Runtime.Await(t.Context(), r, func(string) {})
	if err != nil {
		t.Fatalf("await: %v", err)
	}
	return replicas
}

// find returns a release as the runtime lists it, and whether it does.
func (rig Rig) find(t *testing.T, id string) (deployer.Running, bool) {
	t.Helper()
	all, err := rig.Runtime.Releases(t.Context())
	if err != nil {
		t.Fatalf("releases: %v", err)
	}
	i := slices.IndexFunc(all, func(r deployer.Running) bool { return r.ID == id })
	if i < 0 {
		return deployer.Running{}, false
	}
	return all[i], true
}

func goesLive(t *testing.T, rig Rig) {
	r := rig.release(t, "live", rig.Good)
	r.Service.Replicas = 2
	var told []string
	image, err := rig.Runtime.Pull(t.Context(), r, func(text string) { told = append(told, text) })
	if err != nil || image.Revision != rig.Revision || len(told) == 0 {
		t.Fatalf("pulled %+v, %v, told %q; want revision %s and some progress", image, err, told, rig.Revision)
	}
	if err := rig.Runtime.Start(t.Context(), r); err != nil {
		t.Fatalf("start: %v", err)
	}
	replicas := rig.await(t, r)
	if len(replicas) != r.Service.Replicas || replicas[0].Address == replicas[1].Address {
		t.Errorf("got %+v, want %d replicas with addresses of their own", replicas, r.Service.Replicas)
	}
	found, ok := rig.find(t, r.ID)
	if !ok || !slices.Equal(found.Replicas, replicas) || !found.StoppedAt.IsZero() {
		t.Errorf("listed as %+v, %v; want it to run with %+v", found, ok, replicas)
	}
	if found.Service != "live" || found.Digest != r.Digest || found.Spec != r.Service.Spec() {
		t.Errorf("listed as %+v, want service, digest and spec of %+v", found, r)
	}
	for _, replica := range replicas {
		if !replica.Running || replica.Address == "" || replica.Container == "" {
			t.Errorf("awaited %+v, want it to run at an address", replica)
		}
	}
}

func sideBySide(t *testing.T, rig Rig) {
	first, second := rig.release(t, "pair", rig.Good), rig.release(t, "pair", rig.Next)
	rig.start(t, first)
	old := rig.await(t, first)
	rig.start(t, second)
	rig.await(t, second)
	if err := rig.Runtime.Retire(t.Context(), second.ID); err != nil {
		t.Fatalf("retire: %v", err)
	}
	if found, _ := rig.find(t, first.ID); !slices.Equal(found.Replicas, old) {
		t.Errorf("the first release is %+v, want it untouched: %+v", found.Replicas, old)
	}
}

func haltAndResume(t *testing.T, rig Rig) {
	r := rig.release(t, "halts", rig.Good)
	rig.start(t, r)
	before := rig.await(t, r)
	for range 2 {
		if err := rig.Runtime.Halt(t.Context(), r.ID); err != nil {
			t.Fatalf("halt: %v", err)
		}
	}
	found, ok := rig.find(t, r.ID)
	if !ok || found.Up(1) || found.StoppedAt.IsZero() {
		t.Errorf("halted, it is %+v, %v; want it kept, stopped", found, ok)
	}
	if err := rig.Runtime.Start(t.Context(), r); err != nil {
		t.Fatalf("start again: %v", err)
	}
	after := rig.await(t, r)
	if !slices.EqualFunc(before, after, func(a, b deployer.Replica) bool { return a.Container == b.Container }) {
		t.Errorf("resumed as %+v, want the containers of %+v", after, before)
	}
	if found, _ := rig.find(t, r.ID); !found.Up(r.Service.Replicas) || !found.StoppedAt.IsZero() {
		t.Errorf("resumed, it is %+v; want it to run", found)
	}
}

func retireTwice(t *testing.T, rig Rig) {
	r := rig.release(t, "retires", rig.Good)
	rig.start(t, r)
	for range 2 {
		if err := rig.Runtime.Retire(t.Context(), r.ID); err != nil {
			t.Fatalf("retire: %v", err)
		}
		if found, ok := rig.find(t, r.ID); ok {
			t.Errorf("retired, it is still listed: %+v", found)
		}
	}
}

func startAfterCrash(t *testing.T, rig Rig) {
	r := rig.release(t, "crashed", rig.Good)
	r.Service.Replicas = 2
	rig.pull(t, r)
	rig.Crash(t, r)
	if found, ok := rig.find(t, r.ID); !ok || found.Up(1) {
		t.Fatalf("the crash left %+v, %v; want something that does not run", found, ok)
	}
	rig.start(t, r)
	if replicas := rig.await(t, r); len(replicas) != r.Service.Replicas {
		t.Errorf("got %+v, want %d replicas", replicas, r.Service.Replicas)
	}
}

func startTwice(t *testing.T, rig Rig) {
	r := rig.release(t, "twice", rig.Good)
	rig.start(t, r)
	before := rig.await(t, r)
	rig.start(t, r)
	if after := rig.await(t, r); !slices.Equal(before, after) {
		t.Errorf("started twice it runs as %+v, want %+v untouched", after, before)
	}
}

func awaitExit(t *testing.T, rig Rig) {
	r := rig.release(t, "exits", rig.Exits)
	rig.start(t, r)
	_, err := rig.Runtime.Await(t.Context(), r, func(string) {})
	if err == nil || errors.Is(err, deployer.ErrUnavailable) {
		t.Fatalf("awaited what exits with %v, want a final error", err)
	}
	for _, want := range []string{"code 3", rig.LastLine} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the reason %q does not hold %q", err, want)
		}
	}
}

func awaitDeadline(t *testing.T, rig Rig) {
	r := rig.release(t, "sick", rig.Sick)
	r.Service.Health.Deadline = 300 * time.Millisecond
	rig.start(t, r)
	_, err := rig.Runtime.Await(t.Context(), r, func(string) {})
	if err == nil || errors.Is(err, deployer.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("awaited the sick one with %v, want an error of its own", err)
	}
	if !strings.Contains(err.Error(), "300ms") {
		t.Errorf("the reason %q does not name the deadline", err)
	}
}

func awaitCancelled(t *testing.T, rig Rig) {
	r := rig.release(t, "cancelled", rig.Sick)
	r.Service.Health.Deadline = time.Hour
	rig.start(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := rig.Runtime.Await(ctx, r, func(string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("awaited with %v, want context.Canceled", err)
	}
}

func unknown(t *testing.T, rig Rig) {
	id := ulid.Make().String()
	if err := rig.Runtime.Halt(t.Context(), id); err != nil {
		t.Errorf("halt: %v", err)
	}
	if err := rig.Runtime.Retire(t.Context(), id); err != nil {
		t.Errorf("retire: %v", err)
	}
	if err := rig.Runtime.Clean(t.Context(), "nobody", nil); err != nil {
		t.Errorf("clean: %v", err)
	}
	if _, err := rig.Runtime.Logs(t.Context(), id, deployer.LogOptions{}); !errors.Is(err, deployer.ErrNotFound) {
		t.Errorf("logs: %v, want not found", err)
	}
	r := rig.release(t, "nobody", rig.Good)
	if _, err := rig.Runtime.Await(t.Context(), r, func(string) {}); err == nil {
		t.Error("awaited what was never started")
	}
}

func readLogs(t *testing.T, rig Rig) {
	r := rig.release(t, "speaks", rig.Good)
	r.Service.Replicas = 2
	rig.start(t, r)
	rig.await(t, r)
	logs, err := rig.Runtime.Logs(t.Context(), r.ID, deployer.LogOptions{Tail: 5})
	if err != nil {
		t.Fatalf("logs: %v", err)
	}
	text, err := io.ReadAll(logs)
	if err = errors.Join(err, logs.Close()); err != nil {
		t.Fatalf("read logs: %v", err)
	}
	for _, want := range []string{"speaks-0 | " + rig.Says, "speaks-1 | " + rig.Says} {
		if !slices.Contains(strings.Split(string(text), "\n"), want) {
			t.Errorf("no line %q in\n%s", want, text)
		}
	}
}

func followLogs(t *testing.T, rig Rig) {
	r := rig.release(t, "follows", rig.Good)
	rig.start(t, r)
	rig.await(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	logs, err := rig.Runtime.Logs(ctx, r.ID, deployer.LogOptions{Follow: true})
	if err != nil {
		t.Fatalf("logs: %v", err)
	}
	defer func() { _ = logs.Close() }()
	var seen bytes.Buffer
	for piece := make([]byte, 4096); strings.Count(seen.String(), rig.Says) < r.Service.Replicas; {
		n, err := logs.Read(piece)
		if err != nil {
			t.Fatalf("the log ended with %v after\n%s", err, seen.String())
		}
		seen.Write(piece[:n])
	}
	cancel()
	if _, err := io.Copy(io.Discard, logs); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled, the log ended with %v", err)
	}
}
