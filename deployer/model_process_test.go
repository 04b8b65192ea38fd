package deployer_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"fisherman/deployer"

	"github.com/rs/zerolog"
)

// process is one life of the program: a Deployer whose every effect passes through a fuse. Once that has blown, nothing
// gets through any more, as after kill -9: neither what comes next nor the answer to what was under way.
type process struct {
	*deployer.Deployer
	w      *world
	number int
	stop   context.CancelFunc // as SIGTERM does
	life   context.Context    // ends with kill -9
	kill   context.CancelFunc
	done   chan error  // of Run
	over   atomic.Bool // Run has ended

	serving context.Context // ends with SIGTERM and kill -9
	asks    sync.WaitGroup  // of people, that are being answered

	mu    sync.Mutex
	fuse  int  // effects until it blows; 0: never
	after bool // it blows after the effect and not instead of it
}

var errKilled = errors.New("the process has been killed")

// begin starts a process on what the last one left.
func (w *world) begin() {
	if w.processes > 0 {
		time.Sleep(lagMost) // a program takes longer to start than a listing lags
	}
	p := &process{w: w, number: w.processes + 1, done: make(chan error, 1)}
	p.fuse, p.after, w.fuse = w.fuse, w.after, 0
	p.life, p.kill = context.WithCancel(w.life)
	w.succeed(p)
	w.record(fact{what: begun})
	w.grown = map[string]time.Duration{}
	ctx, stop := context.WithCancel(p.life)
	p.stop, p.serving = stop, ctx
	made, err := deployer.New(deployer.Options{
		Services: w.services, Runtime: engine{p}, Traffic: street{p}, Registry: w.registry, Journal: diary{w.book, p}, Log: zerolog.Nop(),
		Names: signs{p}, Recall: 5 * time.Second,
		NewID:   func(time.Time) string { w.ids++; return fmt.Sprintf("%04d", w.ids) },
		Notices: []func(deployer.Notice){func(n deployer.Notice) { w.record(fact{what: told, service: n.Service, notice: n}) }},
	})
	if p.Deployer = made; err != nil {
		w.wrong("process %d cannot start: %v", p.number, err)
		p.over.Store(true)
		p.done <- nil
		return
	}
	go func() {
		err := p.Run(ctx)
		p.over.Store(true)
		p.done <- err
	}()
}

// dead reports whether the fuse has blown.
func (p *process) dead() bool { return p.life.Err() != nil }

// die is kill -9.
func (p *process) die() {
	p.kill()
	p.w.road.forget()
	p.w.fake.Forsake()
	p.w.record(fact{what: killed})
}

// end waits for what is left of the process.
func (p *process) end() {
	begun := time.Now()
	p.stop()
	p.asks.Wait()
	err := <-p.done
	took := time.Since(begun)
	if p.dead() {
		return
	}
	p.w.record(fact{what: stopped})
	p.w.road.forget()
	p.kill()
	if err != nil {
		p.w.wrong("process %d ended by itself: %v", p.number, err)
	}
	if took > time.Second && !p.w.hung() {
		p.w.wrong("process %d took %s to stop", p.number, took)
	}
}

// light reports whether the next effect gets through, and whether the fuse blows right after it.
func (p *process) light() (through, last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead() {
		return false, false
	}
	if p.fuse == 0 {
		return true, false
	}
	p.fuse--
	last = p.fuse == 0
	return !last || p.after, last
}

// effect is what the process does to the world in no time.
func (p *process) effect(do func() error) error {
	through, last := p.light()
	err := errKilled
	if through {
		err = do()
	}
	if last {
		p.die()
		return errKilled
	}
	return err
}

// lasting is an effect that takes time. What an engine has been told to stop it may stop though the one who asked is gone.
func (p *process) lasting(ctx context.Context, finishes bool, do func(context.Context) error) error {
	through, last := p.light()
	if !through {
		if last {
			p.die()
		}
		return errKilled
	}
	detached, cancel := context.WithCancel(p.w.life)
	defer context.AfterFunc(ctx, func() {
		if !p.dead() || !finishes {
			cancel()
		}
	})()
	answer := make(chan error, 1)
	go func() {
		defer cancel()
		answer <- do(detached)
	}()
	select {
	case err := <-answer:
		if last {
			p.die()
			return errKilled
		}
		return err
	case <-p.life.Done():
		if !finishes {
			cancel()
		}
		return errKilled
	}
}
