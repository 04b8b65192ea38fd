package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"fisherman/deployer"
)

// Plan is what makes one configuration another. Secrets are compared by what they are, and never shown.
type Plan struct {
	Services []ServicePlan `json:"services"` // that are added, changed or removed, by name
	Settings []Change      `json:"settings"` // outside `services` that differ, by path
	Behind   []Behind      `json:"behind"`   // services that the plan leaves alone and are not what the configuration in force says
}

// Behind is a service that could not be brought to the configuration in force. That is tried once, and again when a person says so.
type Behind struct {
	Service    string `json:"service"`
	Deployment string `json:"deployment"` // that tried it
	Reason     string `json:"reason"`     // why it failed, for a person
}

// ServicePlan is what becomes of a service.
type ServicePlan struct {
	Name    string   `json:"name"`
	Action  Action   `json:"action"`
	Effects []string `json:"effects"` // for a person: "new containers", "scale from 1 to 3"
	Changes []Change `json:"changes"`
}

// Action is what is done to a service as a whole.
type Action string

// The actions.
const (
	Add    Action = "add"
	Alter  Action = "change"
	Remove Action = "remove"
)

// Change is a key that differs.
type Change struct {
	Path   string `json:"path"`   // services.web.replicas
	Old    string `json:"old"`    // empty when it was not there; [redacted] of a secret; of an argument what is written
	New    string `json:"new"`    // empty when it is not there any more; [redacted] of a secret; of an argument what is written
	Secret bool   `json:"secret"` // it has changed, and to what is not said
	Effect Effect `json:"effect"`
}

// Effect is what a change leads to.
type Effect string

// The effects.
const (
	NewContainers Effect = "new containers"                             // of the image that runs, through health, switch and drain
	Compares      Effect = "new containers, unless these are what runs" // of what was lacking nobody knows
	LooksUp       Effect = "look up"                                    // another image or tag, which is deployed
	Reroutes      Effect = "routes"                                     // without touching containers
	Scales        Effect = "scale"                                      // without replacing any
	InPlace       Effect = "in place"
	Restart       Effect = "restart" // of fisherman; until then what was stays
)

// Empty is a plan with nothing to do.
func (Plan) Empty() Plan {
	return Plan{Services: []ServicePlan{}, Settings: []Change{}, Behind: []Behind{}}
}

// IsEmpty reports whether there is nothing to reconcile.
func (p Plan) IsEmpty() bool { return len(p.Services)+len(p.Settings) == 0 }

// Touches reports whether a setting differs, or one below it.
func (p Plan) Touches(setting string) bool {
	return slices.ContainsFunc(p.Settings, func(c Change) bool { return isOf(c.Path, setting) })
}

// isOf reports whether a path is that of a setting, or of what is below it: a key or an item.
func isOf(path, setting string) bool {
	below, is := strings.CutPrefix(path, setting)
	return is && (below == "" || below[0] == '.' || below[0] == '[')
}

// Compare says what makes the old configuration the new one.
func Compare(old, next *Config) Plan {
	p := Plan{}.Empty()
	p.Settings = settings(old, next)
	before, after := byName(old.Services), byName(next.Services)
	secrets := changedSecrets(old, next)
	for _, name := range names(before, after) {
		was, known := before[name]
		is, stays := after[name]
		switch {
		case !known:
			p.Services = append(p.Services, next.veiled(added(is)))
		case !stays:
			p.Services = append(p.Services, removed(was))
		default:
			if one := altered(was, is, secrets); len(one.Effects) > 0 {
				p.Services = append(p.Services, next.veiled(one))
			}
		}
	}
	return p
}

func byName(services []deployer.Service) map[string]deployer.Service {
	all := map[string]deployer.Service{}
	for _, s := range services {
		all[s.Name] = s
	}
	return all
}

func added(s deployer.Service) ServicePlan {
	return ServicePlan{
		Name: s.Name, Action: Add, Effects: []string{"what runs of it is adopted, else its last good release or " + s.Reference() + " deployed"},
		Changes: differences(leaves("services."+s.Name, reflect.Value{}), ofService(s, "services."+s.Name, reflect.ValueOf(s))),
	}
}

// veiled is a plan that tells of variables whose names are not shown only that there are some.
func (c *Config) veiled(p ServicePlan) ServicePlan {
	var one Change
	p.Changes = slices.DeleteFunc(p.Changes, func(change Change) bool {
		name, is := strings.CutPrefix(change.Path, "services."+p.Name+".environment.")
		if is = is && change.Old == "" && c.Unnamed[p.Name][name]; is {
			one = change
		}
		return is
	})
	if one.Path != "" {
		one.Path = "services." + p.Name + ".env_file"
		p.Changes = append(p.Changes, one)
	}
	return p
}

func removed(s deployer.Service) ServicePlan {
	return ServicePlan{
		Name: s.Name, Action: Remove, Changes: []Change{},
		Effects: []string{"it is no longer in the configuration: its routes go at once, its containers are stopped after their requests, and removed a day later"},
	}
}

