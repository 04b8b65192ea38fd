package proxy

import (
	"errors"
	"os"
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
	current := &table{}
	for service, e := range entries {
		next, err := p.recall(current, service, e)
		if err != nil {
			p.options.Log.Error().Err(err).Str("service", service).Msg("left a service of the route file out")
			continue
		}
		current = next
	}
	p.table.Store(current)
	return nil
}

func (p *Proxy) recall(current *table, service string, e entry) (*table, error) {
	state := outdated
	if p.boot != "" && e.Boot == p.boot {
		state = remembered
	}
	r, err := newRelease(service, e, state)
	if err != nil {
		return nil, err
	}
	r.meter = p.meters.of(service)
	return current.with(r)
}

func (p *Proxy) setAside(cause error) error {
	name, err := p.store.setAside()
	if err != nil {
		return errors.Join(cause, err)
	}
	p.aside = name
	p.table.Store(&table{})
	p.options.Log.Error().Err(cause).Str("kept_as", name).
		Msg("set the route file aside; routes come back as services are pointed to again")
	return nil
}

// SetAside is the name under which New put away a route file it could not read, or "".
func (p *Proxy) SetAside() string { return p.aside }
