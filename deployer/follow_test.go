package deployer

import (
	"testing"
	"time"
)

// Mutants: dueToStartLocked that does not look at what is live; a pause that does not grow; one that never shrinks.
func TestWhatDoesNotStayUpIsStartedEverMoreSlowly(t *testing.T) {
	l := newLane(&Deployer{}, Service{}, nil)
	l.live = &Deployment{ID: "new"}
	now := time.Now()
	if l.dueToStartLocked("old", false, now) {
		t.Error("a release that is live no more is to be started")
	}
	if l.dueToStartLocked("new", true, now) {
		t.Error("what is up is to be started")
	}
	for i, pause := range []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second} {
		if pause > 0 && l.dueToStartLocked("new", false, now.Add(pause-1)) {
			t.Errorf("start %d comes before %s have passed", i, pause)
		}
		now = now.Add(pause)
		if !l.dueToStartLocked("new", false, now) {
			t.Errorf("start %d does not come after %s", i, pause)
		}
	}
	now = now.Add(2 * time.Minute)
	l.dueToStartLocked("new", true, now)
	if !l.dueToStartLocked("new", false, now) || !l.dueToStartLocked("new", false, now.Add(time.Second)) {
		t.Error("after a time of peace it does not begin anew")
	}
	l.halted = true
	if l.dueToStartLocked("new", false, now.Add(time.Hour)) {
		t.Error("what was stopped on purpose is to be started")
	}
}
