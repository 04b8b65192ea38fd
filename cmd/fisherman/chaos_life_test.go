package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Getenv makes an arena the world of its processes.
func (a *arena) Getenv(name string) string {
	if name == "DOCKER_HOST" && a.host != "" {
		return a.host
	}
	return alone{a.stage}.Getenv(name)
}

func (a *arena) MkAbs(file string) string { return alone{a.stage}.MkAbs(file) }

// armed is the world of a process that dies at a point; of an ordinary one when the point is empty.
type armed struct {
	*arena
	point string
}

func (a armed) Getenv(name string) string {
	switch {
	case name == "PATH" && a.point != "":
		return a.bin.failpoints
	case name == "PATH":
		return a.bin.release
	case name == failpoint:
		return a.point
	}
	return a.arena.Getenv(name)
}

// start starts fisherman and returns once it takes connections.
func (a *arena) start(point string) error {
	next, err := launch(armed{a, point}, "--config", a.config())
	if err == nil && a.server != nil {
		a.ended = append(a.ended, a.server)
	}
	if err == nil {
		a.server = next
	}
	return err
}

// crash kills fisherman, does something to what it left, and starts it again.
func (a *arena) crash(meanwhile ...func() error) error {
	end := a.excuses(killed, "")
	a.server.kill()
	for _, do := range meanwhile {
		if err := do(); err != nil {
			return err
		}
	}
	err := a.start("")
	end()
	if err != nil {
		return err
	}
	return a.server.ready()
}

// cycle tells fisherman to stop and starts it again, to die at a point if there is one.
func (a *arena) cycle(point string) error {
	end := a.excuses(told, "")
	if err := a.server.end(syscall.SIGTERM, exitDone); err != nil {
		return err
	}
	err := a.start(point)
	end()
	if err != nil {
		return err
	}
	return a.server.ready()
}

// awaitDeath waits until fisherman has died at the point it was told to die at, and starts it again.
func (a *arena) awaitDeath(point string) error {
	select {
	case <-a.server.ended:
	case <-time.After(patience):
		return fmt.Errorf("the point %q was not reached within %s", point, patience)
	}
	if status, ok := a.server.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		return fmt.Errorf("it was to be killed at %q and ended with %v", point, a.server.cmd.ProcessState)
	}
	died, err := a.server.diedAt()
	if err != nil {
		return err
	}
	err = a.start("")
	a.windows = append(a.windows, window{killed, "", died, time.Now()})
	if err != nil {
		return err
	}
	return a.server.ready()
}

// diedAt is when the process reached the point that it was to die at, as it said itself: on a busy machine the test hears of
// that much later.
func (p *process) diedAt() (time.Time, error) {
	for line := range strings.Lines(p.log()) {
		if at, said := strings.CutPrefix(strings.TrimSpace(line), "dies at "); said {
			return time.Parse(time.RFC3339Nano, at)
		}
	}
	return time.Time{}, errors.New("it did not say when it died")
}

// pause lets up to a limit pass: the moment of a fault, chosen by the plan. It waits for nothing.
func (a *arena) pause(limit time.Duration) { time.Sleep(time.Duration(a.random.Int64N(int64(limit)))) }

// ask bounds one request to the engine.
func (a *arena) ask(do func(context.Context) error) error {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	return do(ctx)
}

// log is what the processes of this round have said, without the access log.
func (a *arena) log() string {
	var all strings.Builder
	for n, p := range append(slices.Clone(a.ended), a.server) {
		said := p.log()
		if n == 0 {
			said = said[a.quoted:]
		}
		all.WriteString(withoutRequests(said))
	}
	return all.String()
}

// withoutRequests leaves out the access log, and deliveries that are sent again and again.
func withoutRequests(log string) string {
	var b strings.Builder
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `"message":"request"`) && !strings.Contains(line, `"outcome":"refused"`) {
			b.WriteString(line)
		}
	}
	return b.String()
}
