package deployertest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/oklog/ulid/v2"

	"fisherman/deployer"
)

func goesLive(t *testing.T, rig Rig) {
	r := rig.release(t, "live", rig.Good)
	r.Service.Replicas = 2
	var told []string
	image, err := rig.Runtime.Pull(t.Context(), r, func(r deployer.Report) { told = append(told, r.Text) })
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
		if err := rig.Runtime.Halt(t.Context(), r.ID, 0); err != nil {
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

// resumeAsItWas: a live release outlives a change of its service's configuration, one that could not run included.
func resumeAsItWas(t *testing.T, rig Rig) {
	r := rig.release(t, "keeps", rig.Good)
	rig.start(t, r)
	before := rig.await(t, r)
	if err := rig.Runtime.Halt(t.Context(), r.ID, 0); err != nil {
		t.Fatalf("halt: %v", err)
	}
	r.Spec = r.Service.Spec()
	volumes := r.Service.Volumes
	r.Service.Volumes = []deployer.Volume{{Source: "/nowhere/at/all", Target: "/data"}}
	rig.start(t, r)
	after := rig.await(t, r)
	if !slices.EqualFunc(before, after, func(a, b deployer.Replica) bool { return a.Container == b.Container }) {
		t.Errorf("resumed as %+v, want the containers of %+v", after, before)
	}
	if err := rig.Runtime.Halt(t.Context(), r.ID, 0); err != nil {
		t.Fatalf("halt: %v", err)
	}
	r.Service.Volumes, r.Service.Lacks = volumes, "web.env is away"
	rig.start(t, r)
	if after = rig.await(t, r); !slices.EqualFunc(before, after, func(a, b deployer.Replica) bool { return a.Container == b.Container }) {
		t.Errorf("without its files resumed as %+v, want the containers of %+v", after, before)
	}
	r.Service.Replicas++
	err := rig.Runtime.Start(t.Context(), r)
	if !errors.Is(err, deployer.ErrUnavailable) || !strings.Contains(err.Error(), "web.env is away") {
		t.Errorf("one more of what lacks its files: %v", err)
	}
	if found, _ := rig.find(t, r.ID); !found.Up(1) {
		t.Errorf("then it is %+v; want what ran to run", found)
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

func makeFirst(t *testing.T, rig Rig) {
	r := rig.release(t, "made", rig.Good)
	r.Service.Replicas = 2
	rig.pull(t, r)
	for range 2 {
		if err := rig.Runtime.Make(t.Context(), r); err != nil {
			t.Fatalf("make: %v", err)
		}
	}
	made, _ := rig.find(t, r.ID)
	if made.Up(1) || len(made.Replicas) != r.Service.Replicas {
		t.Fatalf("made, it is %+v; want %d containers that do not run", made, r.Service.Replicas)
	}
	rig.start(t, r)
	if after := rig.await(t, r); !slices.EqualFunc(made.Replicas, after, func(a, b deployer.Replica) bool { return a.Container == b.Container }) {
		t.Errorf("started as %+v, want the containers of %+v", after, made.Replicas)
	}
}

func makeAfterCrash(t *testing.T, rig Rig) {
	r := rig.release(t, "crashed-first", rig.Good)
	rig.pull(t, r)
	rig.Crash(t, r)
	left, _ := rig.find(t, r.ID)
	if err := rig.Runtime.Make(t.Context(), r); err != nil {
		t.Fatalf("make: %v", err)
	}
	made, _ := rig.find(t, r.ID)
	if len(left.Replicas) != 1 || len(made.Replicas) != 1 || made.Replicas[0].Container == left.Replicas[0].Container || made.Up(1) {
		t.Fatalf("the crash left %+v and made is %+v; want another container, which does not run", left, made)
	}
	rig.start(t, r)
	if replicas := rig.await(t, r); replicas[0].Container != made.Replicas[0].Container {
		t.Errorf("started as %+v, want the container of %+v", replicas, made)
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

func unknown(t *testing.T, rig Rig) {
	id := ulid.Make().String()
	if err := rig.Runtime.Halt(t.Context(), id, 0); err != nil {
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
	if _, err := rig.Runtime.Await(t.Context(), r, func(deployer.Report) {}); err == nil {
		t.Error("awaited what was never started")
	}
}
