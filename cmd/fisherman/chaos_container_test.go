package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"fisherman/server"
)

// containerStruck kills or restarts a live container, with a deployment under way or without.
func containerStruck(service string, restart bool) round {
	kind := map[bool]string{false: "container killed", true: "container restarted"}[restart]
	return round{kind, kind + " of " + service, func(a *arena) error {
		sent := &shipping{}
		if a.random.IntN(2) == 0 {
			sent = a.ship(service)
			a.pause(500 * time.Millisecond)
		}
		alive, err := a.containersOf(service)
		if err != nil {
			return err
		}
		end := a.excuses(struck, service)
		if len(alive) == 1 {
			end = a.excuses(down, service)
		}
		err = a.ask(func(ctx context.Context) error {
			id, now := alive[a.random.IntN(len(alive))].id, 0
			if restart {
				return a.docker.ContainerRestart(ctx, id, container.StopOptions{Timeout: &now})
			}
			return a.docker.ContainerKill(ctx, id, "KILL")
		})
		if len(alive) == 1 {
			err = errors.Join(err, a.backUp(service))
		}
		end()
		if err != nil && strings.Contains(err.Error(), "is not running") || err != nil && strings.Contains(err.Error(), "No such container") {
			err = nil // fisherman had just replaced it
		}
		return errors.Join(err, sent.done())
	}}
}

// backUp waits until a service answers as it should again.
func (a *arena) backUp(service string) error {
	return until(service+" to be back", func() (bool, error) {
		var s server.Service
		err := a.read("/api/v1/services/"+service, &s)
		status, body, failed := get(a.proxy, service+".test", "/")
		if err = errors.Join(err, failed); err == nil {
			err = fmt.Errorf("%s is %s and answers %d %s", service, s.State, status, body)
		}
		return status == http.StatusOK && s.State == "running", err
	})
}

// outOfMemory lets an app eat more memory than it may have.
func outOfMemory() round {
	return round{"container out of memory", "container out of memory", func(a *arena) error {
		alive, err := a.containersOf(frail)
		if err != nil {
			return err
		}
		defer a.excuses(down, frail)()
		address, err := a.addressOf(alive[0].id)
		if err != nil {
			return err
		}
		_, _, _ = get(address, frail+".test", "/eat?mib=200") // it does not live to answer
		if err := a.startedAgain(alive[0].id); err != nil {
			return err
		}
		if err := a.backUp(frail); err != nil {
			return err
		}
		return a.said(`memory`)
	}}
}

// startedAgain waits until a container's process is another one.
func (a *arena) startedAgain(id string) error {
	return until("the container that was killed to be started again", func() (again bool, _ error) {
		err := a.ask(func(ctx context.Context) error {
			c, err := a.docker.ContainerInspect(ctx, id)
			if err == nil {
				finished, parsed := time.Parse(time.RFC3339Nano, c.State.FinishedAt)
				again = c.State.Running && parsed == nil && finished.Year() > 1
			}
			return err
		})
		return again, err
	})
}

// said waits until fisherman has logged something.
func (a *arena) said(what string) error {
	wanted, err := regexp.Compile(what)
	if err != nil {
		return err
	}
	return until("the log to say "+what, func() (bool, error) { return wanted.MatchString(a.log()), nil })
}

// addressOf is where the app in a container listens.
func (a *arena) addressOf(id string) (address string, err error) {
	err = a.ask(func(ctx context.Context) error {
		c, err := a.docker.ContainerInspect(ctx, id)
		if err != nil {
			return err
		}
		if n := c.NetworkSettings.Networks[a.network]; n != nil && n.IPAddress != "" {
			address = net.JoinHostPort(n.IPAddress, "8080")
			return nil
		}
		return fmt.Errorf("container %.12s has no address on %s", id, a.network)
	})
	return address, err
}
