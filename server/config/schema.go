package config

import (
	"net/netip"

	"go.yaml.in/yaml/v3"
)

// draft is a configuration while it is read.
type draft struct {
	Config
	drafts   []serviceDraft // in the order of the file
	defaults value
	secret   value // where github.secret is, or would be
	https    value // the same of proxy.https
	pairs    []placed[KeyPair]
	acme     value // of `proxy`
}

// keys is the schema of fisherman.yaml. `secrets` comes before all that it opens, and `defaults` before `services`, which
// take it over.
func (d *draft) keys() mapping {
	return mapping{
		{name: "secrets", kind: secretsKeys(), meaning: "what opens the values that are encrypted below"},
		{name: "github", kind: d.githubKeys(), meaning: "how GitHub's webhooks are verified"},
		{name: "discord", kind: optional[Discord]{&d.Discord, discordKeys}, meaning: "where outcomes are told; absent: nowhere"},
		{name: "registries", kind: d.registries(), meaning: "how images are pulled, by the registry's host"},
		{name: "server", kind: serverKeys(&d.Server), meaning: "fisherman's own HTTP side"},
		{name: "proxy", kind: d.proxyKeys(), meaning: "where requests for the apps come in"},
		{name: "docker", kind: dockerKeys(&d.Docker), meaning: "the engine that runs the apps"},
		{name: "state", fallback: "/var/lib/fisherman", kind: text(&d.State), meaning: "directory of the queue, the history and the route table"},
		{name: "defaults", kind: defaults{d}, meaning: "any service key, for all services; a service's own key wins, mappings merge key by key"},
		{name: "services", required: true, kind: checked{d.services(), notEmpty, node{"type": "object", "minProperties": 1}}, meaning: "at least one app to run"},
	}
}

func secretsKeys() mapping {
	return mapping{
		{name: "identity", kind: identity{}, meaning: "the age identity file that opens values written as `{ age: … }`; absent: the identities in the environment variable " + ageKey},
	}
}

func (d *draft) githubKeys() mapping {
	return mapping{
		{name: "secret", kind: located{secrets{&d.GitHub.Secrets}, &d.secret}, meaning: "of the webhook; required unless every service has its own"},
		{name: "token", kind: secret(&d.GitHub.Token), meaning: "for statuses, missed deliveries and ancestry in a later version; not used yet"},
		{name: "api", fallback: "https://api.github.com", kind: endpoint(&d.GitHub.API), meaning: "GitHub Enterprise Server: its API URL"},
	}
}

func discordKeys(d *Discord) kind {
	return mapping{
		{name: "token", required: true, kind: secret(&d.Token), meaning: "the bot's token"},
		{name: "channel_id", required: true, kind: channel(&d.ChannelID), meaning: "the channel that is told, by the number of \"Copy Channel ID\""},
		{name: "api", fallback: "https://discord.com/", kind: endpoint(&d.API), meaning: "another address of Discord's API"},
	}
}

func (d *draft) registries() kind {
	return dictionary[Registry]{
		word: "HOST", name: registryName, names: node{"pattern": `^[a-z0-9.:\[\]-]+$`}, entry: registryKeys,
		put: func(at value, got Registry) {
			if d.Registries == nil {
				d.Registries = map[string]Registry{}
			}
			d.Registries[at.name] = got
		},
	}
}

func registryKeys(reg *Registry) kind {
	keys := mapping{
		{name: "username", kind: text(&reg.Username), meaning: "to log in with; absent: anonymous"},
		{name: "password", kind: secret(&reg.Password), meaning: "or token of that user"},
		{name: "mirror", kind: mirror(&reg.Mirror), meaning: "host:port to pull this registry's images from instead"},
	}
	together := node{"dependentRequired": node{"username": []string{"password"}, "password": []string{"username"}}}
	return checked{keys, func(r *reader, v value) {
		got, ok := r.members(v)
		user, password := got.find(v, "username"), got.find(v, "password")
		switch {
		case !ok || (user.node == nil) == (password.node == nil):
		case user.node == nil:
			r.report(user, "", "is required beside `password`")
		default:
			r.report(password, "", "is required beside `username`")
		}
	}, together}
}

