package deployer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

// Mutant: Logs that returns the runtime's reader as it is.
func TestFollowedLogsGoOnWithTheNextRelease(t *testing.T) {
	inBubble(t, func(r *rig) {
		for n := 1; n <= 3; n++ {
			r.runtime.On(digest(n), deployertest.Script{Output: []string{fmt.Sprintf("hello of %d", n)}})
		}
		first := r.deployed(1)
		reading := r.read(r.Context(), deployer.LogOptions{Follow: true})
		second := r.deployed(2)
		r.pass(logLook)
		r.runtime.Restart(second, "exited with code 1") // what it said before is not said again
		r.pass(logLook)
		third := r.deployed(3)
		r.pass(logLook)
		want := fmt.Sprintf("hello of 1\n=== web: %s follows ===\nhello of 2\nhello of 2\n=== web: %s follows ===\nhello of 3\n", r.title(second), r.title(third))
		if got := reading.end(r.T); got != want {
			t.Errorf("after %s came\n%s\nwant\n%s", first, got, want)
		}
	})
}

// Mutants: a succession that ends with its release; one that gives up when its containers are gone.
func TestFollowedLogsWaitForARelease(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.runtime.On(digest(1), deployertest.Script{Await: deployertest.Step{Err: errors.New("sick")}})
		failed := r.submit(packaged(1))
		r.is(failed, deployer.Failed)
		reading := r.read(r.Context(), deployer.LogOptions{Follow: true})
		r.runtime.Lose(failed) // if it is still there
		r.pass(logLook)
		next := r.deployed(2)
		r.pass(logLook)
		if got, want := reading.end(r.T), "=== web: "+r.title(next)+" follows ===\nhello\n"; !strings.HasSuffix(got, want) {
			t.Errorf("got\n%s\nwant at its end\n%s", got, want)
		}
	})
}

func TestLogsThatAreNotFollowedEnd(t *testing.T) {
	inBubble(t, func(r *rig) {
		if _, err := r.Logs(r.Context(), "web", deployer.LogOptions{}); !errors.Is(err, deployer.ErrNotFound) {
			t.Errorf("before any deployment: %v, want not found", err)
		}
		if _, err := r.Logs(r.Context(), "wbe", deployer.LogOptions{}); err == nil || !strings.Contains(err.Error(), "did you mean web?") {
			t.Errorf("misspelt: %v, want the nearest name", err)
		}
		r.deployed(1)
		if got := r.read(r.Context(), deployer.LogOptions{}).whole(r.T); got != "hello\n" {
			t.Errorf("got %q", got)
		}
	})
}

// logLook is more than the time in which followed logs notice who is live.
const logLook = 1e9

func (r *rig) title(id string) string {
	return fmt.Sprintf("deployment %s, commit %.7s,", id, r.get(id).Commit)
}

// reading reads logs in the background.
type reading struct {
	text bytes.Buffer
	stop context.CancelFunc
	done chan error
}

func (r *rig) read(ctx context.Context, o deployer.LogOptions) *reading {
	r.Helper()
	ctx, cancel := context.WithCancel(ctx)
	logs, err := r.Logs(ctx, "web", o)
	if err != nil {
		r.Fatal(err)
	}
	got := &reading{stop: cancel, done: make(chan error, 1)}
	go func() {
		_, err := got.text.ReadFrom(logs)
		got.done <- errors.Join(err, logs.Close())
	}()
	r.settle()
	return got
}

// end stops reading, and returns what was read.
func (r *reading) end(t *testing.T) string {
	t.Helper()
	r.stop()
	if err := <-r.done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	return r.text.String()
}

// whole returns what was read once there is no more.
func (r *reading) whole(t *testing.T) string {
	t.Helper()
	defer r.stop()
	if err := <-r.done; err != nil {
		t.Error(err)
	}
	return r.text.String()
}
