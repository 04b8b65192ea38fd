package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
)

// round is one fault, or several of a kind, done to an arena. What must not be is looked for afterwards.
type round struct {
	kind string // for the summary
	name string // what exactly
	play func(*arena) error
}

// points are where fisherman is killed, and the services and flaws that lead there.
func points() map[string][]announced {
	both := []announced{{web, sound}, {single, sound}}
	all := map[string][]announced{
		"pointed": both, "started": both, "retired": {{web, sound}},
		"paused": {{single, sound}}, "halted": {{single, sound}}, "switched back": {{frail, sickens}},
	}
	for _, state := range []string{"waiting", "queued", "pulling", "starting", "verifying", "switching", "draining", "succeeded"} {
		all["before "+state], all["after "+state] = both, both
	}
	for state, leads := range map[string]announced{"baking": {web, sound}, "failed": {frail, crashes}, "rolled_back": {frail, sickens}} {
		all["before "+state], all["after "+state] = []announced{leads}, []announced{leads}
	}
	return all
}

// announced is a release that is announced, of a service and with a flaw.
type announced struct {
	service string
	flaw    flaw
}

// killedAt kills fisherman at a point of a deployment.
func killedAt(point string) round {
	kind := "killed at a step"
	if when, _, ofState := strings.Cut(point, " "); ofState && when != "switched" {
		kind = "killed " + when + " a state"
	}
	return round{kind, "killed at " + point, func(a *arena) error {
		if err := a.cycle(point); err != nil {
			return err
		}
		var releases []*shipment
		for _, one := range points()[point] {
			releases = append(releases, a.make(one.service, one.flaw))
		}
		sent := a.announceAll(releases...)
		if releases[0].flaw == sickens {
			defer a.excuses(down, frail)()
			if err := a.sickenWhileBaking(releases[0]); err != nil && !a.server.over() {
				return err
			}
		}
		if err := errors.Join(a.awaitDeath(point), sent.done()); err != nil || releases[0].flaw != sickens {
			return err
		}
		return a.backTo(frail, releases[0])
	}}
}

// killedAnytime kills the release binary at random moments of deployments.
func killedAnytime() round {
	return round{"killed at a random moment", "killed at random moments", func(a *arena) error {
		return a.interrupt(func() error { return a.crash() })
	}}
}

// toldAnytime tells it to stop at random moments of deployments.
func toldAnytime() round {
	return round{"told to stop", "told to stop at random moments", func(a *arena) error {
		return a.interrupt(func() error { return a.cycle("") })
	}}
}

// interrupt does something three times while deployments are under way.
func (a *arena) interrupt(how func() error) error {
	sent := a.ship(web, single)
	for range 3 {
		a.pause(1200 * time.Millisecond)
		if err := how(); err != nil {
			return errors.Join(err, sent.done())
		}
	}
	return sent.done()
}

// idle restarts fisherman again and again with nothing to do: nothing at all may happen.
func idle() round {
	return round{"restarted without a change", "restarted without a change", func(a *arena) error {
		before, err := a.snapshot()
		if err != nil {
			return err
		}
		seen := a.watch("fisherman.network=" + a.network)
		defer seen.close()
		for n := range 4 {
			how := a.cycle
			if n%2 == 1 {
				how = func(string) error { return a.crash() }
			}
			if err := how(""); err != nil {
				return err
			}
		}
		time.Sleep(2 * time.Second) // nothing can be waited for: this is how long fisherman is given to do what it must not
		after, err := a.snapshot()
		if err == nil && after != before {
			err = fmt.Errorf("before restarts without a change there was\n%s\nand after them\n%s", before, after)
		}
		events, failed := seen.lines("name", "create", "start", "die", "kill", "stop", "destroy", "update", "restart", "pause")
		if len(events) > 0 {
			err = errors.Join(err, fmt.Errorf("restarts without a change led to %q", events))
		}
		return errors.Join(err, failed)
	}}
}

// snapshot is everything that a restart must leave as it is: containers, routes, history.
func (a *arena) snapshot() (string, error) {
	all, err := a.observe()
	if err != nil {
		return "", err
	}
	var lines []string
	for _, c := range all {
		err := a.ask(func(ctx context.Context) error {
			i, err := a.docker.ContainerInspect(ctx, c.id)
			if err == nil {
				lines = append(lines, fmt.Sprint(c.id, " ", i.State.Status, " started ", i.State.StartedAt, " restarts ", i.RestartCount, " ", policy(i)))
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	slices.Sort(lines)
	routes, err := os.ReadFile(filepath.Join(a.state(), "routes.json"))
	_, history, failed := get(a.api, "", "/api/v1/deployments?limit=1000")
	return strings.Join(append(lines, string(routes), history), "\n"), errors.Join(err, failed)
}

func policy(c container.InspectResponse) container.RestartPolicyMode {
	return c.HostConfig.RestartPolicy.Name
}
