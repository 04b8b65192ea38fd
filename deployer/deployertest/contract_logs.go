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

	"fisherman/deployer"
)

func readLogs(t *testing.T, rig Rig) {
	r := rig.release(t, "speaks", rig.Good)
	r.Service.Replicas = 2
	rig.start(t, r)
	rig.await(t, r)
	text := rig.logs(t, r.ID, deployer.LogOptions{Tail: 5})
	for _, want := range []string{"speaks-0 | " + rig.Says, "speaks-1 | " + rig.Says} {
		if !slices.Contains(strings.Split(text, "\n"), want) {
			t.Errorf("no line %q in\n%s", want, text)
		}
	}
}

func (rig Rig) logs(t *testing.T, id string, o deployer.LogOptions) string {
	t.Helper()
	logs, err := rig.Runtime.Logs(t.Context(), id, o)
	if err != nil {
		t.Fatalf("logs: %v", err)
	}
	text, err := io.ReadAll(logs)
	if err = errors.Join(err, logs.Close()); err != nil {
		t.Fatalf("read logs: %v", err)
	}
	return string(text)
}

func logsSince(t *testing.T, rig Rig) {
	r := rig.release(t, "dates", rig.Good)
	before := time.Now()
	rig.start(t, r)
	rig.await(t, r)
	if text := rig.logs(t, r.ID, deployer.LogOptions{Since: before}); !strings.Contains(text, rig.Says) {
		t.Errorf("since before its start: no %q in\n%s", rig.Says, text)
	}
	after := time.Now().Add(time.Millisecond) // a clock may not tell the start from the time after it
	if text := rig.logs(t, r.ID, deployer.LogOptions{Since: after}); strings.Contains(text, rig.Says) {
		t.Errorf("since after its start there is still\n%s", text)
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
