package deployer_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fisherman/deployer"
)

// diary is the journal as one process writes it.
type diary struct {
	deployer.Journal
	p *process
}

func (d diary) Commit(c deployer.Change) error {
	if !changes(c) {
		return nil
	}
	return d.p.effect(func() error {
		facts := make([]fact, len(c.Deployments))
		for i, next := range c.Deployments {
			facts[i] = fact{what: written, service: next.Service, release: next.ID, deployment: d.p.w.steady(next)}
			if before, _ := d.Deployment(next.ID); before.State.Ended() && before.State == next.State {
				facts[i].what = amended
			}
		}
		if err := d.Journal.Commit(c); err != nil {
			return err
		}
		if c.Delivery != nil {
			d.p.w.know(c.Delivery.ID)
		}
		for _, f := range facts {
			d.p.w.record(f)
		}
		return nil
	})
}

// signs are the names of services as one process keeps them.
type signs struct{ p *process }

func (s signs) SetNames(addresses map[string][]string) error {
	return s.p.effect(func() error { s.p.w.rename(addresses); return nil })
}

// rename takes where names lead from now on: to what is live, and to nothing else that runs.
func (w *world) rename(addresses map[string][]string) {
	live := w.road.Live()
	for _, r := range w.releases() {
		for name := range addresses {
			wrong := r.Service != name || live[name] != "" && live[name] != r.ID // the routes of one that came back may have yet to be written
			if at := leadsTo(addresses[name], r); at != "" && wrong {
				w.wrong("at %.3fs: the name %s leads to %s of %s, and live is %s", time.Since(w.begun).Seconds(), name, at, r.ID, live[name])
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.names = addresses
	w.facts = append(w.facts, fact{at: time.Since(w.begun), process: w.processes, what: renamed, text: fmt.Sprint(addresses)})
}

// leadsTo is an address among others at which a release runs; empty when there is none.
func leadsTo(addresses []string, r deployer.Running) string {
	for _, replica := range r.Replicas {
		if replica.Running && slices.Contains(addresses, replica.Address) {
			return replica.Address
		}
	}
	return ""
}

// street is the traffic as one process sends it.
type street struct{ p *process }

func (s street) Point(service, release string, routes map[string][]string) (drain func(context.Context, func(int)) int, err error) {
	err = s.p.effect(func() error { drain, err = s.p.w.road.Point(service, release, routes); return err })
	return drain, err
}

func (s street) Claim(service, release string, routes map[string][]string) error {
	return s.p.effect(func() error { return s.p.w.road.Claim(service, release, routes) })
}

func (s street) Pause(service string) (drain func(context.Context, func(int)) int) {
	drain = func(context.Context, func(int)) int { return 0 }
	_ = s.p.effect(func() error { drain = s.p.w.road.Pause(service); return nil })
	return drain
}

func (s street) Reroute(routes map[string]map[string][]string) (drains map[string]func(context.Context, func(int)) int, err error) {
	err = s.p.effect(func() error { drains, err = s.p.w.road.Reroute(routes); return err })
	return drains, err
}

func (s street) Settle()                                     {}
func (s street) Live() map[string]string                     { return s.p.w.road.Live() }
func (s street) Routed() map[string]map[string][]string      { return s.p.w.road.Routed() }
func (s street) Answers(service string) (all, failed uint64) { return s.p.w.road.Answers(service) }
