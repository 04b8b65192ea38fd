package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"fisherman/deployer"
	"fisherman/deployer/docker"
	"fisherman/deployer/journal"
	"fisherman/deployer/registry"
	"fisherman/proxy"
	"fisherman/server"
	"fisherman/server/config"
	"fisherman/server/config/source"
	"fisherman/webhooks"
)

// dockerPause is the time between two tries to reach a Docker Engine that does not answer.
const dockerPause = 2 * time.Second

// webhookPath is where GitHub sends webhooks, on `server.host` too.
const webhookPath = "/webhooks/github"

// hostsDirectory is in the state directory, and has what containers get as /etc/hosts.
const hostsDirectory = "hosts"

// memorable is how long an app may go on using an address it has looked up: Go keeps /etc/hosts for 5 s (net, cacheMaxAge).
const memorable = 6 * time.Second

// settings is what a program is built from.
type settings struct {
	*config.Config
	Log       zerolog.Logger
	sockets   sockets        // that systemd passed
	from      *source.Source // where the configuration lives; nil: nowhere
	raw       []byte         // its text
	copied    string         // why that is the last good copy; empty: it is not
	parse     parse
	peek      peek
	pause     time.Duration
	accessLog io.Writer // takes whole batches of lines; nil: Log takes them one by one
	observers []func(deployer.Deployment)
	notices   []func(deployer.Notice)
}

// program is all the parts, built and not yet running.
type program struct {
	settings
	opened   []io.Closer
	listener net.Listener
	journal  *journal.Journal
	engine   *docker.Engine
	proxy    *proxy.Proxy
	outlet   *outlet // Discord
	bakes    atomic.Pointer[map[string]time.Duration]
	deployer *deployer.Deployer
	registry *registry.Client
	github   *webhooks.GitHub
	hot      *reconciler
	server   *server.Server
	webhook  http.Handler // the server's, for server.host
	token    deployer.Secret
	metrics  *prometheus.Registry
	begun    time.Time
	logged   map[string]int // by deployment: the steps that the log has
}

