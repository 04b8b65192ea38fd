package registry

import (
	"net"
	"net/netip"

	"github.com/google/go-containerregistry/pkg/name"
)

// parseRegistry reads "host" or "host:port". As Docker has it, one on this machine's loopback may speak plain HTTP,
// and docker.io is short for index.docker.io.
func parseRegistry(host string) (name.Registry, error) {
	return name.NewRegistry(host, options(host)...)
}

func options(host string) []name.Option {
	if loopback(host) {
		return []name.Option{name.Insecure}
	}
	return nil
}

func loopback(registry string) bool {
	host, _, err := net.SplitHostPort(registry)
	if err != nil {
		host = registry
	}
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

func parseRepository(image string) (name.Repository, error) {
	repository, err := name.NewRepository(image)
	if err != nil {
		return name.Repository{}, err
	}
	return name.NewRepository(image, options(repository.Registry.Name())...)
}

// parseTag parses the image by itself first: a person's tag must not be able to name another repository.
func parseTag(image, tag string) (name.Repository, error) {
	repository, err := parseRepository(image)
	if err != nil {
		return name.Repository{}, err
	}
	if _, err := name.NewTag(repository.Name()+":"+tag, name.StrictValidation); err != nil {
		return name.Repository{}, err
	}
	return repository, nil
}

func parseDigest(image, digest string) (name.Repository, error) {
	repository, err := parseRepository(image)
	if err != nil {
		return name.Repository{}, err
	}
	if _, err := name.NewDigest(repository.Name() + "@" + digest); err != nil {
		return name.Repository{}, err
	}
	return repository, nil
}

// people is a registry by the name that stands in image names and in the configuration.
func people(registry name.Registry) string {
	if registry.Name() == name.DefaultRegistry {
		return "docker.io"
	}
	return registry.Name()
}
