package main

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// engineFrozen freezes the engine in the middle of deployments. The apps go on, and no request notices.
func engineFrozen() round {
	return round{"engine frozen", "engine frozen", func(a *arena) error {
		sent := a.ship(web, single)
		a.pause(time.Second)
		thaw, err := a.engine.freeze()
		if err != nil {
			return err
		}
		time.Sleep(time.Second)
		a.pause(3 * time.Second)
		return errors.Join(thaw(), sent.done())
	}}
}

// engineGone ends the engine in the middle of deployments and starts it again some time later. Without live restore it
// takes its containers along: at once when it is told to stop, at its next start when it is killed (Docker
// documentation, "Live restore"). With it nothing may be noticed.
func engineGone(how os.Signal, live bool) round {
	kind := map[os.Signal]string{syscall.SIGTERM: "engine restarted", syscall.SIGKILL: "engine killed"}[how]
	name := kind + map[bool]string{true: ", live restore", false: ""}[live]
	return round{kind, name, func(a *arena) error {
		if live != a.engine.live { // it is a setting of the process that ends
			lost := a.excuses(down, "")
			a.engine.live = live
			err := a.reboot(syscall.SIGTERM, 0)
			if lost(); err != nil {
				return err
			}
		}
		sent := a.ship(web, single)
		a.pause(time.Second)
		lost := a.excuses(down, "")
		err := a.reboot(how, 2*time.Second)
		if !live {
			lost()
		}
		return errors.Join(err, sent.done())
	}}
}

// reboot ends the engine, starts it within some time and waits for every service.
func (a *arena) reboot(how os.Signal, within time.Duration) error {
	if err := a.engine.end(how); err != nil {
		return err
	}
	if within > 0 {
		a.pause(within)
	}
	if err := a.engine.start(); err != nil {
		return err
	}
	for service := range a.replicas {
		if err := a.backUp(service); err != nil {
			return err
		}
	}
	return nil
}
