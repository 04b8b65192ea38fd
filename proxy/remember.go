package proxy

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
)

// bootID identifies the machine's current boot. Where it cannot be read no boot is ever taken to be the same.
func bootID(file string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

// remember loads the route file. A service that does not fit in is left out, the others stay.
func (p *Proxy) remember() error {
	entries, err := p.store.load()
	if errors.Is(err, errUnreadable) {
		return p.setAside(err)
	}
	if err != nil {
		return err
	}
	current := newTable(map[string]*release{})
	for _, service := range slices.Sorted(maps.Keys(entries)) {
		next, err := p.recall(current, service, entries[service])
		if err != nil {
			p.options.Log.Error().Err(err).Str("service", service).
				Msg("left a service of the route file out; its routes come back when it is pointed to again")
			continue
		}
		current = next
	}
	p.table.Store(current)
	p.vault.remember(current)
	if len(current.releases) < len(entries) {
		p.salvage(current)
	}
	return nil
}

func (p *Proxy) recall(current *table, service string, e entry) (*table, error) {
	state := outdated
	if p.boot != "" && e.Boot == p.boot {
		state = remembered
	}
	if service == "" || e.Release == "" || e.Routes == nil {
		return nil, errors.New("recall service: it has no name, no release or no routes")
	}
	r, err := newRelease(service, e, state)
	if err != nil {
		return nil, err
	}
	r.meter, r.via = p.meters.of(service), p.newTransport(service)
	return current.with(r), current.conflict(r)
}

// setAside begins anew. The apps are not refused meanwhile: until Settle requests wait, however long the engine takes.
func (p *Proxy) setAside(cause error) (err error) {
	if p.aside, err = p.store.setAside(); err != nil {
		return errors.Join(cause, err)
	}
	p.table.Store(newTable(map[string]*release{}))
	p.options.Log.Error().Err(cause).Str("kept_as", p.aside).
		Msg("set the route file aside; routes come back as services are pointed to again")
	return nil
}

// salvage keeps a file of which only a part could be used, and writes that part anew. If it cannot, the file stays as it
// is until the next change.
func (p *Proxy) salvage(current *table) {
	name, err := p.store.keep()
	if err == nil {
		p.aside = name
		err = p.store.save(p.entries(current), p.entries(current))
	}
	p.options.Log.Error().Err(err).Str("kept_as", name).Msg("kept the route file as it was; what could be used of it is written anew")
}

// SetAside is the name under which New put away a route file it could not read, all of it or in part, or "".
func (p *Proxy) SetAside() string { return p.aside }
