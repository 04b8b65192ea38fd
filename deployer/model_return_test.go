package deployer_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fisherman/deployer"
)

// comesBack takes services out of the configuration and brings them back, one by one, before all that follows from the one is done.
// Meanwhile another one may have their routes, or trade them with the first that is back.
func (p *plan) comesBack() move {
	var gone []string
	var pauses []time.Duration
	first := p.rng.IntN(len(p.services))
	for i := range p.services {
		if i == 0 || p.percent(50) {
			gone = append(gone, p.services[(first+i)%len(p.services)].Name)
			pauses = append(pauses, p.moment())
		}
	}
	p.rng.Shuffle(len(gone), func(i, j int) { gone[i], gone[j] = gone[j], gone[i] })
	heir, trades, tends := p.service().Name, p.percent(25), p.percent(40)
	if slices.Contains(gone, heir) || p.percent(40) {
		heir = ""
	}
	var then *move
	if p.percent(50) {
		next := p.announce()
		then = &next
	}
	text := fmt.Sprintf("without %v, whose routes %q has, and back after %v, traded %v, looked at %v", gone, heir, pauses, trades, tends)
	if then != nil {
		text += ", then " + then.text
	}
	return move{text: text, do: func(w *world) {
		was := w.services
		if tends { // and that takes so long that it sees only what comes of it all
			w.dawdle(8 * time.Second)
			w.tend()
			w.pass(0)
		}
		w.configure(bequeathed(was, heir, gone))
		for i, name := range gone {
			w.pass(pauses[i])
			if serviceOf(was, name).Name != "" {
				w.configure(bequeathed(was, heir, gone[i+1:]))
			}
		}
		if trades && heir != "" {
			w.configure(traded(w.services, heir, gone[0]))
		}
		if then != nil {
			then.do(w)
		}
	}}
}

// moment is none, or up to a few seconds.
func (p *plan) moment() time.Duration {
	most := []time.Duration{0, 5 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond, time.Second, 4 * time.Second}[p.rng.IntN(6)]
	return time.Duration(float64(most) * p.rng.Float64())
}

// bequeathed are services without some, whose routes another one has.
func bequeathed(all []deployer.Service, heir string, gone []string) []deployer.Service {
	left := all
	var routes []deployer.Route
	for _, name := range gone {
		routes = append(routes, serviceOf(all, name).Routes...)
		left = without(left, name)
	}
	return changed(left, heir, func(s *deployer.Service) { s.Routes = slices.Concat(s.Routes, routes) })
}

// traded are services of which two have each other's routes.
func traded(all []deployer.Service, one, other string) []deployer.Service {
	a, b := serviceOf(all, one), serviceOf(all, other)
	if a.Name == "" || b.Name == "" {
		return all
	}
	all = changed(all, a.Name, func(s *deployer.Service) { s.Routes = b.Routes })
	return changed(all, b.Name, func(s *deployer.Service) { s.Routes = a.Routes })
}

// hostsOf is what services have, for the trace.
func hostsOf(services []deployer.Service) string {
	var all []string
	for _, s := range services {
		text := s.Name + ":"
		for _, r := range s.Routes {
			text += " " + r.Host
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}
