package deployer_test

import (
	"fmt"
)

func (p *plan) deploy() move {
	s := p.service()
	n := p.recent(s.Repository)
	reference := ""
	if p.percent(60) {
		reference = imageOf(s, n)
	}
	return move{text: fmt.Sprintf("deploy %s %.12s", s.Name, reference), do: func(w *world) {
		w.prepare(s, n)
		d, err := w.process.Deploy(s.Name, reference, "op")
		w.note("deploy %s: %s %v", s.Name, d.ID, err)
	}}
}

func (p *plan) rollBack() move {
	s, to := p.service(), -1
	if p.percent(30) {
		to = p.rng.IntN(4)
	}
	return move{text: fmt.Sprintf("roll %s back to %d", s.Name, to), do: func(w *world) {
		id := ""
		if past, _ := w.book.Succeeded(s.Name, 10); to >= 0 && len(past) > 0 {
			id = past[to%len(past)].ID
		}
		d, err := w.process.Rollback(s.Name, id, "op")
		w.note("rollback %s to %q: %s %v", s.Name, id, d.ID, err)
	}}
}

func (p *plan) cancel() move {
	n := p.rng.IntN(8)
	return move{text: fmt.Sprintf("cancel the active one number -%d", n), do: func(w *world) {
		active := w.active()
		if len(active) == 0 {
			return
		}
		w.cancel(active[len(active)-1-n%len(active)].ID)
	}}
}

func (p *plan) reconcile() move {
	waits := p.percent(50)
	return move{text: fmt.Sprintf("reconcile, and wait for it: %v", waits), do: func(w *world) {
		if looked := w.tend(); waits {
			<-looked
		}
	}}
}

// tend has the process look at everything beside what it does by itself, as a person may ask it to.
func (w *world) tend() (looked <-chan struct{}) {
	done, p := make(chan struct{}), w.process
	if p.Deployer == nil {
		close(done)
		return done
	}
	p.asks.Go(func() {
		defer close(done)
		_, _ = p.Tend(p.serving)
	})
	return done
}

func (w *world) cancel(id string) {
	w.record(fact{what: asking, release: id})
	_, err := w.process.Cancel(id)
	if err == nil {
		w.record(fact{what: asked, release: id})
	}
	w.note("cancel %s: %v", id, err)
}

// note adds an answer to the trace.
func (w *world) note(format string, args ...any) {
	w.record(fact{what: step, text: fmt.Sprintf("  answered: "+format, args...)})
}
