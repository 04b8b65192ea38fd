package docker

import (
	"fmt"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/registry"

	"fisherman/deployer"
)

// source is one place to pull an image from.
type source struct {
	ref      string // "ghcr.io/owner/name@sha256:…"
	registry string // its host
}

// sources are the mirror, where there is one, and the origin.
func (e *Engine) sources(r deployer.Release) ([]source, error) {
	named, err := reference.ParseNormalizedNamed(r.Service.Image)
	if err != nil {
		return nil, fmt.Errorf("image %q: %w", r.Service.Image, err)
	}
	host, path := reference.Domain(named), reference.Path(named)
	sources := []source{{ref: r.Service.Image + "@" + r.Digest, registry: host}}
	if mirror := e.logins()[host].Mirror; mirror != "" {
		sources = append([]source{{ref: mirror + "/" + path + "@" + r.Digest, registry: mirror}}, sources...)
	}
	return sources, nil
}

// credentials are a registry's login in the form of the engine's API; without one the engine asks anonymously.
func (e *Engine) credentials(host string) (string, error) {
	login := e.logins()[host]
	if login.Username == "" && login.Password.IsEmpty() {
		return "", nil
	}
	password, err := login.Password.Reveal()
	if err != nil {
		return "", fmt.Errorf("open registries.%s.password: it %w", host, err)
	}
	encoded, err := registry.EncodeAuthConfig(registry.AuthConfig{
		Username: login.Username, Password: password, ServerAddress: host,
	})
	if err != nil {
		return "", fmt.Errorf("encode the login of %s", host) // without the cause, which might quote it
	}
	return encoded, nil
}
