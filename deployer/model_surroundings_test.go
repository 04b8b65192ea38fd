package deployer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"fisherman/deployer"
)

// answers lets the live release answer some requests, well or badly.
func (p *plan) answers() move {
	s, all := p.service(), uint64(p.rng.IntN(60))
	failed := uint64(0)
	if p.percent(50) {
		failed = all / uint64(1+p.rng.IntN(10))
	}
	return move{text: fmt.Sprintf("%d of %d requests to %s fail", failed, all, s.Name), do: func(w *world) {
		w.record(fact{what: fault, service: s.Name, release: w.road.Live()[s.Name], text: fmt.Sprintf("%d of %d requests fail", failed, all)})
		w.road.answer(s.Name, all, failed)
	}}
}

func (p *plan) diskFull() move {
	full := p.percent(50)
	return move{text: fmt.Sprintf("the journal's disk is full: %v", full), do: func(w *world) {
		w.book.fill(full)
		w.record(fact{what: map[bool]happening{true: fault, false: mended}[full], text: "disk full"})
	}}
}

func (p *plan) routeFile() move {
	refuse := p.percent(50)
	return move{text: fmt.Sprintf("the route file cannot be written: %v", refuse), do: func(w *world) {
		w.road.set(func() { w.road.refuse = refuse })
		w.record(fact{what: map[bool]happening{true: fault, false: mended}[refuse], text: "route file"})
	}}
}

// requests sets how long requests in flight take: no time, some seconds, or longer than a drain.
func (p *plan) requests() move {
	most := []time.Duration{1, 10 * time.Second, 2 * time.Minute}[p.rng.IntN(3)]
	return move{text: fmt.Sprintf("requests take up to %s", most), do: func(w *world) {
		w.road.set(func() {
			w.road.mood = func(rng *rand.Rand) time.Duration { return time.Duration(rng.Int64N(int64(most))) }
		})
	}}
}

func (p *plan) registryAway() move {
	var fails error
	switch p.rng.IntN(4) {
	case 0:
		fails = fmt.Errorf("the registry does not answer: %w", deployer.ErrUnavailable)
	case 1:
		fails = &deployer.RetryError{After: 30 * time.Second, Err: errors.New("429 Too Many Requests")}
	}
	return move{text: fmt.Sprintf("the registry: %v", fails), do: func(w *world) { w.registry.failing(fails) }}
}

func (p *plan) restart() move {
	pause, version := time.Duration(p.rng.IntN(3))*10*time.Second, strconv.Itoa(p.rng.IntN(3))
	s, other := p.rng.IntN(len(p.services)), p.percent(25)
	return move{text: fmt.Sprintf("stop and start %s later, with another configuration: %v", pause, other), do: func(w *world) {
		w.process.end()
		time.Sleep(pause)
		if other {
			w.services = changed(w.services, p.services[s].Name, func(s *deployer.Service) {
				s.Environment = map[string]deployer.Secret{"VERSION": deployer.Plain(version)}
			})
		}
		w.begin()
	}}
}

func (p *plan) kill() move {
	pause := time.Duration(p.rng.IntN(3)) * 7 * time.Second
	return move{text: fmt.Sprintf("kill -9 and start %s later", pause), do: func(w *world) { w.process.die(); w.restart(pause) }}
}

// fuse kills the process at one of its next effects, right before or right after it; sometimes that of the next process.
func (p *plan) fuse() move {
	left, after, next := 1+p.rng.IntN(8), p.percent(50), p.percent(25)
	return move{text: fmt.Sprintf("killed at effect %d, after it: %v, of the next process: %v", left, after, next), do: func(w *world) {
		if next {
			w.fuse, w.after = left, after
			w.process.die()
			w.restart(0)
			return
		}
		w.process.mu.Lock()
		defer w.process.mu.Unlock()
		w.process.fuse, w.process.after = left, after
	}}
}

// clock sets the machine's clock while the process is down. Virtual time cannot be set, so what is written moves instead.
func (p *plan) clock() move {
	jump := []time.Duration{-26 * time.Hour, -5 * time.Minute, 10 * time.Second, 26 * time.Hour}[p.rng.IntN(4)]
	return move{text: fmt.Sprintf("kill -9, the clock is set by %s, and start", jump), do: func(w *world) {
		w.process.die()
		w.process.end()
		w.jump(jump)
		w.begin()
	}}
}
