package config

import (
	"slices"

	"fisherman/deployer"
)

// check looks at what no value shows by itself, and puts the services together.
func (d *draft) check(r *reader) {
	d.RepositorySecrets = map[string][]Secret{}
	d.checkRoutes(r)
	d.checkSecrets(r)
	d.checkReplacing(r)
	d.checkPorts(r)
	d.checkTLS(r)
	for _, s := range d.drafts {
		if r.mayShow != nil {
			d.withhold(s)
		}
		d.Services = append(d.Services, s.service())
	}
}

// withhold: whoever sends a configuration may name any file in it, and the names in that may be anything.
func (d *draft) withhold(s serviceDraft) {
	unnamed := map[string]bool{}
	for name := range s.fromFile {
		if _, written := s.Environment[name]; !written {
			unnamed[name] = true
		}
	}
	if d.Unnamed == nil {
		d.Unnamed = map[string]map[string]bool{}
	}
	d.Unnamed[s.Name] = unnamed
}

// checkRoutes: a host and prefix belong to one service, else which one answers would be a matter of chance.
func (d *draft) checkRoutes(r *reader) {
	type owner struct{ service, path string }
	taken := map[deployer.Route]owner{}
	for _, s := range d.drafts {
		for _, route := range s.routes {
			where := deployer.Route{Host: route.is.Host, Prefix: route.is.Prefix}
			first, twice := taken[where]
			switch {
			case where.Host == "" || where.Prefix == "":
				// It has a problem already.
			case !twice:
				taken[where] = owner{s.Name, route.at.path}
			case first.service == s.Name:
				r.report(route.at, where.Host+where.Prefix, "is a route of service %s already (%s); remove one",
					s.Name, first.path)
			default:
				r.report(route.at, where.Host+where.Prefix,
					"services %s and %s both want it (the other is %s); give it to one, or tell them apart by prefix",
					first.service, s.Name, first.path)
			}
		}
	}
}

// checkSecrets: a delivery is verified by its repository's secrets, so they must be the same wherever they are given.
func (d *draft) checkSecrets(r *reader) {
	from := map[string]string{}
	for _, s := range d.drafts {
		if s.Repository == "" {
			continue // it has a problem already
		}
		known, configured := d.RepositorySecrets[s.Repository]
		switch {
		case !configured || known == nil:
			d.RepositorySecrets[s.Repository] = s.secrets
			from[s.Repository] = s.Name
		case !r.mayLack && len(known) > 0 && len(s.secrets) > 0 && !sameSecrets(known, s.secrets):
			r.report(s.at.absent("secret"), redacted,
				"services %s and %s have different secrets and one repository, %s; give both the same",
				from[s.Repository], s.Name, s.Repository)
		}
	}
	d.checkGitHubSecret(r)
}

func (d *draft) checkGitHubSecret(r *reader) {
	if d.GitHub.Secrets != nil || d.secret.path == "" {
		return // there is one, or `github` is no mapping, which is a problem already
	}
	for _, s := range d.drafts {
		if s.secrets == nil && d.RepositorySecrets[s.Repository] == nil {
			r.report(d.secret, "", "is required, because service %s has no secret of its own: "+
				"the secret of the webhook on GitHub", s.Name)
			return
		}
	}
}

func sameSecrets(a, b []Secret) bool { return holdsAll(a, b) && holdsAll(b, a) }

func holdsAll(all, some []Secret) bool {
	return !slices.ContainsFunc(some, func(s Secret) bool { return !slices.ContainsFunc(all, s.Equal) })
}