// altered compares a service key by key. What makes containers is what their spec is made of.
func altered(was, is deployer.Service, secrets map[string]bool) ServicePlan {
	p := ServicePlan{Name: is.Name, Action: Alter, Effects: []string{}, Changes: []Change{}}
	old, next := reflect.ValueOf(was), reflect.ValueOf(is)
	if was.Lacks != is.Lacks { // no key says it, and what was lacking need not show elsewhere
		p.Effects = append(p.Effects, string(Compares))
	}
	for i := range old.NumField() {
		if name := old.Type().Field(i).Name; name == "Lacks" || name == "Written" {
			continue
		}
		path := "services." + is.Name + "." + keyOf(old.Type().Field(i).Name)
		changes := differences(ofService(was, path, old.Field(i)), ofService(is, path, next.Field(i)))
		if len(changes) == 0 {
			continue
		}
		effect := effectOf(old.Type().Field(i).Name, was, is) // once: it looks at all of both services
		for _, c := range changes {
			c.Effect = effect
			p.Changes = append(p.Changes, c)
		}
	}
	if secrets[is.Repository] {
		p.Changes = append(p.Changes, Change{Path: "services." + is.Name + ".secret", Old: redacted, New: redacted, Secret: true, Effect: InPlace})
	}
	for _, c := range p.Changes {
		if text := c.Effect.of(is, was); !slices.Contains(p.Effects, text) {
			p.Effects = append(p.Effects, text)
		}
	}
	return p
}

// effectOf is what a changed field of a service leads to: new containers where it alone would change their spec.
func effectOf(field string, was, is deployer.Service) Effect {
	switch field {
	case "Routes":
		return Reroutes
	case "Replicas":
		return Scales
	case "Image", "Tag":
		return LooksUp
	}
	lacked := was.Lacks != ""
	one := was
	was.Lacks, one.Lacks = "", ""
	reflect.ValueOf(&one).Elem().FieldByName(field).Set(reflect.ValueOf(is).FieldByName(field))
	switch {
	case one.Spec() == was.Spec():
		return InPlace
	case lacked:
		return Compares
	}
	return NewContainers
}

func (e Effect) of(is, was deployer.Service) string {
	switch e {
	case Scales:
		return fmt.Sprintf("scale from %d to %d", was.Replicas, is.Replicas)
	case LooksUp:
		return "look up " + is.Reference() + " and deploy it"
	}
	return string(e)
}

// settings compares what is outside `services`.
func settings(old, next *Config) []Change {
	all := []Change{}
	was, is := reflect.ValueOf(*old), reflect.ValueOf(*next)
	for i := range was.NumField() {
		switch name := was.Type().Field(i).Name; name {
		case "Services", "RepositorySecrets", "Shown", "Unnamed", "Lacks":
		default:
			all = append(all, differences(leaves(keyOf(name), was.Field(i)), leaves(keyOf(name), is.Field(i)))...)
		}
	}
	for i := range all {
		all[i].Effect = InPlace
		if needsRestart(all[i].Path) {
			all[i].Effect = Restart
		}
	}
	return all
}

// needsRestart reports whether a setting is one that a running server is built on.
func needsRestart(path string) bool {
	for _, fixed := range []string{
		"server.listen", "server.host", "server.token", "proxy.http", "proxy.https", "state", "docker",
	} {
		if isOf(path, fixed) {
			return true
		}
	}
	return false
}

// Unchangeable is the configuration with those settings of another one that a running server cannot change.
func (c Config) Unchangeable(running *Config) *Config {
	c.Server.Listen, c.Server.Host, c.Server.Token = running.Server.Listen, running.Server.Host, running.Server.Token
	c.Proxy.HTTP, c.Proxy.HTTPS = running.Proxy.HTTP, running.Proxy.HTTPS
	c.State, c.Docker = running.State, running.Docker
	return &c
}

// changedSecrets are the repositories whose own webhook secrets differ, which of a new one are those it has.
func changedSecrets(old, next *Config) map[string]bool {
	changed := map[string]bool{}
	for repository, is := range next.RepositorySecrets {
		changed[repository] = !slices.EqualFunc(old.RepositorySecrets[repository], is, Secret.Equal)
	}
	return changed
}

// differences are the leaves that only one of them has, or that differ.
func differences(old, next map[string]leaf) []Change {
	all := []Change{}
	for _, path := range names(old, next) {
		was, is := old[path], next[path]
		if !was.equal(is) {
			hidden := was.secret != nil || is.secret != nil || was.shown() == is.shown()
			all = append(all, Change{Path: path, Old: was.shown(), New: is.shown(), Secret: hidden})
		}
	}
	return all
}

// names are the keys of two maps, in order.
func names[V any](a, b map[string]V) []string {
	var all []string
	for name := range a {
		all = append(all, name)
	}
	for name := range b {
		if _, known := a[name]; !known {
			all = append(all, name)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Compare(a, b) })
	return all
}
