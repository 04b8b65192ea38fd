package deployer_test

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"fisherman/deployer"
)

// reconfigure changes the configuration while the program runs.
func (p *plan) reconfigure() move {
	s, other, replicas, version := p.service(), p.service(), 1+p.rng.IntN(3), strconv.Itoa(p.rng.IntN(3))
	kinds := []struct {
		text   string
		change func(w *world, services []deployer.Service) []deployer.Service
	}{
		{"without " + s.Name, func(_ *world, all []deployer.Service) []deployer.Service { return without(all, s.Name) }},
		{"with " + s.Name, func(w *world, all []deployer.Service) []deployer.Service {
			return append(without(all, s.Name), serviceOf(w.cast, s.Name))
		}},
		{fmt.Sprintf("with %d replicas of %s", replicas, s.Name), func(_ *world, all []deployer.Service) []deployer.Service {
			return changed(all, s.Name, func(s *deployer.Service) { s.Replicas = replicas })
		}},
		{fmt.Sprintf("with version %s of %s", version, s.Name), func(_ *world, all []deployer.Service) []deployer.Service {
			return changed(all, s.Name, func(s *deployer.Service) {
				s.Environment = map[string]deployer.Secret{"VERSION": deployer.Plain(version)}
			})
		}},
		{fmt.Sprintf("with the routes of %s and %s swapped", s.Name, other.Name), func(w *world, all []deployer.Service) []deployer.Service {
			return traded(all, s.Name, other.Name)
		}},
	}
	one := kinds[p.weighed([]int{2, 4, 4, 3, 2})]
	return move{text: "another configuration, " + one.text, do: func(w *world) { w.configure(one.change(w, w.services)) }}
}

func without(all []deployer.Service, name string) []deployer.Service {
	return slices.DeleteFunc(slices.Clone(all), func(s deployer.Service) bool { return s.Name == name })
}

func changed(all []deployer.Service, name string, change func(*deployer.Service)) []deployer.Service {
	all = slices.Clone(all)
	for i := range all {
		if all[i].Name == name {
			change(&all[i])
		}
	}
	return all
}

// configure is another configuration, whether or not the process lives to apply it. What follows takes its time.
func (w *world) configure(services []deployer.Service) {
	for _, s := range services { // a route is one service's: who comes back may find that others have it
		for _, r := range s.Routes {
			if len(ownersOf(services, r)) > 1 {
				return
			}
		}
	}
	for _, r := range w.releases() {
		w.mar(r.ID)
	}
	for _, d := range w.active() { // which goes on with the configuration it began with
		w.mar(d.ID)
	}
	names := " "
	for _, s := range services {
		names += s.Name + " "
		switch was := serviceOf(w.services, s.Name); {
		case was.Name == "": // as at a start
			delete(w.grown, s.Name)
		case s.Replicas > was.Replicas:
			w.grown[s.Name] = time.Since(w.begun)
		}
	}
	w.services = services
	w.setConfigured(services)
	w.record(fact{what: reshaped, text: names})
	err := w.process.Reconcile(services)
	w.note("reconcile: %v; %s", err, hostsOf(services))
}

func ownersOf(services []deployer.Service, r deployer.Route) (names []string) {
	for _, s := range services {
		if slices.Contains(s.Routes, r) {
			names = append(names, s.Name)
		}
	}
	return names
}

// departed says what is left of services that are not in the configuration.
func (w *world) departed() (wrongs []string) {
	for _, s := range w.cast {
		if serviceOf(w.services, s.Name).Name != "" {
			continue
		}
		if live := w.road.Live()[s.Name]; live != "" {
			wrongs = append(wrongs, fmt.Sprintf("%s is not in the configuration, and traffic points to %s", s.Name, live))
		}
		w.mu.Lock()
		named := w.names[s.Name]
		w.mu.Unlock()
		if len(named) > 0 {
			wrongs = append(wrongs, fmt.Sprintf("%s is not in the configuration, and its name leads to %q", s.Name, named))
		}
		if up := w.running(s.Name); len(up) > 0 {
			wrongs = append(wrongs, fmt.Sprintf("%s is not in the configuration, and %v run", s.Name, up))
		}
	}
	return wrongs
}
