package deployer_test

import (
	"fmt"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

// patience is how long everything may take to come right once the faults are over: a release that is lost and cannot be
// deployed is tried again after an hour at most.
const patience = 100 * time.Minute

// finish ends the faults and sees how it all comes right, and stays so across a restart.
func (w *world) finish(impatient bool) {
	w.mend()
	if impatient { // half an hour of waiting for images is not worth the time in most runs
		for _, d := range w.active() {
			if d.State == deployer.Waiting {
				w.cancel(d.ID)
			}
		}
	}
	w.pass(20 * time.Second) // a kill that was set before may come with the end of what was under way
	for begun := time.Now(); len(w.unsettled()) > 0; w.pass(20 * time.Second) {
		if time.Since(begun) > patience {
			for _, why := range w.unsettled() {
				w.wrong("%s after the faults were over: %s", patience, why)
			}
			return
		}
	}
	w.pass(15 * time.Second)
	for _, why := range w.unsettled() {
		w.wrong("it had come right, and then: %s", why)
	}
	w.rest()
}

// mend ends all faults but those of images that can never start.
func (w *world) mend() {
	w.record(fact{what: step, text: "the faults are over"})
	w.freeze(false)
	w.hasten()
	w.fake.Back()
	w.book.fill(false)
	w.road.set(func() { w.road.refuse, w.road.mood = false, prompt })
	w.registry.failing(nil)
	for _, what := range []string{"engine away", "engine frozen", "disk full", "route file"} {
		w.record(fact{what: mended, text: what})
	}
	w.process.mu.Lock()
	w.process.fuse = 0
	w.process.mu.Unlock()
	w.fuse = 0
	for digest := range w.scripts {
		w.script(digest, func(s *deployertest.Script) {
			stays := deployertest.Script{Revision: s.Revision}
			if w.never[digest] {
				stays.Await = s.Await
			}
			*s = stays
		})
	}
	for _, r := range w.releases() {
		for i := range r.Replicas {
			w.fake.Sicken(r.ID, i, nil)
			w.setSick(r.ID, r.Replicas[i].Container, false)
		}
	}
	w.pass(0)
}

// rest restarts the process in order and by kill -9: that changes nothing, and does nothing but look.
func (w *world) rest() {
	before := w.still()
	for _, how := range []string{"a stop and a start", "kill -9 and a start"} {
		if how != "a stop and a start" {
			w.process.die()
		}
		w.restart(time.Second)
		w.pass(25 * time.Second)
		if after := w.still(); after != before {
			w.wrong("%s changed what was at rest:\nbefore %s\nafter  %s", how, before, after)
		}
	}
}

// still is what a restart must leave as it is.
func (w *world) still() string {
	w.mu.Lock()
	commits := 0
	for _, f := range w.facts {
		if f.what == written {
			commits++
		}
	}
	w.mu.Unlock()
	text := fmt.Sprint(len(w.fake.Calls()), " calls of the engine, ", commits, " deployments written, ", w.road.Live())
	for _, s := range w.services {
		text += " " + w.road.table(s.Name)
	}
	return text
}
