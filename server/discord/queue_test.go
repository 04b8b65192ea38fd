package discord

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
)

func TestOnlyTheNewestSnapshotOfEachDeploymentIsKept(t *testing.T) {
	q := newQueue(10)
	q.put(stage("1", deployer.Queued))
	q.put(stage("2", deployer.Queued))
	q.put(stage("1", deployer.Pulling))
	it, wait := q.next(time.Now())
	if it.ID != "1" || it.State != deployer.Pulling || wait != 0 {
		t.Errorf("got %s %s, %s", it.ID, it.State, wait)
	}
	q.put(stage("1", deployer.Succeeded)) // while the other is being told
	q.told(it, "m", true)
	if it, _ = q.next(time.Now()); it.ID != "2" {
		t.Errorf("got %s: the other one waited longer", it.ID)
	}
	q.told(it, "n", true)
	if it, _ = q.next(time.Now()); it.ID != "1" || it.State != deployer.Succeeded || it.message != "m" {
		t.Errorf("got %+v: the end was never told", it)
	}
	q.told(it, "m", true)
	if it, wait = q.next(time.Now()); wait != forever {
		t.Errorf("got %+v, nothing is left to tell", it)
	}
}

func TestAFullQueueForgetsWhatMattersLeast(t *testing.T) {
	q := newQueue(3)
	q.put(stage("known", deployer.Pulling))
	it, _ := q.next(time.Now())
	q.told(it, "m", true)
	for i, c := range []struct {
		id    string
		state deployer.State
		want  string // forgotten, and worth a line in the log
	}{
		{"going", deployer.Pulling, ""},
		{"ended", deployer.Failed, ""},
		{"ended 2", deployer.Failed, ""}, // in place of the one that Discord knows
		{"ended 3", deployer.Failed, "going"},
		{"going 2", deployer.Pulling, "going 2"},
		{"ended 4", deployer.Failed, "ended"},
	} {
		forgotten, full := q.put(stage(c.id, c.state))
		if full != (c.want != "") || full && forgotten != c.want {
			t.Errorf("%d: %s made it forget %q (%t), want %q", i, c.id, forgotten, full, c.want)
		}
	}
	if n := q.untold(); n != 3 {
		t.Errorf("%d untold", n)
	}
}

func TestWhatIsForgottenIsLogged(t *testing.T) {
	n, log := notifier(t, Options{})
	for i := range capacity + 1 {
		n.Observe(stage(fmt.Sprint(i), deployer.Failed))
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, `"deployment":"0"`) {
		t.Errorf("log: %s", text)
	}
}