func serverKeys(s *Server) mapping {
	return mapping{
		{name: "listen", fallback: "127.0.0.1:5000", kind: address(&s.Listen), meaning: "where webhooks, the API and metrics are served"},
		{name: "host", kind: host(&s.Host), meaning: "also take POST /webhooks/github on this host, through the proxy"},
		{name: "token", kind: secret(&s.Token), meaning: "the API's bearer token; absent: made at first start, in STATE/token"},
	}
}

func (d *draft) proxyKeys() mapping {
	p := &d.Proxy
	return mapping{
		{name: "http", fallback: ":80", kind: address(&p.HTTP), meaning: "where the proxy takes HTTP"},
		{name: "https", fallback: ":443", kind: located{address(&p.HTTPS), &d.https}, meaning: "where it takes HTTPS when there are certificates"},
		{name: "acme", kind: located{checked{kind: optional[ACME]{&p.ACME, acmeKeys}, check: notBare, also: node{"type": "object"}}, &d.acme}, meaning: "certificates made by ACME, for the hosts of routes that no file covers"},
		{name: "certificates", kind: list[placed[KeyPair]]{&d.pairs, placing(keyPair)}, meaning: "certificates from files"},
		{name: "trusted_proxies", kind: list[netip.Prefix]{&p.TrustedProxies, cidr}, meaning: "whose X-Forwarded-* headers count"},
		{name: "access_log", kind: accessLogKeys(&p.AccessLog), meaning: "lines about proxied requests"},
	}
}

func accessLogKeys(a *AccessLog) mapping {
	return mapping{
		{name: "file", kind: logPath(&a.File), meaning: "where a line for each proxied request is appended; absent: stderr, with the rest of the log"},
		{name: "sample", fallback: "1", kind: number(&a.Sample, 1, 1_000_000), meaning: "write one line for each so many requests that went well; failures always have theirs"},
	}
}

func dockerKeys(d *Docker) mapping {
	return mapping{
		{name: "host", kind: engine(&d.Host), meaning: "the Docker Engine; absent: Docker's own environment variables"},
		{name: "network", fallback: "fisherman", kind: network(&d.Network), meaning: "the network of all services, created when missing"},
	}
}

// placed is what a value says and where it stands.
type placed[T any] struct {
	is T
	at value
}

// placing makes the items of a list from the kind of what they say.
func placing[T any](item func(*T) kind) func(*placed[T]) kind {
	return func(p *placed[T]) kind { return located{item(&p.is), &p.at} }
}

// located remembers where a value stands.
type located struct {
	kind
	at *value
}

func (l located) read(r *reader, v value) {
	*l.at = v
	l.kind.read(r, v)
}

// defaults are checked by themselves, as a service of which nothing is required, so that a mistake shows even where every
// service has its own value.
type defaults struct{ of *draft }

func (d defaults) read(r *reader, v value) {
	d.of.defaults = v
	optionally(serviceKeys(new(serviceDraft))).read(r, v)
}

func (defaults) describe(k Key) []Key {
	k.Type, k.Default = "mapping", "{}"
	return []Key{k}
}

// inheriting is a service, on top of the defaults.
type inheriting struct {
	kind
	of    *draft
	lacks *string
}

func (i inheriting) read(r *reader, v value) {
	if !i.of.defaults.empty() {
		v.base = &i.of.defaults
	}
	r.service = i.lacks
	i.kind.read(r, v)
	r.service = nil
}

func notEmpty(r *reader, v value) {
	if v.empty() || v.node.Kind == yaml.MappingNode && len(v.node.Content) == 0 {
		r.report(v, "", "holds no service; write at least one, with its repository and image")
	}
}

func (d *draft) services() kind {
	return dictionary[serviceDraft]{
		word: "NAME", name: serviceName, names: node{"pattern": dnsLabel.String(), "maxLength": longestServiceName},
		entry: func(s *serviceDraft) kind { return inheriting{serviceKeys(s), d, &s.Lacks} },
		put: func(at value, got serviceDraft) {
			got.at, got.Name = at, at.name
			d.drafts = append(d.drafts, got)
		},
	}
}
