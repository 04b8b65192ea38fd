// Package docker runs releases on a Docker Engine: Linux, rootful, API 1.41 (Docker 20.10) or newer.
//
// Nothing is remembered here. What runs is read from the labels of containers, what is retained from the tags of images,
// so a new process finds everything its predecessor left. Only containers that carry the label of its own network are
// touched, and only images and networks it made itself.
package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/client"
	"github.com/rs/zerolog"

	"fisherman/deployer"
)

// DefaultNetwork is the network whose fisherman retains images under nothing but their contract's tag.
const DefaultNetwork = "fisherman"

// Options say which engine, and how to reach registries.
type Options struct {
	Host       string              // "unix:///var/run/docker.sock"; empty: Docker's environment variables, else its default
	Network    string              // created by Ready when missing; default "fisherman"
	Registries map[string]Registry // by host, as images name it; Docker Hub is "docker.io"
	Hosts      string              // directory of the files that containers get as /etc/hosts, absolute; empty: they have Docker's own
	SpareDisk  int64               // bytes that Preflight leaves free where Docker keeps images; default DefaultSpareDisk
	Log        zerolog.Logger
}

// Registry is how to log in to a registry.
type Registry struct {
	Username string
	Password deployer.Secret
	Mirror   string // "host:port" to pull this registry's images from instead; its own login is under its own name
}

// Engine is a deployer.Runtime on a Docker Engine. It is safe for concurrent use.
type Engine struct {
	api        *client.Client
	agreed     atomic.Bool // on a version of the API
	fresh      fresh
	tenants    tenants
	once       waited
	hosts      hosts
	whole      sync.Map // ids of containers that Make has made, files and all, and nobody has started
	network    string
	registries atomic.Pointer[map[string]Registry]
	spare      int64
	root       atomic.Pointer[string] // Docker's data directory, once it is known
	log        zerolog.Logger
}

var _ deployer.Runtime = (*Engine)(nil)

// networkName is what fits into the tag that marks an image as some network's; Docker itself allows longer names.
var networkName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$`)

// New returns an Engine. It does not talk to Docker: while Docker is away, every method wraps deployer.ErrUnavailable.
func New(o Options) (*Engine, error) {
	if o.Network == "" {
		o.Network = DefaultNetwork
	}
	if !networkName.MatchString(o.Network) {
		return nil, fmt.Errorf("docker network %q: use at most 64 letters, digits, dots, dashes and underscores", o.Network)
	}
	options := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}
	if o.Host != "" {
		options = append(options, client.WithHost(o.Host))
	}
	api, err := client.NewClientWithOpts(options...)
	if err != nil {
		return nil, fmt.Errorf("docker host %q: %w", o.Host, err)
	}
	e := &Engine{
		api: api, fresh: newFresh(api), network: o.Network, hosts: hosts{dir: o.Hosts},
		spare: cmp.Or(o.SpareDisk, DefaultSpareDisk), log: o.Log,
	}
	e.SetRegistries(o.Registries)
	return e, nil
}

// SetRegistries changes how registries are reached, from the next pull on.
func (e *Engine) SetRegistries(registries map[string]Registry) { e.registries.Store(&registries) }

func (e *Engine) logins() map[string]Registry { return *e.registries.Load() }

// Ping reports whether Docker answers.
func (e *Engine) Ping(ctx context.Context) error {
	return e.ask(ctx, "ping Docker", func(ctx context.Context) error {
		_, err := e.api.Ping(ctx)
		return err
	})
}

// Ready sees to it that releases can run: the engine answers, is one this package can use, and has the network.
func (e *Engine) Ready(ctx context.Context) error {
	info, err := e.info(ctx)
	if err != nil {
		return err
	}
	if info.OSType != "linux" {
		return fmt.Errorf("the engine at %s runs %s containers; fisherman needs Linux", e.api.DaemonHost(), info.OSType)
	}
	if slices.Contains(info.SecurityOptions, "name=rootless") {
		return errors.New("this Docker Engine runs rootless, where containers cannot be reached by address; use a rootful one")
	}
	return e.ensureNetwork(ctx)
}

func (e *Engine) info(ctx context.Context) (info system.Info, err error) {
	err = e.ask(ctx, "read the engine's description", func(ctx context.Context) error {
		info, err = e.api.Info(ctx)
		return err
	})
	if err == nil {
		e.root.Store(&info.DockerRootDir)
	}
	return info, err
}

// Close lets go of connections to the engine.
func (e *Engine) Close() error { return e.api.Close() }
