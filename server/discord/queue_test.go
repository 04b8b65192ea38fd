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
	q.put(snapshot("1", deployer.Queued))
	q.put(snapshot("2", deployer.Queued))
	q.put(snapshot("1", deployer.Pulling))
	it, wait := q.next(time.Now())
	if it.id != "1" || it.text.headline != "web: pulling a1b2c3d…" || wait != 0 {
		t.Errorf("got %s %q, %s", it.id, it.text.headline, wait)
	}
	q.put(snapshot("1", deployer.Succeeded)) // while the other is being told
	q.told(it, "m", true)
	if it, _ = q.next(time.Now()); it.id != "2" {
		t.Errorf("got %s: the other one waited longer", it.id)
	}
	q.told(it, "n", true)
	if it, _ = q.next(time.Now()); it.id != "1" || !it.final || it.message != "m" {
		t.Errorf("got %+v: the end was never told", it)
	}
	q.told(it, "m", true)
	if it, wait = q.next(time.Now()); wait != forever {
		t.Errorf("got %+v, nothing is left to tell", it)
	}
}

func TestAFullQueueForgetsWhatMattersLeast(t *testing.T) {
	q := newQueue(3)
	q.put(snapshot("known", deployer.Pulling))
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
		forgotten, full := q.put(snapshot(c.id, c.state))
		if full != (c.want != "") || full && forgotten.id != c.want {
			t.Errorf("%d: %s made it forget %q (%t), want %q", i, c.id, forgotten.id, full, c.want)
		}
	}
	if n := q.untold(); n != 3 {
		t.Errorf("%d untold", n)
	}
}

// An outage that lasts is not heard of again before it is over.
func TestAFullQueueKeepsAnOutageThatLasts(t *testing.T) {
	q := newQueue(2)
	q.put(outage{service: "db", since: time.Now()}.news())
	q.put(snapshot("going", deployer.Pulling))
	if forgotten, full := q.put(snapshot("ended", deployer.Failed)); !full || forgotten.id != "going" {
		t.Errorf("forgot %q (%t)", forgotten.id, full)
	}
}

// snapshot is what there is to tell of a deployment in a state.
func snapshot(id string, states ...deployer.State) news {
	return new(Notifier).newsOf(stage(id, states...))
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
