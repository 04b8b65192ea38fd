package deployer_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
	"fisherman/deployer/journal"
)

// readAll reads until there is nothing new.
func (r *rig) readAll(o deployer.EventOptions) (all []deployer.Event, reading *deployer.Reading) {
	r.Helper()
	reading, err := r.Events(o)
	if err != nil {
		r.Fatal(err)
	}
	for more := true; more; {
		var events []deployer.Event
		if events, more, err = reading.Next(); err != nil {
			r.Fatal(err)
		}
		all = append(all, events...)
	}
	return all, reading
}

func transitionsOf(events []deployer.Event) string {
	var all []string
	for _, e := range events {
		if e.Progress == nil {
			all = append(all, e.Deployment.ID+" "+string(e.Deployment.State))
		}
	}
	return strings.Join(all, ", ")
}

// ask deploys release n and lets it settle.
func (r *rig) ask(n int) string {
	r.Helper()
	asked, err := r.Deploy("web", digest(n), "ada")
	if err != nil {
		r.Fatal(err)
	}
	r.settle()
	return asked.ID
}

// The clock is set back by years between two runs of the program: what is new is still after what was. Mutant: a clock
// that does not take the journal's.
func TestEventsFollowEachOtherWhateverTheClockSays(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.stop()
		kept, err := journal.Open(r.file)
		if err != nil {
			r.Fatal(err)
		}
		later := time.Now().AddDate(5, 0, 0)
		known := deployer.Known{Digest: digest(1)}
		old := deployer.Deployment{
			ID: "0000", Service: "web", State: deployer.Failed, Digest: digest(1), CreatedAt: later, FinishedAt: later, Arrival: later.UnixNano(),
			Steps: []deployer.Step{
				{State: deployer.Queued, At: later, Tick: later.UnixNano() + 1, Known: &known},
				{State: deployer.Failed, At: later, Tick: later.UnixNano() + 2},
			},
		}
		if err := kept.Commit(deployer.Change{Deployments: []deployer.Deployment{old}}); err != nil {
			r.Fatal(err)
		}
		if err := kept.Close(); err != nil {
			r.Fatal(err)
		}
		r.start()
		before, _ := r.readAll(deployer.EventOptions{After: "0"})
		if transitionsOf(before) != "0000 queued, 0000 failed" {
			r.Fatalf("first: %s", transitionsOf(before))
		}
		id := r.ask(2)
		after, _ := r.readAll(deployer.EventOptions{After: before[1].ID})
		var want []string
		for _, s := range r.is(id, deployer.Succeeded).Steps {
			want = append(want, id+" "+string(s.State))
		}
		if transitionsOf(after) != strings.Join(want, ", ") {
			r.Errorf("then: %s, want %v", transitionsOf(after), want)
		}
	})
}

// A deployment that an older fisherman wrote has no ticks; its transitions can be read all the same.
func TestEventsOfAnOlderJournal(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.stop()
		kept, err := journal.Open(r.file)
		if err != nil {
			r.Fatal(err)
		}
		at := time.Now().Add(-time.Hour)
		old := deployer.Deployment{
			ID: "0000", Service: "web", State: deployer.Pulling, Image: "ghcr.io/o/web", Digest: digest(1), CreatedAt: at, Arrival: at.UnixNano(),
			Steps: []deployer.Step{{State: deployer.Queued, At: at}, {State: deployer.Pulling, At: at.Add(time.Second)}},
		}
		if err := kept.Commit(deployer.Change{Deployments: []deployer.Deployment{old}}); err != nil {
			r.Fatal(err)
		}
		if err := kept.Close(); err != nil {
			r.Fatal(err)
		}
		r.start()
		r.settle()
		d := r.is("0000", deployer.Succeeded)
		all, reading := r.readAll(deployer.EventOptions{Deployment: "0000"})
		if !reading.Ended() || len(all) != len(d.Steps) || !strings.HasPrefix(transitionsOf(all), "0000 queued, 0000 pulling, 0000 queued") {
			r.Errorf("read %s, of %d steps", transitionsOf(all), len(d.Steps))
		}
		if all[1].Deployment.Digest != digest(1) {
			r.Errorf("while pulling it is %+v", all[1].Deployment)
		}
	})
}

