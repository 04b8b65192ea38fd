// Package config reads, checks and resolves fisherman.yaml. What a key is called, what it may hold, what it is when it is
// absent and what it means stands in one place, the schema (schema.go, service.go): it drives reading, the suggestions
// for unknown keys, and the table of documentation that Keys returns.
package config

import (
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"fisherman/deployer"
)

// Config is what a file says, checked, with ${NAME} replaced and every default filled in.
type Config struct {
	GitHub     GitHub
	Discord    *Discord            // nil: no Discord
	Registries map[string]Registry // by host: "ghcr.io", "127.0.0.1:5000"; docker.io for images without a host
	Server     Server
	Proxy      Proxy
	Docker     Docker
	State      string             // the directory of queue, history and route table; default /var/lib/fisherman
	Services   []deployer.Service // sorted by name, at least one

	// RepositorySecrets holds each repository's own webhook secrets, by "owner/name" in lower case. Every configured
	// repository is in it; one without secrets of its own has nil, and GitHub.Secrets count.
	RepositorySecrets map[string][]Secret

	Shown   map[string]bool            // variables of the environment whose values are in what is shown
	Unnamed map[string]map[string]bool // by service, variables of its files whose names no plan shows that adds them
	Lacks   []string                   // what could not be had of the files that it names, and why; see Surroundings.MayLack
}

// Secret is a text that is never shown.
type Secret = deployer.Secret

// redacted stands in a problem where a secret would.
const redacted = "[redacted]"

// GitHub is how webhooks are verified and GitHub's API is reached.
type GitHub struct {
	Secrets []Secret // several while rotating; none only when every repository has its own
	Token   Secret   // optional
	API     string   // default https://api.github.com
}

// Discord is where outcomes are told.
type Discord struct {
	Token     Secret
	ChannelID string // digits
	API       string // default https://discord.com/
}

// Registry is how one registry's images are pulled.
type Registry struct {
	Username string // empty: anonymous
	Password Secret
	Mirror   string // host or host:port to pull from instead; empty: the registry itself
}

// Server is fisherman's own HTTP side.
type Server struct {
	Listen string // default 127.0.0.1:5000
	Host   string // takes webhooks through the proxy too; empty: none
	Token  Secret // empty: one is made at first start
}

// Proxy is where app traffic comes in.
type Proxy struct {
	HTTP           string         // default :80
	HTTPS          string         // default :443; unused unless SpeaksTLS
	ACME           *ACME          // nil: none
	Certificates   []KeyPair      // from files
	TrustedProxies []netip.Prefix // whose X-Forwarded-* count
	AccessLog      AccessLog
}

// SpeaksTLS reports whether there is anything to have certificates from; otherwise everything is plain HTTP.
func (p Proxy) SpeaksTLS() bool { return p.ACME != nil || len(p.Certificates) > 0 }

// ACME is where certificates are made.
type ACME struct {
	Email     string // empty: none is told to the CA
	Directory string // default Let's Encrypt's
	Roots     string // a PEM file of what to trust the directory by; empty: the system's
}

// KeyPair is a certificate and its key, both PEM files.
type KeyPair struct{ Cert, Key string }

// AccessLog is where the lines about proxied requests go.
type AccessLog struct {
	File   string // absolute; NoAccessLog: none are written; empty: stderr with the rest
	Sample int    // a line for each so many requests that went well; default 1
}

// NoAccessLog is the AccessLog.File of who wants none.
const NoAccessLog = "off"

// Docker is the engine that runs the services.
type Docker struct {
	Host    string // empty: Docker's own environment variables
	Network string // default fisherman
}

// Format prints no content: who wants to know what is configured reads the file.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.summary()) }

// MarshalText is Format for JSON, YAML and logs.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.summary()), nil }

func (c Config) summary() string { return fmt.Sprintf("configuration of %d services", len(c.Services)) }

// Parse checks and resolves the text of a file that is nowhere in particular.
func Parse(raw []byte, getenv func(string) (string, bool)) (*Config, error) {
	return Surroundings{Getenv: getenv}.Parse(raw)
}

// Parse checks and resolves the text of a file. The error is Problems, all of them, in the order of the file.
func (s Surroundings) Parse(raw []byte) (*Config, error) {
	root, err := document(raw)
	if err != nil {
		return nil, err
	}
	r := &reader{getenv: s.Getenv, mayShow: s.MayShow, mayLack: s.MayLack, read: s.ReadFile, budget: maxBorrowed, files: map[string]fileRead{}, envFiles: map[string]envFile{}, opens: map[opening]error{}}
	if r.read == nil {
		r.read = func(name, _ string) ([]byte, error) { return onThisMachine(name) }
	}
	d := &draft{}
	d.keys().read(r, root)
	d.check(r)
	d.checkFiles(r, s.Files)
	if problems := r.sorted(); len(problems) > 0 {
		return nil, problems
	}
	slices.SortFunc(d.Services, func(a, b deployer.Service) int { return cmp.Compare(a.Name, b.Name) })
	d.Shown, d.Lacks = r.shown, r.lacks
	return &d.Config, nil
}