// build makes every part and opens what only one process may hold: the state directory and the listeners.
func build(ctx context.Context, s settings) (_ *program, err error) {
	if s.parse == nil {
		s.understand(ctx, "")
	}
	p := &program{settings: s, metrics: prometheus.NewRegistry(), begun: time.Now(), logged: map[string]int{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	steps := []func(context.Context) error{
		p.openState, p.openDiscord, p.openEngine, p.openProxy, p.openListeners, p.openDeployer, p.openServer,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *program) openState(context.Context) (err error) {
	if err := os.MkdirAll(p.State, 0o700); err != nil {
		return fmt.Errorf("make state directory: %w; set `state` to a directory this user may write", err)
	}
	if p.journal, err = journal.Open(filepath.Join(p.State, "journal.db")); err != nil {
		return err
	}
	p.opened = append(p.opened, p.journal)
	p.warnOfJournal()
	if err := sweepUp(p.State); err != nil {
		p.Log.Warn().Err(err).Msg("cannot remove what a crash has left in the state directory; it may hold secrets")
	}
	p.token, err = token(p.Server.Token, p.State)
	return err
}

// warnOfJournal tells what could not be read; the journal finds out when it is opened, and when it is loaded.
func (p *program) warnOfJournal() {
	for _, warning := range p.journal.Warnings() {
		p.Log.Error().Msg(warning)
	}
}

func (p *program) openEngine(context.Context) (err error) {
	if p.engine, err = openEngine(p.settings); err == nil {
		p.opened = append(p.opened, p.engine)
	}
	return err
}

func openEngine(s settings) (*docker.Engine, error) {
	state, err := filepath.Abs(s.State)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	return docker.New(docker.Options{
		Hosts: filepath.Join(state, hostsDirectory),
		Host:  s.Docker.Host, Network: s.Docker.Network, Registries: pullLogins(s.Registries), Log: s.part("docker"),
	})
}

// pullLogins are the logins to pull images with.
func pullLogins(registries map[string]config.Registry) map[string]docker.Registry {
	logins := make(map[string]docker.Registry, len(registries))
	for host, r := range registries {
		logins[host] = docker.Registry{Username: r.Username, Password: r.Password, Mirror: r.Mirror}
	}
	return logins
}

// lookUpLogins are the logins to look tags up with.
func lookUpLogins(registries map[string]config.Registry) map[string]registry.Credential {
	logins := make(map[string]registry.Credential, len(registries))
	for host, r := range registries {
		logins[host] = registry.Credential{Username: r.Username, Password: r.Password, Mirror: r.Mirror}
	}
	return logins
}

// setRegistries changes how images are looked up and pulled.
func (p *program) setRegistries(registries map[string]config.Registry) error {
	if err := p.registry.SetCredentials(lookUpLogins(registries)); err != nil {
		return err
	}
	p.engine.SetRegistries(pullLogins(registries))
	return nil
}

func (p *program) openProxy(context.Context) (err error) {
	options := proxy.Options{
		Listen: p.Proxy.HTTP, Listener: p.passed(socketHTTP, "proxy.http", p.Proxy.HTTP),
		ListenTLS: p.Proxy.HTTPS, ListenerTLS: p.passedHTTPS(),
		Certificates: filepath.Join(p.State, "certificates"), Notice: p.noteCertificate,
		File: filepath.Join(p.State, "routes.json"), TrustedProxies: p.Proxy.TrustedProxies,
		Log: p.part("proxy"), AccessLog: p.accessLogOf(p.Proxy.AccessLog), Metrics: p.metrics,
		Owns: p.engine.Owns,
	}
	if host := p.Server.Host; host != "" {
		webhook := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.webhook.ServeHTTP(w, r) })
		options.Own = proxy.Own{Host: host, Path: webhookPath, Handler: webhook}
	}
	p.proxy, err = proxy.New(options)
	return err
}

// accessLogOf is where a configuration wants the lines about requests, in the proxy's words.
func (p *program) accessLogOf(is config.AccessLog) proxy.AccessLog {
	switch is.File {
	case "":
		return proxy.AccessLog{Writer: p.accessLog, Sample: is.Sample}
	case config.NoAccessLog:
		return proxy.AccessLog{Writer: io.Discard}
	}
	return proxy.AccessLog{File: is.File, Sample: is.Sample}
}

// openListeners opens the proxy's. What is wrong with certificates is told from here on.
func (p *program) openListeners(ctx context.Context) error {
	if err := p.proxy.SetTLS(tlsOf(p.Config)); err != nil {
		return err
	}
	return p.proxy.Listen(ctx)
}

func (p *program) openDeployer(context.Context) error {
	var err error
	p.registry, err = registry.New(registry.Options{Credentials: lookUpLogins(p.Registries), Log: p.part("registry")})
	if err != nil {
		return err
	}
	observers := append(p.observers, p.logTransition, func(d deployer.Deployment) { p.server.Observe(d) })
	p.deployer, err = deployer.New(deployer.Options{
		Services: p.Services, Runtime: p.engine, Traffic: p.proxy, Registry: p.registry, Journal: p.journal,
		Log: p.part("deployer"), NewID: newID, Observers: observers,
		Notices: p.notices, Names: p.engine, Recall: memorable,
	})
	p.warnOfJournal()
	p.forgetDeparted(p.Services)
	return err
}

// forgetDeparted lets the journal forget, in time, what belonged to services that left the configuration.
func (p *program) forgetDeparted(services []deployer.Service) {
	names := make([]string, len(services))
	for i, s := range services {
		names[i] = s.Name
	}
	if err := p.journal.Configured(names); err != nil { // a full disk, say
		p.Log.Warn().Err(err).Msg("cannot note which services left the configuration; the next change of it, or start, tries again")
	}
}

func (p *program) openServer(ctx context.Context) error {
	trusted, err := secrets(p.Config)
	if err != nil {
		return err
	}
	p.github = webhooks.New(trusted)
	p.hot = newReconciler(p)
	p.server = server.New(server.Options{
		Deployer: p.deployer, Configuration: p.hot, GitHub: p.github, Token: p.token, Routes: p.routes, Traffic: p.traffic,
		Version: version(), Log: p.part("server"), Registry: p.metrics,
	})
	p.webhook = p.server.Webhook()
	if p.listener = p.passed(socketServer, "server.listen", p.Server.Listen); p.listener != nil {
		return nil
	}
	p.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", p.Server.Listen)
	if err != nil {
		return fmt.Errorf("listen for webhooks and the API: %w; set `server.listen` to a free address", err)
	}
	p.opened = append(p.opened, p.listener)
	return nil
}

// newID makes a ULID, which sorts by time.
func newID(at time.Time) string {
	return ulid.MustNew(ulid.Timestamp(at), ulid.DefaultEntropy()).String()
}

// secrets are the webhook secrets of a configuration.
func secrets(c *config.Config) (all webhooks.Secrets, err error) {
	if all.Default, err = reveal(c.GitHub.Secrets); err != nil {
		return all, fmt.Errorf("open github.secret: it %w", err)
	}
	all.Repositories = map[string][]string{}
	for repository, own := range c.RepositorySecrets {
		if all.Repositories[repository], err = reveal(own); err != nil {
			return all, fmt.Errorf("open the webhook secret of %s: it %w", repository, err)
		}
	}
	return all, nil
}

func reveal(secrets []config.Secret) (plain []string, err error) {
	for _, s := range secrets {
		text, err := s.Reveal()
		if errors.Is(err, deployer.ErrUnavailable) {
			text, err = rand.Text(), nil // nobody knows it: until it can be had all that it would have signed is refused
		}
		if err != nil {
			return nil, err
		}
		plain = append(plain, text)
	}
	return plain, nil
}

// routes is the proxy's table in the server's words.
func (p *program) routes() []server.Route {
	var rows []server.Route
	for _, r := range p.proxy.Routes() {
		row := server.Route{Host: r.Host, Prefix: r.Prefix, Service: r.Service, Release: r.Release}
		for _, b := range r.Backends {
			row.Backends = append(row.Backends, server.Backend{Address: b.Address, InFlight: int(b.InFlight)})
		}
		rows = append(rows, row)
	}
	return rows
}

// traffic is the proxy's count in the server's words.
func (p *program) traffic(service string) server.Traffic {
	t := p.proxy.Traffic(service)
	return server.NewTraffic(t.All, t.Failed, t.Over)
}

func (s settings) part(name string) zerolog.Logger { return s.Log.With().Str("part", name).Logger() }

// close lets go of what build opened, the last first.
func (p *program) close() error {
	var all []error
	for _, c := range slices.Backward(p.opened) {
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}