// An event is the deployment as it was: what became known later is not in it. Mutant: no Known.
func TestAnEventSaysWhatWasKnownThen(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.registry.has("latest", 1)
		asked, err := r.Deploy("web", "", "ada")
		if err != nil {
			r.Fatal(err)
		}
		r.settle()
		r.is(asked.ID, deployer.Succeeded)
		all, _ := r.readAll(deployer.EventOptions{Deployment: asked.ID})
		for _, e := range all {
			known := e.Deployment.State != deployer.Queued && e.Deployment.State != deployer.Pulling
			if (e.Deployment.Digest != "") != known || e.Deployment.State.Ended() == e.Deployment.FinishedAt.IsZero() {
				r.Errorf("%s with digest %q, finished at %v", e.Deployment.State, e.Deployment.Digest, e.Deployment.FinishedAt)
			}
		}
	})
}

// Whatever an app says, the log keeps no more than so much of it, and says what it does not keep. Mutant: no clip.
func TestADeploymentsLogIsBounded(t *testing.T) {
	inBubble(t, func(r *rig) {
		flood := strings.Repeat("x", 10<<20)
		r.runtime.On(digest(1), deployertest.Script{
			Says: append(slices.Repeat([]string{"again"}, 500), flood), Await: deployertest.Step{Err: fmt.Errorf("exited; its last lines:\n%s\nthe end", flood)},
		})
		id := r.ask(1)
		d := r.is(id, deployer.Failed)
		log := d.Log()
		if len(log) > 40<<10 || strings.Count(log, "\n") > 250 || !strings.Contains(log, "lines are not kept") {
			r.Errorf("the log has %d bytes, %d lines:\n%.2000s", len(log), strings.Count(log, "\n"), log)
		}
		for _, want := range []string{" of web, cause: manual by ada\n", " queued\n", " verifying\n", " failed\n", "exited; its last lines:\nxx", "xx\nthe end\n"} {
			if !strings.Contains(log, want) {
				r.Errorf("the log does not say %q", want)
			}
		}
	})
}

// Who has more than a page to catch up with is told in the end what is now. Mutant: progress that is read with the first page.
func TestProgressWaitsForTheLastPage(t *testing.T) {
	inBubble(t, func(r *rig) {
		reading, err := r.Events(deployer.EventOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 20 { // of seven steps each
			r.ask(n + 1)
		}
		defer r.held(21, deployer.Verifying)()
		id := r.ask(21)
		var last deployer.Event
		for more := true; more; {
			var events []deployer.Event
			if events, more, err = reading.Next(); err != nil {
				t.Fatal(err)
			}
			last = events[len(events)-1]
		}
		if last.Progress == nil || last.Progress.Deployment != id {
			t.Errorf("at last came %+v", last)
		}
	})
}

// Of a deployment that an older fisherman has carried out the rest can be read, too, before anything new happens. Mutant:
// a clock that begins with the journal's.
func TestTheRestOfAnOlderDeployment(t *testing.T) {
	r := newRig(t)
	kept, err := journal.Open(r.file)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Hour)
	old := deployer.Deployment{
		ID: "0000", Service: "web", State: deployer.Failed, Arrival: at.UnixNano(), CreatedAt: at, FinishedAt: at.Add(2 * time.Second),
		Steps: []deployer.Step{
			{State: deployer.Queued, At: at}, {State: deployer.Pulling, At: at.Add(time.Second)}, {State: deployer.Failed, At: at.Add(2 * time.Second)},
		},
	}
	if err := errors.Join(kept.Commit(deployer.Change{Deployments: []deployer.Deployment{old}}), kept.Close()); err != nil {
		t.Fatal(err)
	}
	r.open()
	defer r.stop()
	all, _ := r.readAll(deployer.EventOptions{Deployment: "0000"})
	rest, reading := r.readAll(deployer.EventOptions{Deployment: "0000", After: all[1].ID})
	if transitionsOf(rest) != "0000 failed" || !reading.Ended() {
		t.Errorf("the rest is %q, ended: %v", transitionsOf(rest), reading.Ended())
	}
}
