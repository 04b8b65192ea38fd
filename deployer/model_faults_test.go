package deployer_test

import (
	"errors"
	"fmt"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

// fate scripts what becomes of the calls for an image.
func (p *plan) fate() move {
	s := p.service()
	n := p.recent(s.Repository)
	call := []string{"preflight", "pull", "start", "await", "halt", "retire", "once", "make"}[p.rng.IntN(8)]
	step, text := deployertest.Step{}, ""
	switch p.rng.IntN(6) {
	case 0, 1:
		step.Delay = time.Duration(p.rng.IntN(12_000)) * time.Millisecond
		text = step.Delay.String()
	case 2:
		step.Err, text = errors.New("refused by the engine"), "fails"
	case 3:
		step.Err, text = fmt.Errorf("the engine is too busy: %w", deployer.ErrUnavailable), "is unavailable"
	case 4:
		text = "hangs"
	default:
		text = "is fine"
	}
	return move{text: fmt.Sprintf("%s of the image of %d of %s: %s", call, n, s.Name, text), do: func(w *world) {
		if text == "hangs" {
			step.Hold = make(chan struct{}) // of this bubble
		}
		w.prepare(s, n)
		w.script(imageOf(s, n), func(script *deployertest.Script) {
			if w.never[imageOf(s, n)] && call == "await" {
				return
			}
			*map[string]*deployertest.Step{
				"preflight": &script.Preflight, "pull": &script.Pull, "start": &script.Start, "await": &script.Await, "halt": &script.Halt, "retire": &script.Retire,
				"once": &script.Once, "make": &script.Make,
			}[call] = step
		})
	}}
}

func (p *plan) engineAway() move {
	if p.percent(50) {
		return move{text: "the engine is back", do: func(w *world) { w.fake.Back(); w.record(fact{what: mended, text: "engine away"}) }}
	}
	return move{text: "the engine is away", do: func(w *world) { w.fake.Away(); w.record(fact{what: fault, text: "engine away"}) }}
}

func (p *plan) engineFrozen() move {
	ice := p.percent(50)
	return move{text: fmt.Sprintf("the engine is frozen: %v", ice), do: func(w *world) {
		w.freeze(ice)
		w.record(fact{what: map[bool]happening{true: fault, false: mended}[ice], text: "engine frozen"})
	}}
}

// engineRestarted ends all containers; those that ran come up again with other addresses.
func (p *plan) engineRestarted() move {
	pause := time.Duration(p.rng.IntN(20_000)) * time.Millisecond
	return move{text: fmt.Sprintf("the engine is restarted within %s", pause), do: func(w *world) {
		w.fake.Away()
		w.record(fact{what: fault, text: "engine away"})
		var up []string
		for _, r := range w.releases() {
			if r.Up(1) {
				up = append(up, r.ID)
				w.harm(r.ID)
				w.fake.Die(r.ID, "exited with code 137")
			}
		}
		w.pass(pause)
		for _, id := range w.notHalted(up) {
			w.harm(id)
			w.fake.Restart(id, "the engine was restarted")
		}
		w.fake.Back()
		w.record(fact{what: mended, text: "engine away"})
	}}
}

// containerHit kills, restarts or removes the containers of the live or of the newest release.
func (p *plan) containerHit() move {
	s, live, how := p.service(), p.percent(70), p.rng.IntN(5)
	return move{text: fmt.Sprintf("containers of %s hit, live %v, %d", s.Name, live, how), do: func(w *world) {
		id := w.road.Live()[s.Name]
		if up := w.running(s.Name); !live && len(up) > 0 {
			id = up[len(up)-1]
		}
		if !w.release(id).Up(1) {
			return
		}
		w.harm(id)
		text := [...]string{"die", "die", "are restarted", "are restarted", "are removed"}[how]
		w.record(fact{what: fault, service: s.Name, release: id, text: "containers " + text})
		switch text {
		case "die":
			w.fake.Die(id, "exited with code 1")
		case "are restarted":
			w.fake.Restart(id, "exited with code 1")
		default:
			w.fake.Lose(id)
		}
	}}
}

func (p *plan) replicaSick() move {
	s, well := p.service(), p.percent(40)
	return move{text: fmt.Sprintf("a replica of %s is well: %v", s.Name, well), do: func(w *world) {
		id := w.road.Live()[s.Name]
		if len(w.release(id).Replicas) == 0 {
			return
		}
		w.harm(id)
		var why error
		if !well {
			why = errors.New("500 Internal Server Error")
		}
		w.record(fact{what: fault, service: s.Name, release: id, text: fmt.Sprintf("sick: %v", why)})
		w.setSick(id, w.release(id).Replicas[0].Container, !well)
		w.fake.Sicken(id, 0, why)
	}}
}
